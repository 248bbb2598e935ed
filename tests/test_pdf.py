import re
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from small_pdf import IMAGE, pdf, shown

from pipeline.data.readers import pdf_lines
from pipeline.data.readers.pdf import read_pdf
from pipeline.errors import SourceError
from pipeline.schema import Article

CASES = Path(__file__).parent / "cases" / "pdf"
END = (
    "The spokesman added nothing on this point, and the meeting went on until late in the evening. Officials in"
    " both towns said that the work would go on through the summer."
)
MINES, HACKERS, TALKS, GRID, MUSEUM = (
    f"{start} {END}"
    for start in (
        "The ministry said sappers had cleared forty hectares of mined land near the river this spring, and that"
        " families could return to two villages.",
        "Hackers encrypted the hospital's servers overnight and asked for a ransom, the national cyber agency said"
        " on Monday in a short statement.",
        "The two foreign ministers resumed peace talks in the capital and agreed on most articles of the draft"
        " treaty, leaving two of them open.",
        "The grid operator warned of blackouts this winter because gas deliveries through the pipeline had fallen"
        " by a third since the summer.",
        "The museum opened a new hall with carpets from three villages, and the director thanked the weavers for"
        " lending their work.",
    )
)
FOUR = [MINES, HACKERS, TALKS, MUSEUM]
SHORT = ["The ministry said sappers had cleared forty hectares of mined", "land near the river this spring."]
SENTENCE = " ".join(SHORT)


def read(content: bytes) -> Article:
    (article,) = read_pdf(content, "a.pdf")
    return article


def texts(content: bytes) -> list[str]:
    return read(content).text.split("\n\n")


@pytest.mark.parametrize(
    "name",
    [
        "normal", "font9", "font10_times", "font11_times", "font12_times", "font12_times_narrow_margin",
        "landscape", "justified", "spacing_115", "spacing_15", "double_spaced", "double_spaced_close", "wide_gap",
        "no_space_no_indent", "odd_date", "title_unicode", "bad_font", "bad_pages", "bad_xref", "garbage_after",
        "junk_before", "enc_owner_only", "enc_owner_aes256",
    ],
)  # fmt: skip
def test_each_paragraph_is_read_once_and_whole(name: str) -> None:
    assert texts((CASES / f"{name}.pdf").read_bytes()) == FOUR


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("two_columns", FOUR * 5),
        ("multi_page", [MINES, HACKERS, TALKS, GRID, MUSEUM] * 12),
        (
            "hyphenated",
            [
                "The ministry said that sappers cleared the minefield near the river, a demining unit said on"
                " Monday. The well-known expert from Nagorno-Karabakh spoke of antipersonnel mines and of"
                " COP-29 in Baku."
            ],
        ),
        (
            "hyphen_one",
            [
                "The ministry said sappers had cleared forty hectares of mined land near the river, and that"
                " families could return to two villages. The spokesman added nothing on clearance in the north,"
                " and the meeting went on until late in the evening. Officials in both towns said that the"
                " work would go on through the summer and that more teams would come.",
                "The museum opened a new hall with carpets from three villages, and the director thanked the"
                " weavers for lending their work to the town.",
            ],
        ),
        (
            "hyphen_none",
            [
                "The ministry said sappers had cleared forty hectares of mined land near the river, and that"
                " families could return to two villages. The spokesman added nothing on the clearance in the"
                " north, and the meeting went on until late in the evening. Officials in both towns said that"
                " the work would go on through the summer and more teams would come."
            ],
        ),
        (
            "letterspaced",
            ["The ministry said sappers had cleared forty hectares of mined land near the river this spring."],
        ),
        (
            "ligature",
            [
                "The official said the first flood of cyberattacks hit the office; software was confiscated"
                " and peace talks went on."
            ],
        ),
        (
            "cyrillic",
            [
                "Сапёры очистили сорок гектаров заминированной земли у реки, сообщило"  # noqa: RUF001
                " министерство в понедельник. Семьи смогут вернуться в две деревни уже этой"
                " весной."
            ]
            * 2,
        ),
    ],
)
def test_columns_pages_hyphens_and_letters(name: str, expected: list[str]) -> None:
    assert texts((CASES / f"{name}.pdf").read_bytes()) == expected


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("bad_root", "not a valid PDF: damaged or not complete"),
        ("cut", "not a valid PDF: damaged or not complete"),
        ("cut_small", "not a valid PDF: damaged or not complete"),
        ("header_only", "not a valid PDF: damaged or not complete"),
        ("html_named", "not a valid PDF: damaged or not complete"),
        ("bad_stream", "PDF has no text; its pages are empty or damaged"),
        ("empty_pages", "PDF has no text; its pages are empty or damaged"),
        ("scan", "PDF has no text; run OCR on a scan first"),
        ("scan_with_page_number", "PDF has no text; run OCR on a scan first"),
        ("enc_user_aes", "PDF is protected by a password; save it without one first"),
        ("enc_user_rc4", "PDF is protected by a password; save it without one first"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    name: str, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceError) as told:
        read((CASES / f"{name}.pdf").read_bytes())
    assert str(told.value) == f"a.pdf: {problem}"
    assert capfd.readouterr() == ("", "")


def test_the_library_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    read((CASES / "bad_font.pdf").read_bytes())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cut", range(100, 2000, 237))
def test_a_pdf_cut_anywhere_is_an_error_or_its_text(cut: int) -> None:
    content = (CASES / "normal.pdf").read_bytes()
    try:
        found = texts(content[:cut])
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert found == FOUR


