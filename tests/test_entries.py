"""What articles are recognised by, and the outlet and day of each."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archive.entries import Place, day_of, entries
from pipeline.schema import Article

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2026-02-27", "2026-02-27"),
        ("2026-02-27T23:30:00-05:00", "2026-02-27"),
        ("20260227", "2026-02-27"),
        ("Fri, 27 Feb 2026 23:30:00 -0500", "2026-02-27"),
        ("27 Feb 2026 10:00:00 GMT", "2026-02-27"),
        ("2026-03-03", "2026-03-03"),  # it is tomorrow already elsewhere
        ("2026-03-04", None),
        ("2026-02", None),
        ("2026-02-30", None),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("1912-04-15", "1912-04-15"),
        ("202602271200", None),
        ("yesterday", None),
        ("Mon, 99 Zzz 99999 99:99", None),
        ("", None),
        (None, None),
    ],
)
def test_the_day_is_the_one_that_the_date_states(stated: str | None, expected: str | None) -> None:
    assert day_of(stated, TODAY) == expected


@given(st.text(max_size=40))
def test_whatever_a_date_says_the_day_is_one_or_none(stated: str) -> None:
    found = day_of(stated, TODAY)
    assert found is None or date.fromisoformat(found) <= date(2026, 3, 3)


ANYTHING = st.none() | st.text(
    st.characters(), max_size=30
)  # with halves of surrogate pairs, as JSON may hold them


@given(
    st.lists(st.tuples(st.text(st.characters(), max_size=30), ANYTHING, ANYTHING, ANYTHING, ANYTHING), max_size=3)
)
def test_whatever_a_feed_says_can_be_stored(
    found: list[tuple[str, str | None, str | None, str | None, str | None]],
) -> None:
    place = Place("https://a.org/rss", "\udcff" if len(found) == 1 else None, TODAY)
    articles = [
        Article(f"https://a.org/rss#{n}", text, title, stated, link, outlet=outlet)
        for n, (text, title, stated, link, outlet) in enumerate(found, 1)
    ]
    described = entries(articles, place)
    for entry in described:
        told = entry.article
        for value in (entry.key, entry.outlet, entry.address, told.text, told.title, told.date, told.source):
            assert value is None or isinstance(value.encode(), bytes)


def keys(place: str, *articles: Article) -> list[str]:
    return [entry.key for entry in entries(articles, Place(place, None, TODAY))]


def feed_entry(number: int, link: str | None, title: str = "T", text: str = "Text.") -> Article:
    return Article(f"https://a.org/rss#{number}", text, title, None, link)


def test_a_file_is_recognised_by_its_place_and_a_page_by_its_address() -> None:
    assert keys("/news/a.html", Article("/news/a.html", "Text.", origin="https://a.org/1")) == ["/news/a.html"]
    assert keys("https://a.org/1?x=2", Article("https://a.org/1?x=2", "Text.")) == ["https://a.org/1?x=2"]


def test_an_entry_of_a_feed_is_recognised_by_its_link_wherever_it_stands() -> None:
    first = keys("https://a.org/rss", feed_entry(1, "https://a.org/1"), feed_entry(2, "https://a.org/2"))
    later = keys("https://a.org/rss", feed_entry(1, "https://a.org/0"), feed_entry(2, "https://a.org/1"))
    assert (first, later) == (["https://a.org/1", "https://a.org/2"], ["https://a.org/0", "https://a.org/1"])


@pytest.mark.parametrize("link", [None, "https://a.org/", "https://a.org", "/relative", "http://["])
def test_an_entry_without_a_link_of_its_own_is_recognised_by_its_title(link: str | None) -> None:
    one, other = feed_entry(1, link, "One"), feed_entry(2, link, "Other")
    assert len({*keys("https://a.org/rss", one, other)}) == 2
    moved = feed_entry(7, link, "One", "It was corrected.")
    assert keys("https://a.org/rss", moved) == keys("https://a.org/rss", one)


def test_entries_that_share_a_link_are_told_apart() -> None:
    live = [feed_entry(n, "https://a.org/live", title) for n, title in enumerate(("One", "Other"))]
    assert len({*keys("https://a.org/rss", *live)}) == 2


def test_a_row_of_a_table_is_recognised_by_its_address_else_by_its_id() -> None:
    rows = [
        Article("/t.csv#=17", "Text.", "T"),
        Article("/t.csv#=18", "Text.", "T", None, "https://a.org/1"),
        Article("/t.csv#=19", "Text.", "T"),
    ]
    assert keys("/t.csv", *rows) == ["/t.csv#17", "https://a.org/1", "/t.csv#19"]


def test_a_text_of_standard_input_is_recognised_by_itself() -> None:
    (one,), (same,), (other,) = (keys("-", Article("-", text)) for text in ("One.", "One.", "Other."))
    assert one == same != other


@pytest.mark.parametrize(
    ("place", "article", "chosen", "expected"),
    [
        ("/news/gazette/a.txt", Article("/news/gazette/a.txt", "T."), None, "gazette"),
        ("/news/a.html", Article("/news/a.html", "T.", outlet="The Courier"), None, "The Courier"),
        ("/news/a.html", Article("/news/a.html", "T.", outlet="The Courier"), "Mine", "Mine"),
        ("https://www.a.org/1", Article("https://www.a.org/1", "T."), None, "a.org"),
        ("https://a.org/rss", feed_entry(1, "https://news.b.org/1"), None, "news.b.org"),
        ("/a.txt", Article("/a.txt", "T."), None, "unknown"),
        ("-", Article("-", "T."), None, "unknown"),
        ("-", Article("-", "T.", outlet="A\n  b" + "c" * 100), None, "A b" + "c" * 77),
    ],
)
def test_the_outlet_is_the_one_that_is_stated_else_host_or_folder(
    place: str, article: Article, chosen: str | None, expected: str
) -> None:
    assert [entry.outlet for entry in entries([article], Place(place, chosen, TODAY))] == [expected]


def test_only_web_addresses_can_be_followed() -> None:
    for origin, expected in (
        ("javascript:alert(1)", None),
        ("The Gazette", None),
        ("https://a.org/1", "https://a.org/1"),
    ):
        (entry,) = entries([Article("/a.html", "T.", origin=origin)], Place("/a.html", None, TODAY))
        assert entry.address == expected


def test_what_is_no_character_is_written_out() -> None:
    (entry,) = entries([Article("/a.json#=1", "Half \ud83d of a pair", "\udcff")], Place("/a.json", None, TODAY))
    assert (entry.article.text, entry.article.title) == ("Half \\ud83d of a pair", "\\udcff")


def test_an_article_without_a_date_has_the_day_it_was_collected() -> None:
    (entry,) = entries([Article("/a.txt", "T.", date="2026-02")], Place("/a.txt", None, TODAY))
    assert (entry.day, entry.dated, entry.article.date) == ("2026-03-02", False, "2026-02")
