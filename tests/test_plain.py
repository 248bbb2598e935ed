import bz2
import gzip
import lzma

import pytest

from pipeline.data.readers.plain import read_text
from pipeline.errors import SourceError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_is_decoded_by_its_byte_order_mark(encoding: str) -> None:
    text = "Sappers cleared the bank. Sap\u00ebrs clear \u0431\u0435\u0440\u0435\u0433."
    assert read_text(f"\ufeff{text}".encode(encoding), "a.txt")[0].text == text


def test_text_without_a_mark_is_utf8() -> None:
    assert read_text("caf\u00e9".encode(), "a.txt")[0].text == "caf\u00e9"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\x89PNG\0\0\0\rIHDR\0\0", "binary, expected text in UTF-8, HTML, PDF, DOCX, mail or a feed"),
        (b"Text\0text", "binary, expected text in UTF-8, HTML, PDF, DOCX, mail or a feed"),
        (b"\xff\xfea", "not UTF-16 at byte 3; convert it to UTF-8"),
        (b"caf\xe9", "not UTF-8 at byte 4; looks like windows-1252; convert it to UTF-8"),
        (rb"{\rtf1\ansi Text.}", "this is RTF; save it as text or DOCX"),
        (gzip.compress(b"Text.", mtime=0), "compressed; unpack it, or if it is a table, predict on it alone"),
        (bz2.compress(b"Text."), "compressed; unpack it, or if it is a table, predict on it alone"),
        (lzma.compress(b"Text."), "compressed; unpack it, or if it is a table, predict on it alone"),
    ],
)
def test_what_is_no_text_is_said_in_one_line(content: bytes, problem: str) -> None:
    with pytest.raises(SourceError, match=f"^a.txt: {problem}$"):
        read_text(content, "a.txt")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Mines cleared\n\nText.", "Mines cleared"),
        ("\n \n# Mines cleared ##\r\nText.", "Mines cleared"),
        ("#\tMines", "Mines"),
        ("## Part\n# Title", None),
        ("#tag\nText.", None),
        ("# \n", None),
        ("# #", None),
        ("Text.\n# Title", None),
        ("", None),
    ],
)
def test_the_title_of_markdown_is_the_heading_that_it_starts_with(text: str, title: str | None) -> None:
    assert read_text(text.encode(), "a.MD")[0].title == title
    assert read_text(text.encode(), "a.txt")[0].title is None
