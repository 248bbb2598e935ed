"""Unicode is recognised for certain, older encodings are guessed."""

import pytest

from pipeline.data.encoding import advice, likely_encoding, unicode_encoding

RUSSIAN = "Министерство сообщило, что сапёры очистили поля."
GREEK = "Το υπουργείο ανακοίνωσε ότι τα πεδία καθαρίστηκαν."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "utf-8-sig"),
        (b"plain", "utf-8-sig"),
        ("ərazidə".encode(), "utf-8-sig"),
        ("\ufeffa".encode(), "utf-8-sig"),
        ("a,ə\n".encode("utf-16"), "utf-16"),
        ("a,ə\n".encode("utf-32"), "utf-32"),
        ("id;text\n1;a\n".encode("utf-16-le"), "utf-16-le"),
        ("id;text\n1;a\n".encode("utf-16-be"), "utf-16-be"),
        (f"id;text\n1;{RUSSIAN}\n".encode("utf-16-le"), "utf-16-le"),
        (f"id;text\n1;{RUSSIAN}\n".encode("utf-16-be"), "utf-16-be"),
        (b"id,text\n1,a zero\0 in a text of many letters\n", "utf-8-sig"),
        (b"a\0b", "utf-8-sig"),
        (b"a\0\0b" * 10, "utf-8-sig"),
        (b"\1\0\2\0\3\0\4\0", "utf-8-sig"),
        (b"\0\xd8a\0a\0a\0", None),
        ("ə\nə\n".encode() + b"caf\xe9\n", "utf-8-sig"),
        ("ə\n".encode() + b"caf\xe9\nna\xefve\n", None),
        (b"caf\xe9", None),
        (RUSSIAN.encode("cp1251"), None),
    ],
)
def test_unicode_is_recognised_by_marks_zero_bytes_and_validity(content: bytes, expected: str | None) -> None:
    assert unicode_encoding(content) == expected


def test_the_last_character_may_be_cut_where_more_follows() -> None:
    assert unicode_encoding("ərazidə".encode()[:-1], more=True) == "utf-8-sig"
    assert unicode_encoding("ə".encode()[:-1]) is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "windows-1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        ("Bakanlık, İstanbul'da çalışmaların sürdüğünü açıkladı.", "windows-1254"),
        ("Le café de Bakou a rouvert après la panne.", "windows-1252"),
        ("Une crème brûlée à Louÿs, naïve.", "windows-1252"),
        ("Größere Flächen für Bürger, hieß es.", "windows-1252"),
        ("He said \u201cno\u201d \u2013 and left.", "windows-1252"),
        ("Ministerstwo oświadczyło, że saperzy oczyścili łąkę.", "windows-1250"),
        (GREEK, "windows-1253"),
        ("أعلنت الوزارة أن خبراء الألغام طهروا الحقول", "windows-1256"),
    ],
)
def test_the_common_letters_tell_an_8_bit_encoding(text: str, encoding: str) -> None:
    assert likely_encoding(f"id,text\n1,{text}\n".encode(encoding)) == encoding


def test_noise_has_no_likely_encoding() -> None:
    noise = bytes(range(128, 256)) * 3
    assert likely_encoding(noise) is None
    assert advice(noise) == "convert it to UTF-8"
    assert advice(b"caf\xe9") == "looks like windows-1252; convert it to UTF-8"
