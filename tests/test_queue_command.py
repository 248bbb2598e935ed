"""`topics queue` through the real command line."""

import csv
import subprocess
from pathlib import Path
from typing import Any

import pytest
import support

from pipeline.labelling.json_lines import read_tasks
from pipeline.labelling.task import Task

ARTICLE = (
    "Sappers said that the last landmines near the bridge will be cleared before the winter.\n\n"
    "The orchestra played in the museum, and its painter was pleased with the harbour.\n"
)
ROWS: list[dict[str, Any]] = [
    {
        "text": "Gas supply through the new pipeline began in the harbour on Monday.",
        "article": "w1",
        "paragraph": 3,
    },
    {"text": "The coach of the team was asked about gas and about the players.", "article": "w1", "topics": None},
    {"text": "The village has a new school.", "article": "w2", "topics": []},
    {"text": "Mine clearance goes on near the school.", "article": "w2", "topics": ["mine_action"]},
    {"text": "The doctor cleared the market of mines.", "title": "Markets", "date": 2026, "source": "a paper"},
    {"text": "  "},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    support.write_rows(tmp_path / "rows.jsonl", ROWS)
    return tmp_path


def queue(folder: Path, model: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return support.run("queue", *arguments, "--model", model, cwd=folder)


def tasks(path: Path) -> dict[str, Task]:
    return {task.text: task for _, task in read_tasks([path])}


def test_documents_and_tables_become_tasks_and_labelled_rows_do_not(folder: Path, small_model: Path) -> None:
    done = queue(folder, small_model, "a.txt", "rows.jsonl", "--size", 9, "--output", "tasks.jsonl")
    found = tasks(folder / "tasks.jsonl")
    assert done.returncode == 0, done.stderr
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert done.stderr.startswith("queued 5 of 5 paragraphs: ")
    assert done.stderr.endswith("; passed over: 2 with a label, 1 empty\n")
    assert set(found) == {*ARTICLE.strip().split("\n\n"), *(ROWS[place]["text"] for place in (0, 1, 4))}
    first, second = (found[text] for text in ARTICLE.strip().split("\n\n"))
    assert (first.article, first.paragraph, first.source) == ("a.txt", 0, "a.txt")
    assert (second.article, second.paragraph) == ("a.txt", 1)
    places = [(found[ROWS[place]["text"]].article, found[ROWS[place]["text"]].paragraph) for place in (0, 1, 4)]
    assert places == [("w1", 3), ("w1", 1), ("rows.jsonl:5", 0)]
    last = found[ROWS[4]["text"]]
    assert (last.title, last.date, last.source) == ("Markets", "2026", "a paper")
    assert set(last.scores) == {"mine_action", "peace_process"}
    assert all(task.meta["why"] in ("random", "uncertain") for task in found.values())
    assert sum(task.meta["why"] == "random" for task in found.values()) == 2


def test_what_is_queued_already_is_not_queued_again(folder: Path, small_model: Path) -> None:
    assert queue(folder, small_model, "a.txt", "rows.jsonl", "--size", 3, "--output", "1.jsonl").returncode == 0
    again = ("a.txt", "rows.jsonl", "--seen", "1.jsonl", "--output", "2.jsonl")
    done = queue(folder, small_model, *again)
    first, second = tasks(folder / "1.jsonl"), tasks(folder / "2.jsonl")
    assert (len(first), len(second), set(first) & set(second)) == (3, 2, set())
    assert "3 labelled or queued before" in done.stderr
    assert done.returncode == 0


def test_a_table_of_another_shape_is_read_by_its_options(folder: Path, small_model: Path) -> None:
    with (folder / "rows.csv").open("w", encoding="windows-1251", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [
                ["body", "article", "paragraph"],
                ["\u041c\u0438\u043d\u044b near the pipeline and its gas.", "x", "7"],
            ]
        )
    done = queue(folder, small_model, "rows.csv", "--text-column", "body", "--encoding", "windows-1251")
    (row,) = support.json_lines(done.stdout)
    assert (row["text"][:4], row["article"], row["paragraph"]) == ("\u041c\u0438\u043d\u044b", "x", 7)


def test_a_source_that_cannot_be_read_costs_only_itself(folder: Path, small_model: Path) -> None:
    done = queue(folder, small_model, "missing.txt", "a.txt", "--output", "tasks.jsonl")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.returncode, len(errors), len(tasks(folder / "tasks.jsonl"))) == (1, 1, 2)
    assert "missing.txt" in errors[0]


def test_a_row_that_cannot_be_read_is_counted_and_told(folder: Path, small_model: Path) -> None:
    with (folder / "rows.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": 5}\n{"text": \n')
    done = queue(folder, small_model, "rows.jsonl", "--output", "tasks.jsonl")
    assert (done.returncode, len(tasks(folder / "tasks.jsonl"))) == (1, 3)
    assert "error: 2 rows cannot be read, the first in rows.jsonl, line 7: 'text' is not text" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "no SOURCES and no --url"),
        (["missing.txt"], 1, "error: missing.txt: no such file"),
        (["a.txt", "--size", "0"], 2, "0 is not in the range 1<=x<=5000"),
        (["a.txt", "--random-share", "1.5"], 2, "1.5 is not in the range 0<=x<=1"),
        (["a.txt", "--seen", "missing.jsonl"], 1, "error: missing.jsonl: no such file"),
        (["a.txt", "--seen", "no_text.csv"], 1, "error: no_text.csv: no column 'text', found body"),
        (["a.txt", "--seen", "broken.jsonl"], 1, "error: broken.jsonl, line 2: "),
        (["a.txt", "--seen", "-"], 1, "error: -: what was seen is read twice, expected a file"),
        (["labelled.jsonl"], 1, "error: no paragraph is left to label; 0 were read, 1 with a label"),
        (["rows.jsonl", "--output", "rows.jsonl"], 1, "error: rows.jsonl: is the same file as the source"),
        (["a.txt", "--seen", "rows.jsonl", "--output", "rows.jsonl"], 1, "error: rows.jsonl: is the same file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    arguments: list[str], status: int, words: str, folder: Path, small_model: Path
) -> None:
    (folder / "no_text.csv").write_text("body\nA bridge.\n", encoding="utf-8")
    (folder / "broken.jsonl").write_text('{"text": "A bridge."}\n{"text": \n', encoding="utf-8")
    (folder / "labelled.jsonl").write_text('{"text": "A bridge.", "topics": []}\n', encoding="utf-8")
    before = (folder / "rows.jsonl").read_bytes()
    output = [] if "--output" in arguments else ["--output", "tasks.jsonl"]
    done = queue(folder, small_model, *arguments, *output)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert status == 2 or len(done.stderr.splitlines()) == 1
    assert not (folder / "tasks.jsonl").exists()
    assert (folder / "rows.jsonl").read_bytes() == before
