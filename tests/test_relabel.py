"""A new model labels the archive anew: the old answers stay until it is done, and it can be stopped anywhere."""

import json
import sqlite3
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, add, check, entry, made_archive, made_model

from pipeline.archive import relabel as relabelling
from pipeline.archive.database import open_archive
from pipeline.archive.relabel import is_current, relabel
from pipeline.archive.write import ArchiveModel

ENTRIES = [
    entry(
        f"{n:02}",
        "\n\n".join([MINES.format(place=n), PEACE.format(place=n), LUNCH.format(place=n)]),
        day=f"2026-03-{n % 5 + 1:02}",
    )
    for n in range(25)
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[ArchiveModel]:
    folder = tmp_path_factory.mktemp("models")
    return [made_model(folder / f"{n}.safetensors", run_id=f"run-{n}", turn=n) for n in range(3)]


def answers(database: sqlite3.Connection) -> list[tuple[object, ...]]:
    query = (
        "SELECT sha256, complete, key, number, scores FROM predictions JOIN models ON models.id = model"
        " JOIN paragraphs ON paragraphs.id = paragraph JOIN articles ON articles.id = article ORDER BY 1, 3, 4"
    )
    return [tuple(row) for row in database.execute(query)]


def shown(database: sqlite3.Connection) -> list[tuple[str, int]]:
    query = "SELECT run_id, (SELECT count(*) FROM predictions WHERE model = id) FROM models WHERE complete = 1"
    return [tuple(row) for row in database.execute(query)]


def test_the_archive_becomes_as_if_the_new_model_had_collected_it(
    tmp_path: Path, models: list[ArchiveModel]
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database, made_archive(tmp_path / "b.sqlite3") as fresh:
        add(database, models[0], *ENTRIES)
        add(fresh, models[1], *ENTRIES)
        assert answers(database) != answers(fresh)
        done = relabel(database, models[1])
        assert (done.articles, done.is_complete) == (25, True)
        assert answers(database) == answers(fresh)
        for table, columns in (
            ("hits", "topic, day, paragraph, article, score, about"),
            ("tallies", "day, outlet, topic, paragraphs, scores"),
        ):
            rows = [
                [tuple(row) for row in one.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3")]
                for one in (database, fresh)
            ]
            assert rows[0] == rows[1]
        check(database)


def test_what_the_model_before_said_is_shown_until_all_is_done(tmp_path: Path, models: list[ArchiveModel]) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database, open_archive(tmp_path / "a.sqlite3") as reader:
        add(database, models[0], *ENTRIES)
        seen = []
        relabel(database, models[1], progress=lambda done, total: seen.append((done, total, shown(reader))))
        assert seen == [(20, 25, [("run-0", 75)]), (25, 25, [("run-0", 75)])]
        assert shown(reader) == [("run-1", 75)]
        assert [row[0] for row in reader.execute("SELECT run_id FROM models")] == ["run-1"]


def test_it_goes_on_where_it_was_stopped(tmp_path: Path, models: list[ArchiveModel]) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, models[0], *ENTRIES)
        done = relabel(database, models[1], stopping=lambda: True)
        assert (done.articles, done.is_complete, shown(database)) == (20, False, [("run-0", 75)])
        check(database)
        done = relabel(database, models[1])
        assert (done.articles, done.is_complete, shown(database)) == (5, True, [("run-1", 75)])


def test_a_third_model_takes_the_place_of_both(tmp_path: Path, models: list[ArchiveModel]) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, models[0], *ENTRIES)
        relabel(database, models[1], stopping=lambda: True)
        assert relabel(database, models[2]).is_complete
        assert [tuple(row) for row in database.execute("SELECT run_id, complete FROM models")] == [("run-2", 1)]
        check(database)


def test_a_model_that_comes_back_is_shown_again(tmp_path: Path, models: list[ArchiveModel]) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, models[0], *ENTRIES)
        before = answers(database)
        for model in (models[1], models[0]):
            relabel(database, model)
        assert answers(database) == before


def test_what_another_collector_adds_with_the_old_model_meanwhile_is_labelled_too(
    tmp_path: Path, models: list[ArchiveModel]
) -> None:
    late = entry("late", MINES)
    with made_archive(tmp_path / "a.sqlite3") as database, open_archive(tmp_path / "a.sqlite3") as other:
        add(database, models[0], *ENTRIES)
        relabel(database, models[1], progress=lambda done, total: add(other, models[0], late) and None)
        assert shown(database) == [("run-1", 76)]
        assert is_current(database, models[1].sha256)
        add(other, models[0], entry("later", PEACE))
        assert not is_current(database, models[1].sha256)
        assert relabel(database, models[1]).articles == 1
        assert shown(database) == [("run-1", 77)]


def test_an_article_that_changes_while_it_is_labelled_gets_the_answers_of_its_new_text(
    tmp_path: Path, models: list[ArchiveModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database, open_archive(tmp_path / "a.sqlite3") as other:
        add(database, models[0], *ENTRIES[:3])
        label_texts = relabelling.label_texts

        def slowly(*arguments: object) -> object:
            add(other, models[0], entry("00", "\n\n".join([PEACE, MINES])))
            return label_texts(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(relabelling, "label_texts", slowly)
        relabel(database, models[1])
        scores = [json.loads(row[4]) for row in answers(database) if row[2] == "00"]  # type: ignore[arg-type]
        assert scores == models[1].bundle.scorer.scores([PEACE, MINES]).round(6).tolist()
        check(database)


def test_an_archive_without_articles_has_nothing_to_label(tmp_path: Path, models: list[ArchiveModel]) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        assert is_current(database, models[0].sha256)
        assert relabel(database, models[0]).articles == 0
