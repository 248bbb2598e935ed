"""Pruning by age: what is old goes with all that belongs to it, and does not come back."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, add, check, entry, made_archive, made_model
from press import feed

from pipeline.archive.collect import Collecting, Collector
from pipeline.archive.retention import compact, contents, day_before, prune
from pipeline.archive.write import ArchiveModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArchiveModel:
    return made_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


def test_articles_of_days_before_a_day_are_removed_with_all_that_is_theirs(
    tmp_path: Path, model: ArchiveModel
) -> None:
    days = ["2025-11-30", "2025-12-01", "2025-12-02"]
    with made_archive(tmp_path / "a.sqlite3") as database, made_archive(tmp_path / "b.sqlite3") as fresh:
        entries = [entry(day + text[:9], text, day=day) for day in days for text in (MINES, PEACE, LUNCH)]
        add(database, model, *entries)
        assert prune(database, before=date(2025, 12, 1)) == 3
        assert prune(database, before=date(2025, 12, 1)) == 0
        check(database)
        add(fresh, model, *entries[3:])
        for query in (
            "SELECT key FROM articles",
            "SELECT day, outlet, topic, paragraphs, scores FROM tallies",
            "SELECT first_day, last_day FROM stories",
        ):
            kept, expected = (sorted(map(tuple, one.execute(query))) for one in (database, fresh))
            assert kept == expected


def test_what_was_pruned_is_not_collected_again(tmp_path: Path, model: ArchiveModel) -> None:
    path = tmp_path / "feed.rss"
    path.write_text(feed("Gazette", ("Mines", "https://a.org/1", MINES)), encoding="utf-8")
    how = Collecting(
        complain=lambda error: pytest.fail(str(error)), note=print, now=lambda: datetime(2026, 8, 1, tzinfo=UTC)
    )
    with made_archive(tmp_path / "a.sqlite3") as database:
        Collector(database, model, how).files([path])
        assert prune(database, before=date(2026, 3, 1)) == 1
        path.write_text(feed("Gazette", ("Mines", "https://a.org/1", f"{MINES} {PEACE}")), encoding="utf-8")
        collector = Collector(database, model, how)
        collector.files([path])
        assert collector.summary.articles == {"unchanged": 1}
        assert database.execute("SELECT count(*) FROM articles").fetchone()[0] == 0


def test_compacting_gives_the_space_back(tmp_path: Path, model: ArchiveModel) -> None:
    path = tmp_path / "a.sqlite3"
    with made_archive(path) as database:
        empty = contents(database, path).size
        add(database, model, *(entry(f"{n}", f"{MINES} {n}") for n in range(100)))
        full = contents(database, path).size
        prune(database, before=date(2027, 1, 1))
        compact(database)
        assert empty <= contents(database, path).size < full - 100_000 or full < 2 * empty
        check(database)


def test_contents_are_counted(tmp_path: Path, model: ArchiveModel) -> None:
    path = tmp_path / "a.sqlite3"
    with made_archive(path) as database:
        assert (contents(database, path).articles, contents(database, path).first_day) == (0, None)
        add(
            database,
            model,
            entry("a", MINES),
            entry("b", f"{MINES}\n\n{PEACE}", outlet="Courier", day="2026-02-01"),
        )
        database.execute("INSERT INTO feeds VALUES ('https://a.org/rss', NULL, NULL, 'x', 'y', 2, 'timed out')")
        found = contents(database, path)
    assert (found.articles, found.paragraphs, found.outlets) == (2, 3, 2)
    assert (found.first_day, found.last_day) == ("2026-02-01", "2026-03-01")
    assert (found.models, found.failing) == ((("run-one", 2, True),), (("https://a.org/rss", "timed out"),))


@pytest.mark.parametrize(("days", "expected"), [(1, "2026-03-01"), (90, "2025-12-02"), (10**6, "0001-01-01")])
def test_an_age_is_counted_in_days(days: int, expected: str) -> None:
    assert day_before(date(2026, 3, 2), days).isoformat() == expected
