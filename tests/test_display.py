import pytest

from pipeline.text.display import one_line, printable


@pytest.mark.parametrize(
    ("text", "in_line", "in_text"),
    [
        ("na\u00efve \u05e9\u05dc\u05d5\u05dd \U0001f600", None, None),
        ("a\tb\nc", "a\\tb\\nc", None),
        ("\x1b[31m\r\x00\x7f", "\\x1b[31m\\r\\x00\\x7f", "\\x1b[31m\\r\\x00\\x7f"),
        ("\x9b1m\x85", "\\x9b1m\\x85", "\\x9b1m\\x85"),
        ("caf\udce9.txt", "caf\\udce9.txt", "caf\\udce9.txt"),
        ("\u202egnp.exe\u2066\u200f", "\\u202egnp.exe\\u2066\\u200f", None),
        ("a\u2028b\u2029", "a\\u2028b\\u2029", None),
    ],
)
def test_what_could_move_the_cursor_is_written_out(text: str, in_line: str | None, in_text: str | None) -> None:
    assert one_line(text) == (text if in_line is None else in_line)
    assert printable(text) == (text if in_text is None else in_text)
