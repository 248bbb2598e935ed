"""Putting articles into the archive: whole, once, replaced where they changed."""

import json
import sqlite3
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, add, check, entry, made_archive, made_model

from pipeline.archive import write
from pipeline.archive.database import transaction
from pipeline.archive.write import ArchiveModel, put, remove
from pipeline.errors import SourceError

TEXT = "\n\n".join([MINES.format(place="field"), PEACE.format(place="hall"), LUNCH.format(place="park")])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArchiveModel:
    return made_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


def hits(database: sqlite3.Connection) -> list[tuple[str, str, int, int]]:
    query = "SELECT topic, day, number, about FROM hits JOIN paragraphs ON paragraphs.id = paragraph ORDER BY 1, 3"
    return [tuple(row) for row in database.execute(query)]


def test_an_article_is_kept_with_paragraphs_predictions_hits_tallies_and_story(
    tmp_path: Path, model: ArchiveModel
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        assert add(database, model, entry("one", TEXT, title="Sappers")) == ["new"]
        assert hits(database) == [("mine_action", "2026-03-01", 0, 1), ("peace_process", "2026-03-01", 1, 1)]
        scores = [
            json.loads(row[0]) for row in database.execute("SELECT scores FROM predictions ORDER BY paragraph")
        ]
        expected = model.bundle.scorer.scores(TEXT.split("\n\n")).round(6).tolist()
        assert scores == expected
        rows = database.execute("SELECT day, outlet, topic, paragraphs FROM tallies ORDER BY topic").fetchall()
        assert [tuple(row) for row in rows] == [
            ("2026-03-01", "Gazette", "", 3),
            ("2026-03-01", "Gazette", "mine_action", 1),
            ("2026-03-01", "Gazette", "peace_process", 1),
        ]
        story = database.execute("SELECT title, first_day, last_day FROM stories").fetchall()
        assert [tuple(row) for row in story] == [("Sappers", "2026-03-01", "2026-03-01")]
        found = database.execute("SELECT rowid FROM words WHERE words MATCH 'ceasefire'").fetchall()
        assert len(found) == 1
        check(database)


def test_the_model_is_kept_with_its_topics_and_is_complete_in_a_new_archive(
    tmp_path: Path, model: ArchiveModel
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", TEXT), entry("two", LUNCH))
        (row,) = database.execute("SELECT * FROM models").fetchall()
        assert (row["sha256"], row["run_id"], row["complete"]) == (model.sha256, "run-one", 1)
        first = json.loads(row["topics"])[0]
        assert (first["id"], first["title"], first["colour"]) == ("mine_action", "Mine action", "#d55e00")
        assert first["threshold"] == model.bundle.scorer.thresholds[0]


def test_a_second_model_is_not_complete(tmp_path: Path, model: ArchiveModel) -> None:
    other = made_model(tmp_path / "other.safetensors", run_id="run-two", turn=1)
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", TEXT))
        add(database, other, entry("two", LUNCH))
        rows = database.execute("SELECT run_id, complete FROM models ORDER BY id").fetchall()
        assert [tuple(row) for row in rows] == [("run-one", 1), ("run-two", 0)]


def test_an_unchanged_article_is_left_as_it_is(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", TEXT))
        before = list(database.iterdump())
        assert add(database, model, entry("one", TEXT), time="2026-03-09T00:00:00+00:00") == ["unchanged"]
        assert list(database.iterdump()) == before


@pytest.mark.parametrize(
    "later",
    [
        entry("one", MINES.format(place="forest")),
        entry("one", TEXT, title="Corrected"),
        entry("one", TEXT, outlet="Courier"),
        entry("one", TEXT, day="2026-02-27"),
    ],
    ids=["text", "title", "outlet", "day"],
)
def test_a_changed_article_replaces_itself_and_keeps_its_number(
    tmp_path: Path, model: ArchiveModel, later: object
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database, made_archive(tmp_path / "b.sqlite3") as fresh:
        add(database, model, entry("zero", LUNCH), entry("one", TEXT, title="Sappers"))
        (number,) = database.execute("SELECT id FROM articles WHERE key = 'one'").fetchone()
        assert add(database, model, later) == ["changed"]
        add(fresh, model, entry("zero", LUNCH), later)
        check(database)
        columns = "id, key, digest, title, outlet, day, dated, date, language, text, collected"
        kept, new = (
            [tuple(row) for row in one.execute(f"SELECT {columns} FROM articles ORDER BY id")]
            for one in (database, fresh)
        )
        assert kept == new
        assert kept[1][0] == number
        assert hits(database) == hits(fresh)
        tallies = "SELECT day, outlet, topic, paragraphs, scores FROM tallies ORDER BY 1, 2, 3"
        assert [tuple(r) for r in database.execute(tallies)] == [tuple(r) for r in fresh.execute(tallies)]


def test_an_article_without_a_date_keeps_the_day_it_was_first_collected(
    tmp_path: Path, model: ArchiveModel
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        later = entry("one", TEXT, day="2026-03-05", dated=False)
        assert add(database, model, entry("one", TEXT, dated=False), later) == ["new", "unchanged"]
        assert add(database, model, entry("one", LUNCH, day="2026-03-06", dated=False)) == ["changed"]
        row = database.execute("SELECT day, dated, date FROM articles").fetchone()
        assert tuple(row) == ("2026-03-01", 0, None)


def test_a_text_without_paragraphs_is_refused_and_nothing_is_written(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        with pytest.raises(SourceError, match=r"^one: no paragraphs$"):
            add(database, model, entry("one", " \n\n "))
        assert database.execute("SELECT count(*) FROM articles").fetchone()[0] == 0


def test_a_long_text_without_a_title_is_called_by_its_beginning(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", MINES.format(place="field")), entry("two", "Lunch\nwas served."))
        add(
            database,
            model,
            entry("three", f"Fields\nare cleared \r\n \r\n{MINES}"),
            entry("four", f"BAKU\n\n{LUNCH}"),
        )
        titles = [row[0] for row in database.execute("SELECT title FROM articles ORDER BY id")]
        assert titles == [
            "Sappers cleared landmines from the field near the village, and demining goes on\u2026",
            "Lunch was served.",
            "Fields are cleared",
            "BAKU The orchestra played in the {place}, and lunch was served in the garden to\u2026",
        ]


def test_removed_articles_leave_nothing(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", TEXT), entry("two", LUNCH), entry("three", TEXT))
        with transaction(database):
            remove(database, [1, 3])
        check(database)
        counts = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("articles", "paragraphs", "predictions", "hits", "stories")
        }
        assert counts == {"articles": 1, "paragraphs": 1, "predictions": 1, "hits": 0, "stories": 1}
        assert database.execute("SELECT rowid FROM words WHERE words MATCH 'ceasefire'").fetchall() == []


def test_what_another_process_put_there_meanwhile_is_left_as_it_is(
    tmp_path: Path, model: ArchiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = entry("one", TEXT)
    with made_archive(tmp_path / "a.sqlite3") as database, made_archive(tmp_path / "a.sqlite3") as other:
        label = write.label

        def slowly(*arguments: object) -> object:
            monkeypatch.setattr(write, "label", label)
            assert add(other, model, one) == ["new"]
            return label(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(write, "label", slowly)
        assert add(database, model, one) == ["unchanged"]
        check(database)


def test_what_fails_in_the_middle_leaves_the_article_as_it_was(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("one", TEXT))
        database.execute(
            "CREATE TEMP TRIGGER fails BEFORE INSERT ON fingerprints BEGIN SELECT raise(ABORT, 'no'); END"
        )
        before = list(database.iterdump())
        with pytest.raises(sqlite3.IntegrityError, match="no"):
            put(database, entry("one", LUNCH), model, collected="2026-03-02T06:00:00+00:00")
        assert list(database.iterdump()) == before
