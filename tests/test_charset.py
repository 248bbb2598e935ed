# ruff: noqa: RUF001  # letters that look alike in two alphabets are the subject

import pytest

from pipeline.data.readers.charset import decoded

RUSSIAN = "Сапёры очистили сорок гектаров земли у реки, сообщило министерство в понедельник."
TURKISH = "Bakanlık, ekiplerin nehir kıyısında araziyi temizlediğini açıkladı, şöyle."
FRENCH = "Le ministère a déclaré que les familles pourraient rentrer – enfin – chez elles, à l’été."
POLISH = "Ministerstwo poinformowało, że saperzy oczyścili czterdzieści hektarów ziemi, a rodziny wrócą."
ICELANDIC = "Ráðuneytið sagði að fjölskyldur gætu snúið aftur til þorpanna, það er nýtt."
ENGLISH = "The café in Orléans reopened – “at last”, he said; it is 20 € now."
CHINESE = "国防部表示，工兵今年春天清理了河边的雷区，居民可以返回村庄。"


def page(text: str, head: str = "") -> str:
    return f"<html><head>{head}</head><body><p>{text}</p></body></html>"


def charset(name: str) -> str:
    return f'<meta charset="{name}">'


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (RUSSIAN, "iso8859-5", "iso-8859-5"),
        (RUSSIAN, "cp866", "ibm866"),
        (TURKISH, "cp1254", "windows-1254"),
        (TURKISH, "cp1254", "iso-8859-9"),
        (POLISH, "cp1250", "windows-1250"),
        (POLISH, "iso8859-2", "iso-8859-2"),
        (ICELANDIC, "cp1252", "iso-8859-1"),
        (FRENCH, "cp1252", "iso-8859-1"),
        (FRENCH, "cp1252", "latin1"),
        (ENGLISH, "cp1252", "us-ascii"),
        (CHINESE, "gb18030", "gb2312"),
        (RUSSIAN, "utf-8", "utf-8"),
    ],
)
def test_a_named_encoding_is_what_browsers_mean_by_it(text: str, encoding: str, named: str) -> None:
    content = page(text, charset(named))
    assert decoded(content.encode(encoding)) == (content, None)


@pytest.mark.parametrize(
    ("text", "encoding", "named", "doubt"),
    [
        (RUSSIAN, "cp1251", "utf-8", "it names the encoding utf-8, but was read as windows-1251"),
        (RUSSIAN, "cp1251", "iso-8859-1", "it names the encoding windows-1252, but was read as windows-1251"),
        (TURKISH, "cp1254", "iso-8859-1", "it names the encoding windows-1252, but was read as windows-1254"),
        (POLISH, "cp1250", "iso-8859-1", "it names the encoding windows-1252, but was read as windows-1250"),
        (ENGLISH, "cp1252", "utf-8", "it names the encoding utf-8, but was read as windows-1252"),
        (RUSSIAN, "utf-8", "windows-1251", None),
        (TURKISH, "utf-8", "iso-8859-1", None),
    ],
)
def test_a_wrong_name_is_seen(text: str, encoding: str, named: str, doubt: str | None) -> None:
    content = page(text, charset(named))
    assert decoded(content.encode(encoding)) == (content, doubt)


@pytest.mark.parametrize(
    ("text", "encoding", "read_as"),
    [
        (RUSSIAN, "cp1251", "windows-1251"),
        (RUSSIAN, "koi8-r", "koi8_r"),
        (TURKISH, "cp1254", "windows-1254"),
        (
            f"Mayın temizleme ekiplerinin bu bahar iki köye döneceğini, {TURKISH} İş şöyle.",
            "cp1254",
            "windows-1254",
        ),
        (POLISH, "cp1250", "windows-1250"),
        (ENGLISH, "cp1252", "windows-1252"),
        (ICELANDIC, "cp1252", "windows-1252"),
        (CHINESE, "gb18030", "gb18030"),
    ],
)
def test_an_encoding_that_is_not_named_is_told_by_the_letters(text: str, encoding: str, read_as: str) -> None:
    content = page(text)
    assert decoded(content.encode(encoding)) == (content, f"it names no encoding; read as {read_as}")


def test_the_language_of_the_page_helps() -> None:
    content = page("Když řekl, že příští rok bude lépe.").replace("<html", '<html lang="cs"')
    assert decoded(content.encode("cp1250"))[0] == content


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_byte_order_decides(encoding: str) -> None:
    content = page(RUSSIAN, charset("iso-8859-1"))
    assert decoded(content.encode(encoding)) == (content, None)


def test_a_few_wrong_bytes_are_counted_and_a_cut_letter_is_not() -> None:
    content = page(RUSSIAN).encode()
    text, doubt = decoded(content.replace(b"<p>", b"<p>\xff\xfe"))
    assert (RUSSIAN in text, doubt) == (True, "2 characters are not valid UTF-8")
    cut = content[: content.index("реки".encode()) + 1]
    assert decoded(cut) == (cut[:-1].decode() + "\ufffd", None)


@pytest.mark.parametrize(
    "content", [b"\x81\x8d\x8f\x90\x9d" * 9, b"<meta charset=hex>\xff caf", b"<meta charset=nothing>\xe9 caf"]
)
def test_bytes_without_sense_are_doubted(content: bytes) -> None:
    text, doubt = decoded(content)
    assert text
    assert doubt
