"""Whether the text beside a picture in docs/ is that of the page today."""

import runpy
from pathlib import Path

import pytest

PICTURED = "rain\n+19.4\nsnow\n+19.3\n"
SCREENSHOTS = Path(__file__).parents[1] / "docs/screenshots.py"


@pytest.mark.parametrize(
    ("shown", "differences"),
    [
        (PICTURED, []),
        ("rain\n+19.5\nsnow\n+19.3\n", []),
        ("snow\n+19.3\nrain\n+19.4\n", []),
        ("rain\n+25.0\nsnow\n+19.3\n", ["'+19.4', now '+25.0'"]),
        ("snow\n+19.3\nfog\n+19.4\n", ["'rain', now 'fog'"]),
        ("rain\n+19.4\nsnow\n", ["4 lines, now 3"]),
    ],
)
def test_a_picture_is_old_where_a_word_or_more_than_a_last_digit_changed(
    shown: str, differences: list[str]
) -> None:
    assert runpy.run_path(str(SCREENSHOTS))["differences"](PICTURED, shown) == differences