def test_a_page_stream_that_swells_is_given_up() -> None:
    content = b"BT /F 10 Tf 60 700 Td " + b"(a) Tj " * 25_000_000 + b"ET"
    packed = zlib.compress(content, 9)
    whole = pdf(b"PACKED").replace(
        b"<< /Length 6 >>\nstream\nPACKED",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s" % (len(packed), packed),
    )
    with pytest.raises(SourceError, match=r"^a\.pdf: not a valid PDF: reading it takes too much time or memory$"):
        read(whole)


def test_a_document_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.data.readers.pdf._SECONDS", 0.001)
    with pytest.raises(SourceError, match=r"^a\.pdf: not a valid PDF: reading it takes too much time or memory$"):
        read((CASES / "normal.pdf").read_bytes())


def test_the_program_limits_its_own_time_and_memory() -> None:
    with subprocess.Popen([sys.executable, "-P", pdf_lines.__file__], stdin=subprocess.PIPE) as reading:
        limits = Path(f"/proc/{reading.pid}/limits")
        for _ in range(6000):
            if (found := limits_in(limits)) == {"Max cpu time": "120", "Max address space": str(2 << 30)}:
                break
            time.sleep(0.01)
        reading.kill()
    assert found == {"Max cpu time": "120", "Max address space": "2147483648"}


def limits_in(path: Path) -> dict[str, str]:
    rows = [re.split(r"\s{2,}", line) for line in path.read_text().splitlines()]
    return {row[0]: row[1] for row in rows if row[0] in ("Max cpu time", "Max address space")}


@pytest.mark.parametrize(
    ("content", "page"),
    [
        (b"0 1 -1 0 612 0 cm " + shown(SHORT), "/Rotate 90"),
        (b"-1 0 0 -1 612 792 cm " + shown(SHORT), "/Rotate 180"),
        (b"0 -1 1 0 0 792 cm " + shown(SHORT, top=500), "/Rotate 270"),
        (b"0.5 0 0 0.5 0 0 cm " + shown(SHORT, size=22, pitch=28), ""),
    ],
    ids=["90", "180", "270", "scaled"],
)
def test_turned_and_scaled_pages(content: bytes, page: str) -> None:
    assert texts(pdf(content, page=page)) == [SENTENCE]


def test_a_watermark_is_left_out() -> None:
    mark = b" BT /F 60 Tf 0.7 0.7 -0.7 0.7 150 500 Tm (DRAFT) Tj ET"
    assert texts(pdf(shown(SHORT) + mark)) == [SENTENCE]


def test_words_without_spaces_between_them_are_told_apart_by_their_distance() -> None:
    content = b"BT /F 11 Tf 60 740 Td [(The) -300 (ministry) -300 (said) -20 (so.)] TJ ET"
    assert texts(pdf(content)) == ["The ministry saidso."]


def test_pages_without_text_are_counted_in_a_note() -> None:
    article = read(pdf(shown(SHORT), IMAGE, IMAGE + b" " + shown(["3"], left=300, top=30), b"", shown(SHORT)))
    assert article.text.split("\n\n") == [SENTENCE, SENTENCE]
    assert article.notes == ("2 of 5 pages have no text; run OCR on a scan first.",)


def test_a_line_that_repeats_on_every_page_of_a_scan_is_no_text() -> None:
    page = IMAGE + b" " + shown(["Scanned by an app"], top=30)
    with pytest.raises(SourceError, match=r"no text; run OCR"):
        read(pdf(page, page, page))


def test_damaged_pages_are_counted_in_a_note() -> None:
    content = pdf(shown(SHORT), shown(["The school reopened."])).replace(
        b"8 0 obj\n<< /Type /Page", b"8 0 obj\n<< /Type /Xage"
    )
    article = read(content)
    assert (article.text, article.notes) == (SENTENCE, ("1 of 2 pages are damaged and were left out.",))


UNKNOWN = (
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Odd /FirstChar 1 /LastChar 26 /Widths [" + b"500 " * 26 + b"]"
    b" /FontDescriptor << /Type /FontDescriptor /FontName /Odd /Flags 4 >> /Encoding << /Type /Encoding"
    b" /Differences [1 " + b" ".join(b"/g%d" % number for number in range(26)) + b"] >> >>"
)


def test_a_font_that_does_not_say_its_letters_is_told() -> None:
    content = b"BT /F 11 Tf 60 740 Td <0102030405060708090A0B0C> Tj ET"
    with pytest.raises(SourceError, match=r"^a\.pdf: PDF has fonts that do not say which letters they show"):
        read(pdf(content, font=UNKNOWN))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Mines  cleared", "Mines cleared"),
        ("Documents leaked from the ministry", "Documents leaked from the ministry"),
        ("", None),
        ("untitled", None),
        (r"\(anonymous\)", None),
        ("Document1", None),
        ("Microsoft Word - x.doc", None),
        ("report-final.docx", None),
        ("PowerPoint Presentation", None),
        ("https://example.org/news", None),
    ],
)
def test_a_title_that_programs_put_in_is_none(title: str, expected: str | None) -> None:
    assert read(pdf(shown(SHORT), title=title)).title == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("D:20250304100000Z", "2025-03-04"),
        ("20250304", "2025-03-04"),
        ("D:20251399", None),
        ("04.05.2026", None),
        ("", None),
    ],
)
def test_the_date_of_creation(date: str, expected: str | None) -> None:
    assert read(pdf(shown(SHORT), date=date)).date == expected


def test_a_title_in_unicode() -> None:
    article = read((CASES / "title_unicode.pdf").read_bytes())
    assert (article.title, article.date) == ("Çay sahilində minalar", "2026-05-04")
