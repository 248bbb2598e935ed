"""The words that all formats share, and what of a source is shown."""

from dataclasses import replace

import pytest
from made_digests import ARABIC, CLEARED, made_digest

from pipeline.archive.digest.rows import (
    enclosed,
    link,
    place,
    source_of,
    sparkline,
    timeline_words,
    words_of_period,
)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2026-03-05", "2026-03-05", "5 March 2026"),
        ("2026-03-04", "2026-03-05", "4 to 5 March 2026"),
        ("2026-02-28", "2026-03-05", "28 February 2026 to 5 March 2026"),
        ("2025-03-05", "2026-03-05", "5 March 2025 to 5 March 2026"),
        ("2026-03-05", None, "since 5 March 2026"),
        (None, "2026-03-05", "until 5 March 2026"),
        (None, None, "all days"),
    ],
)
def test_a_period_is_told_in_words(since: str | None, until: str | None, words: str) -> None:
    assert words_of_period(since, until) == words


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://a.example/", "https://[", "https:///x", "", None]
)
def test_only_addresses_of_the_web_are_links(address: str | None) -> None:
    article = replace(CLEARED.articles[1], address=address)
    assert link(article) is None
    assert place(article) == "echo.docx"


def test_the_folder_of_a_file_is_not_told() -> None:
    assert place(CLEARED.articles[1]) == "echo.docx"
    assert place(CLEARED.articles[0]) == "https://morning.example/field?a=1&b=2"


def test_a_source_names_outlet_title_date_and_paragraph() -> None:
    entry = made_digest((CLEARED,)).sections[0].entries[0]
    assert (
        source_of(entry, entry.quotations[0]) == "Morning Post, “Sappers clear a field”, 4 March 2026, paragraph 2"
    )


def test_a_date_after_arabic_stays_a_date() -> None:
    entry = made_digest((ARABIC,)).sections[0].entries[0]
    assert source_of(entry, entry.quotations[0]).startswith("الصباح\u200e, “مدرسة جديدة\u200e”, 5 March")
    assert enclosed("Morning Post") == "Morning Post"


@pytest.mark.parametrize(
    ("counts", "line"), [((0, 1, 4, 0), "▁▃█▁"), ((0, 0), "▁▁"), ((), ""), ((1, 1000), "▂█"), ((7,), "█")]
)
def test_a_sparkline_shows_the_least_count_apart_from_none(counts: tuple[int, ...], line: str) -> None:
    assert sparkline(tuple((f"2026-03-0{day}", count) for day, count in enumerate(counts, 1))) == line


def test_a_timeline_is_told_to_those_who_do_not_see_it() -> None:
    assert timeline_words(made_digest().sections[0]) == "Paragraphs a day: 1 on 3 March 2026, 4 on 4 March 2026"
    assert timeline_words(made_digest(days=()).sections[0]) == "Paragraphs a day: none"
