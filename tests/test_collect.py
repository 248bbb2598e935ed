"""Collecting files, tables, pages and feeds: what did not change is left, one failure costs itself alone."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, check, made_model
from press import Press, feed, page, press

from pipeline.archive.collect import Collecting, Collector, Summary
from pipeline.archive.database import open_archive
from pipeline.archive.feeds import WebCollector
from pipeline.archive.session import ENDINGS
from pipeline.archive.write import ArchiveModel
from pipeline.data.sources import find
from pipeline.data.visits import Visitor

FIELD, HALL, PARK = MINES.format(place="field"), PEACE.format(place="hall"), LUNCH.format(place="park")
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArchiveModel:
    return made_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


class Desk:
    """Collects into one archive, with a clock that stands still until it is moved."""

    def __init__(self, folder: Path, model: ArchiveModel, site: Press | None = None) -> None:
        self.archive, self.model, self.site = folder / "archive.sqlite3", model, site
        self.now = NOW
        self.said: list[str] = []

    def how(self, **options: object) -> Collecting:
        return Collecting(
            complain=lambda error: self.said.append(f"error: {error}"),
            note=lambda said: self.said.append(f"note: {said}"),
            now=lambda: self.now,
            **options,  # type: ignore[arg-type]
        )

    def files(self, *names: object, **options: object) -> Summary:
        self.said.clear()
        with open_archive(self.archive, create=True) as database:
            collector = Collector(database, self.model, self.how(**options))
            collector.files(find(map(str, names), endings=(ENDINGS,)))
            check(database)
        return collector.summary

    def web(self, *, feeds: tuple[str, ...] = (), pages: tuple[str, ...] = (), **options: object) -> Summary:
        self.said.clear()
        with open_archive(self.archive, create=True) as database:
            collector = Collector(database, self.model, self.how(**options))
            visitor = Visitor(max_bytes=100_000, allow_private=True, wait=lambda seconds: None)
            web = WebCollector(collector, visitor)
            assert self.site
            web.feeds([self.site.url + path for path in feeds])
            web.pages([self.site.url + path for path in pages])
            check(database)
        return collector.summary

    def rows(self, columns: str, table: str = "articles") -> list[tuple[object, ...]]:
        with open_archive(self.archive) as database:
            return [tuple(row) for row in database.execute(f"SELECT {columns} FROM {table} ORDER BY 1")]


@pytest.fixture
def desk(tmp_path: Path, model: ArchiveModel) -> Desk:
    return Desk(tmp_path, model)


@pytest.fixture
def site() -> Iterator[Press]:
    with press() as running:
        yield running


@pytest.fixture
def web_desk(tmp_path: Path, model: ArchiveModel, site: Press) -> Desk:
    return Desk(tmp_path, model, site)


def write(path: Path, *paragraphs: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    return path


def test_files_of_a_folder_are_kept_and_left_alone_until_they_change(desk: Desk, tmp_path: Path) -> None:
    write(tmp_path / "news/gazette/a.txt", FIELD)
    changed = write(tmp_path / "news/courier/b.html", page("Talks", HALL, PARK))
    write(tmp_path / "news/empty.txt")
    first = desk.files(tmp_path / "news")
    assert first.as_text() == (
        f"2 read, 1 not ({tmp_path}/news/empty.txt); 2 articles: 2 new, 0 changed, 0 unchanged"
    )
    assert desk.said == [f"error: {tmp_path}/news/empty.txt: empty"]
    assert desk.rows("outlet, title, day, dated, source") == [
        ("courier", "Talks", "2026-02-27", 1, f"{tmp_path}/news/courier/b.html"),
        ("gazette", f"{FIELD[:79]}\u2026", "2026-03-02", 0, f"{tmp_path}/news/gazette/a.txt"),
    ]
    assert desk.files(tmp_path / "news").articles == {"unchanged": 2}
    write(changed, page("Talks fail", HALL, FIELD))
    assert desk.files(tmp_path / "news").articles == {"unchanged": 1, "changed": 1}
    assert [row[0] for row in desk.rows("title") if row[0].startswith("Talks")] == ["Talks fail"]  # type: ignore[attr-defined]


def test_a_file_is_the_same_from_whichever_folder_it_is_named(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "news/a.txt", FIELD)
    (tmp_path / "link").symlink_to(tmp_path / "news")
    desk.files(tmp_path / "news/a.txt")
    monkeypatch.chdir(tmp_path / "news")
    assert desk.files("a.txt").articles == {"unchanged": 1}
    assert desk.files(tmp_path / "link/a.txt").articles == {"unchanged": 1}


def test_what_was_read_with_another_outlet_is_read_again(desk: Desk, tmp_path: Path) -> None:
    write(tmp_path / "a.txt", FIELD)
    desk.files(tmp_path / "a.txt")
    assert desk.files(tmp_path / "a.txt", outlet="Gazette").articles == {"changed": 1}
    assert desk.rows("outlet") == [("Gazette",)]


def test_copies_are_counted_and_are_one_story(desk: Desk, tmp_path: Path) -> None:
    for outlet in ("a", "b", "c"):
        write(tmp_path / f"news/{outlet}/report.txt", f"Report of {outlet}", FIELD, HALL, PARK)
    summary = desk.files(tmp_path / "news")
    assert summary.as_text().endswith("3 articles: 3 new, 0 changed, 0 unchanged; 2 are copies")
    assert len(desk.rows("id", "stories")) == 1


def test_a_table_has_an_article_in_each_row(desk: Desk, tmp_path: Path) -> None:
    rows = [
        {"text": FIELD, "title": "Mines", "date": "2026-02-26", "outlet": "Gazette", "url": "https://a.org/1"},
        {"text": HALL, "title": None, "date": "2026-02", "outlet": ""},
        {"text": None, "title": "Nothing"},
        {"text": PARK, "id": 17},
    ]
    table = tmp_path / "news" / "rows.jsonl"
    table.parent.mkdir()
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    summary = desk.files(table)
    assert summary.as_text() == f"0 read, 1 not ({table}); 3 articles: 3 new, 0 changed, 0 unchanged"
    assert desk.said == [f"error: {table}, line 3: no text in column 'text'"]
    assert desk.rows("key, outlet, day, address") == [
        (f"{table}#2", "news", "2026-03-02", None),
        (f"{table}#4", "news", "2026-03-02", None),
        ("https://a.org/1", "Gazette", "2026-02-26", "https://a.org/1"),
    ]
    assert desk.files(table).articles == {"unchanged": 3}


def test_a_csv_names_its_columns_as_it_likes(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(
        f'id,headline,published,publisher,link,body\n7,Mines,2026-02-26,Gazette,https://a.org/1,"{FIELD}"\n'
    )
    assert desk.files(table, text_column="body").articles == {"new": 1}
    assert desk.rows("key, title, outlet, day") == [("https://a.org/1", "Mines", "Gazette", "2026-02-26")]


def test_a_table_of_paragraphs_is_refused(desk: Desk, tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    table.write_text(json.dumps({"article": "a", "paragraph": 0, "text": FIELD}) + "\n")
    assert desk.files(table).failed == {str(table): None}
    assert desk.said == [f"error: {table}: has a row for each paragraph, expected one for each article"]


def test_a_failure_costs_itself_alone(desk: Desk, tmp_path: Path) -> None:
    write(tmp_path / "a.txt", FIELD)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 no")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 no")
    summary = desk.files(tmp_path / "none.txt", tmp_path / "b.pdf", tmp_path / "c.parquet", tmp_path / "a.txt")
    assert (summary.read, len(summary.failed), summary.articles) == (1, 3, {"new": 1})
    assert len(desk.said) == 3


def test_a_collector_that_is_told_to_stop_does_so_between_articles(desk: Desk, tmp_path: Path) -> None:
    feed_file = tmp_path / "feed.rss"
    entries = [(f"Entry {n}", f"https://a.org/{n}", f"{FIELD} {n}") for n in range(5)]
    feed_file.write_text(feed("Gazette", *entries), encoding="utf-8")
    asked = iter([False, False, False, False, True])
    assert desk.files(feed_file, stopping=lambda: next(asked, True)).articles == {"new": 3}
    assert desk.files(feed_file).articles == {"new": 2, "unchanged": 3}


def test_a_feed_is_asked_again_only_for_what_has_changed(web_desk: Desk, site: Press) -> None:
    one, two = ("Mines", "https://a.org/1", FIELD), ("Talks", "https://a.org/2", HALL)
    site.put("/rss", feed("The Gazette", one), etag='"1"')
    assert web_desk.web(feeds=("/rss",)).articles == {"new": 1}
    assert web_desk.rows("key, outlet, title, day, address, source") == [
        ("https://a.org/1", "The Gazette", "Mines", "2026-02-27", "https://a.org/1", f"{site.url}/rss")
    ]
    assert site.asked[0][1].get("if-none-match") is None
    site.asked.clear()
    assert web_desk.web(feeds=("/rss",)).articles == {"unchanged": 1}
    assert [headers.get("if-none-match") for _, headers in site.asked] == ['"1"']
    site.put("/rss", feed("The Gazette", two, one), etag='"2"')
    assert web_desk.web(feeds=("/rss",)).articles == {"new": 1, "unchanged": 1}
    assert len(web_desk.rows("id")) == 2


def test_a_feed_read_in_another_way_is_read_in_full(web_desk: Desk, site: Press) -> None:
    site.put("/rss", feed("The Gazette", ("Mines", "https://a.org/1", FIELD)), etag='"1"')
    web_desk.web(feeds=("/rss",))
    assert web_desk.web(feeds=("/rss",), outlet="Gazette").articles == {"changed": 1}
    assert web_desk.rows("outlet") == [("Gazette",)]


def test_two_feeds_with_the_same_entry_leave_it_to_the_first(web_desk: Desk, site: Press) -> None:
    for name in ("world", "politics"):
        site.put(f"/{name}", feed(f"Gazette: {name}", ("Mines", "https://a.org/1", f"{FIELD} {name}")))
    for _ in range(2):
        web_desk.web(feeds=("/world", "/politics"))
        assert web_desk.rows("outlet") == [("Gazette: world",)]


def test_a_feed_that_fails_is_left_alone_for_a_while(web_desk: Desk, site: Press) -> None:
    site.put("/rss", "busy", status=503, retry_after="600")
    summary = web_desk.web(feeds=("/rss",))
    assert (summary.failed, web_desk.said) == (
        {f"{site.url}/rss": None},
        [f"error: {site.url}/rss: answered 503 Service Unavailable"],
    )
    site.paths()
    summary = web_desk.web(feeds=("/rss",))
    assert (summary.waiting, summary.failed, site.paths()) == (1, {}, [])
    assert web_desk.said == [f"note: {site.url}/rss: failed before, to be asked again after 2026-03-02 06:10 UTC"]
    site.put("/rss", feed("Gazette", ("Mines", "https://a.org/1", FIELD)))
    web_desk.now += timedelta(minutes=10)
    assert web_desk.web(feeds=("/rss",)).articles == {"new": 1}
    assert web_desk.rows("failures, due, error", "feeds") == [(0, None, None)]


def test_a_page_is_no_feed(web_desk: Desk, site: Press) -> None:
    site.put("/page", page("Mines", FIELD, HALL))
    web_desk.web(feeds=("/page",))
    assert web_desk.said == [f"error: {site.url}/page: no feed; to read a page, use --url {site.url}/page"]


def test_a_page_is_kept_under_its_address_and_heeds_robots_txt(web_desk: Desk, site: Press) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\n")
    site.put("/1", page("Mines", FIELD, HALL), etag='"1"')
    site.put("/private/2", page("Talks", HALL))
    assert web_desk.web(pages=("/1", "/private/2")).articles == {"new": 1}
    assert web_desk.said[0].endswith("/private/2: the site's robots.txt asks programs not to fetch it")
    assert web_desk.rows("key, address, outlet") == [(f"{site.url}/1", f"{site.url}/1", "127.0.0.1")]
    site.paths()
    assert web_desk.web(pages=("/1",)).articles == {"unchanged": 1}


def test_full_texts_are_those_of_the_pages_and_are_fetched_once(web_desk: Desk, site: Press) -> None:
    site.put("/1", page("Mines on the page", FIELD, HALL, PARK))
    site.put("/rss", feed("Gazette", ("Mines", f"{site.url}/1", "Sappers cleared landmines.")))
    assert web_desk.web(feeds=("/rss",), full_text=True).articles == {"new": 1}
    text = "\n\n".join([FIELD, HALL, PARK])
    row = (f"{site.url}/1", "Mines on the page", text, "2026-02-27", "Gazette", f"{site.url}/1")
    assert web_desk.rows("key, title, text, day, outlet, source") == [row]
    assert site.paths() == ["/rss", "/robots.txt", "/1"]
    new = ("Talks", f"{site.url}/2", HALL)
    site.put("/2", page("Talks", HALL, PARK))
    site.put("/rss", feed("Gazette", new, ("Mines", f"{site.url}/1", "Sappers cleared landmines.")))
    assert web_desk.web(feeds=("/rss",), full_text=True).articles == {"new": 1, "unchanged": 1}
    assert site.paths() == ["/rss", "/robots.txt", "/2"]


def test_a_feeds_summary_does_not_replace_the_text_of_the_page(web_desk: Desk, site: Press) -> None:
    site.put("/1", page("Mines", FIELD, HALL, PARK))
    site.put("/rss", feed("Gazette", ("Mines", f"{site.url}/1", "Sappers cleared landmines.")))
    web_desk.web(feeds=("/rss",), full_text=True)
    assert web_desk.web(feeds=("/rss",)).articles == {"unchanged": 1}
    assert web_desk.rows("source") == [(f"{site.url}/1",)]


def test_where_the_page_cannot_be_read_the_feeds_text_has_to_do_until_it_can(web_desk: Desk, site: Press) -> None:
    site.put("/rss", feed("Gazette", ("Mines", f"{site.url}/1", "Sappers cleared landmines.")), etag='"1"')
    summary = web_desk.web(feeds=("/rss",), full_text=True)
    assert (summary.articles, list(summary.failed)) == ({"new": 1}, [f"{site.url}/1"])
    assert web_desk.rows("text") == [("Sappers cleared landmines.",)]
    site.put("/1", page("Mines", FIELD, HALL))
    assert web_desk.web(feeds=("/rss",), full_text=True).waiting == 1
    web_desk.now += timedelta(minutes=2)
    assert web_desk.web(feeds=("/rss",), full_text=True).articles == {"changed": 1}
    assert web_desk.rows("text") == [(f"{FIELD}\n\n{HALL}",)]


def test_a_page_that_robots_txt_forbids_is_taken_from_the_feed_without_a_failure(
    web_desk: Desk, site: Press
) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    site.put("/rss", feed("Gazette", ("Mines", f"{site.url}/1", FIELD)))
    summary = web_desk.web(feeds=("/rss",), full_text=True)
    assert (summary.failed, summary.articles) == ({}, {"new": 1})
    assert [said.partition(": ")[0] for said in web_desk.said] == ["note"]


def test_a_feed_that_is_cut_off_is_kept_as_far_as_it_goes_and_read_again(web_desk: Desk, site: Press) -> None:
    whole = feed("Gazette", ("Mines", "https://a.org/1", FIELD), ("Talks", "https://a.org/2", HALL))
    site.put("/rss", whole[: whole.index("Talks")], etag='"1"')
    summary = web_desk.web(feeds=("/rss",))
    assert (summary.articles, len(summary.failed)) == ({"new": 1}, 1)
    site.put("/rss", whole, etag='"1"')
    assert web_desk.web(feeds=("/rss",)).articles == {"new": 1, "unchanged": 1}


def test_the_summary_names_a_few_failures() -> None:
    summary = Summary(read=16, failed=dict.fromkeys(f"{n}.pdf" for n in range(7)), waiting=1, copies=1)
    summary.articles.update({"new": 1})
    assert summary.as_text() == (
        "16 read, 7 not (0.pdf, 1.pdf, 2.pdf, 3.pdf, 4.pdf and 2 more), 1 to be asked again later; "
        "1 article: 1 new, 0 changed, 0 unchanged; 1 is a copy"
    )
