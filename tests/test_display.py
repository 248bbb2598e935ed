import pytest

from pipeline.text.display import one_line, printable, score_text


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


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.5, "0.50"),
        (0.994, "0.99"),
        (0.998, "0.998"),
        (0.9996, "0.9996"),
        (0.99999, ">0.9999"),
        (1.0, ">0.9999"),
        (0.004, "0.004"),
        (0.00004, "<0.0001"),
        (0.0, "<0.0001"),
    ],
)
def test_scores_near_the_ends_stay_apart(score: float, text: str) -> None:
    assert score_text(score) == text
