"""Digests of literal stories, for the tests of every format."""

from datetime import UTC, datetime
from typing import Any

from pipeline.archive.digest.build import build
from pipeline.archive.digest.rows import Digest
from pipeline.archive.queries import DayCount, Quotation, Story, StoryArticle
from pipeline.schema import Topic

TOPICS = (
    Topic("mines", "Mines & duds", colour="#a83232"),
    Topic("schools", "Schools", colour="#2f6fab"),
    Topic("aid", "Aid", colour="#3a7d44"),
)
MADE = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
CLEARED = Story(
    11,
    "Sappers clear a field",
    (
        StoryArticle(
            101,
            "Sappers clear a field",
            "Morning Post",
            "2026-03-04",
            "https://morning.example/field?a=1&b=2",
            "https://morning.example/field?a=1&b=2",
            "en",
            ("mines",),
            ("schools",),
        ),
        StoryArticle(
            102,
            "A field is cleared",
            "Evening Echo",
            "2026-03-05",
            None,
            "/home/anna/echo.docx",
            "en",
            ("mines",),
            (),
        ),
    ),
    (
        Quotation(1001, 101, 1, "Sappers cleared a field of mines.", {"mines": 0.91}),
        Quotation(1002, 101, 3, "The school beside it opens on Monday.", {"schools": 0.62}),
        Quotation(1003, 101, 4, "Mines were found near the <well> & the road.", {"mines": 0.83}),
        Quotation(1004, 101, 6, "Other mines are suspected.", {"mines": 0.55}),
    ),
    ("mines",),
    ("schools",),
)
FORMULA = Story(
    12,
    '=HYPERLINK("http://evil.example","*bold* [link](x) | <b>")',
    (
        StoryArticle(
            103, "+1 for schools", "@Outlet", "2026-03-05", "https://at.example/1", "x", "uk", (), ("schools",)
        ),
    ),
    (Quotation(1005, 103, 0, "-2+3 шкіл відкрито 😀", {"schools": 0.7}),),
    (),
    ("schools",),
)
ARABIC = Story(
    13,
    "مدرسة جديدة",
    (
        StoryArticle(
            104, "مدرسة جديدة", "الصباح", "2026-03-05", "javascript:alert(1)", "a.html", "ar", ("schools",), ()
        ),
    ),
    (Quotation(1006, 104, 0, "افتتحت مدرسة جديدة.", {"schools": 0.8}),),
    ("schools",),
    (),
)
WORDS = Story(
    14,
    "Weather",
    (StoryArticle(105, "Weather", "Morning Post", "2026-03-05", None, "weather.txt", None, (), ()),),
    (Quotation(1007, 105, 0, "Rain, and a field.", {}),),
    (),
    (),
)
STORIES = (CLEARED, FORMULA, ARABIC, WORDS)
DAYS = (
    DayCount("2026-03-03", "mines", 1, 20, 2.0),
    DayCount("2026-03-04", "mines", 4, 30, 5.0),
    DayCount("2026-03-05", "schools", 2, 10, 2.5),
    DayCount("2026-01-01", "schools", 9, 10, 2.5),
)


def made_digest(stories: tuple[Story, ...] = STORIES, **changes: Any) -> Digest:
    settings: dict[str, Any] = {
        "title": "Mines, Kharkiv",
        "period": "4 to 5 March 2026",
        "made": MADE,
        "model": "model 1a2b3c4d",
        "key": "mines-kharkiv",
        "days": DAYS,
    }
    return build(stories, TOPICS, **settings | changes)
