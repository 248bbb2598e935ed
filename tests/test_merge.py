import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import support

from pipeline.config import read_config
from pipeline.data import corpus
from pipeline.data.statistics import describe
from pipeline.errors import DataError
from pipeline.labelling import store
from pipeline.labelling.suspects import Suspect
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.steps.merge import ConflictsError, merge

ROOT = Path(__file__).parents[1]
TIME = "2025-03-01T10:00:00+00:00"
NEW = "The oven in the village hall was lit at dawn, and forty loaves of rye came out of it before the fair began."
OTHER = "On Sunday the club will ride along the canal to the lock and back, whatever the weather does to the road."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project of another label set, and work in it."""
    support.run("init", tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def task(text: str, *topics: str, people: Sequence[str] = ("Ada",), **of: Any) -> Task:
    said = tuple(Annotation(name, topics, TIME) for name in people)
    return Task(text, annotations=said, decision=Decision("Di", topics, TIME), **of)


def merged(project: Path, *tasks: Task, **options: Any) -> Any:
    path = project / "models/annotations.sqlite3"
    store.add(path, tasks)
    return merge(read_config(project / "configs/default.yaml"), path, **options)


def files(project: Path) -> dict[str, bytes]:
    found = (path for path in (project / "data").rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_bytes() for path in found}


def test_decided_tasks_become_rows_with_who_and_when_in_the_card(project: Path) -> None:
    before = files(project)
    found = merged(
        project,
        task(NEW, "baking", people=("Ada", "Bo"), article="fair", paragraph=4, date="2025-02-03", title="Fair"),
        task(OTHER, "cycling", article="fair", paragraph=4),
        Task("Only labelled, by one person, and decided on by nobody.", annotations=(Annotation("Ada", ()),)),
        Task("Dropped.", decision=Decision("Di", None, TIME)),
    )
    assert found.as_text() == f"data/labelled.jsonl: 2 rows added\ndropped: {Task('Dropped.').id}\n"
    rows = [json.loads(line) for line in (project / "data/labelled.jsonl").read_text("utf-8").splitlines()]
    label = {"topics": ["baking"], "writer_topics": ["baking"], "reader_topics": ["baking"]}
    assert rows[0] == {
        **{
            "article": "fair",
            "paragraph": 4,
            "text": NEW,
            "title": "Fair",
            "date": "2025-02",
            "writer": "labelled",
        },
        **label,
    }
    assert (rows[1]["article"], rows[1]["topics"]) == ("fair-1", ["cycling"])
    card = (project / "data/README.md").read_text("utf-8")
    assert re.search(
        r"\n## Labelled by people\n\n.*\n\n- Batch \w{8}: 2 rows added to `labelled.jsonl`; "
        r"labelled by Ada \(2\), Bo \(1\), decided by Di \(2\), 2025-03-01\.\n$",
        card,
    )
    assert {name: content for name, content in files(project).items() if name in before} == before


def test_a_second_run_adds_nothing(project: Path) -> None:
    assert merged(project, task(NEW, "baking")).added == 1
    before = files(project)
    assert merged(project).as_text() == "data/labelled.jsonl: 0 rows added\n"
    assert files(project) == before


def test_the_merged_project_still_passes_check_and_trains_on_the_rows(project: Path) -> None:
    merged(project, task(NEW, "baking"), task(OTHER, "cycling"))
    done = support.run("check", "--config", "configs/default.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    rows = corpus.read(["data"], ["baking", "cycling", "gardening"])
    assert {row.text for row in rows} >= {NEW, OTHER}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (
            task(
                "The baker at the corner of the square sold out of rye bread before nine, and the sourdough loaves"
                " went  soon after.",
                "cycling",
            ),
            "data/example.jsonl:1: labelled baking, task {id} is cycling by Di: .*; --relabel replaces it",
        ),
        (
            task(
                "The baker at the corner of the square sold out of rye bread before ten, and the sourdough loaves"
                " went soon after.",
                "cycling",
            ),
            "data/example.jsonl:1: labelled baking, task {id} is cycling by Di: .*; it is nearly the same text",
        ),
        (task(NEW, "sailing"), "task {id}: unknown topic 'sailing', expected one of"),
    ],
)
def test_a_conflict_is_named_with_file_and_line_and_nothing_is_merged(
    project: Path, found: Task, message: str
) -> None:
    before = files(project)
    with pytest.raises(ConflictsError, match="1 conflict, nothing is merged") as caught:
        merged(project, found, task(OTHER, "cycling"))
    (conflict,) = caught.value.conflicts
    assert re.match(message.format(id=found.id), conflict)
    assert files(project) == before
    path = project / "models/annotations.sqlite3"
    assert len(store.unmerged(path)) == 2
    done = support.run("merge", "--annotations", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [conflict, f"error: {caught.value}"]


def test_two_tasks_that_contradict_each_other_are_a_conflict(project: Path) -> None:
    with pytest.raises(ConflictsError) as caught:
        merged(project, task(NEW, "baking"), task(f"Again: {NEW}", "cycling"))
    assert re.match(f"task {Task(NEW).id}: labelled baking, task .* is cycling", caught.value.conflicts[0])


def test_what_nearly_repeats_a_row_with_the_same_label_is_left_out_and_said(project: Path) -> None:
    found = merged(project, task(NEW, "baking"), task(f"Again: {NEW}", "baking"))
    assert (found.added, found.repeating) == (1, (f"task {Task(NEW).id}: task {Task(f'Again: {NEW}').id}",))
    assert merged(project).added == 0


def test_what_the_data_have_already_is_not_added(project: Path) -> None:
    text = json.loads((project / "data/example.jsonl").read_text("utf-8").splitlines()[0])["text"]
    found = merged(project, task(f" {text}", "baking"))
    assert (found.added, found.present) == (0, 1)
    assert not (project / "data/labelled.jsonl").exists()


def change_first(
    project: Path, decide: Callable[[dict[str, Any]], Task], **options: Any
) -> tuple[Any, list[bytes]]:
    row = json.loads((project / "data/example.jsonl").read_text("utf-8").splitlines()[0])
    found = merged(project, decide(row), **options)
    return found, (project / "data/example.jsonl").read_bytes().splitlines(keepends=True)


def suspect(row: dict[str, Any]) -> Task:
    found = Suspect(1, row["article"], row["paragraph"], "cycling", 0.9, ("baking",), ("cycling",), row["text"])
    return Task(row["text"], meta=found.task.meta, decision=Decision("Di", ("cycling",), TIME))


@pytest.mark.parametrize(
    ("decide", "options"),
    [(suspect, {}), (lambda row: task(row["text"], "cycling"), {"relabel": True})],
    ids=["suspect", "relabel"],
)
def test_a_label_of_the_data_is_changed_where_that_was_decided(
    project: Path, decide: Callable[[dict[str, Any]], Task], options: dict[str, bool]
) -> None:
    before = (project / "data/example.jsonl").read_bytes().splitlines(keepends=True)
    found, after = change_first(project, decide, **options)
    assert found.relabelled == ("data/example.jsonl:1 (saturday-market, paragraph 0): baking, now cycling",)
    assert json.loads(after[0]) == {**json.loads(before[0]), "topics": ["cycling"]}
    assert after[1:] == before[1:]
    assert f"  - {found.relabelled[0]}\n" in (project / "data/README.md").read_text("utf-8")
    assert merged(project).relabelled == ()


def test_a_new_decision_on_what_was_merged_changes_its_row(project: Path) -> None:
    merged(project, task(NEW, "baking"))
    store.decide(project / "models/annotations.sqlite3", Task(NEW), Decision("Di", (), TIME))
    assert len(merged(project).relabelled) == 1
    (row,) = [json.loads(line) for line in (project / "data/labelled.jsonl").read_text("utf-8").splitlines()]
    assert (row["topics"], row["writer_topics"], row["reader_topics"]) == ([], ["baking"], [])
    store.decide(project / "models/annotations.sqlite3", Task(NEW), Decision("Di", None, TIME))
    assert merged(project).dropped == (f"{Task(NEW).id}; data/labelled.jsonl still has it",)


def test_a_dry_run_tells_and_changes_nothing(project: Path) -> None:
    before = files(project)
    assert merged(project, task(NEW, "baking"), dry_run=True).as_text() == (
        "data/labelled.jsonl: 1 rows would be added\n"
    )
    assert files(project) == before
    assert merged(project).added == 1


def test_rows_are_added_behind_a_line_without_an_end(project: Path) -> None:
    file = project / "data/batch.jsonl"
    file.write_text(json.dumps({"article": "b", "paragraph": 0, "text": OTHER, "topics": ["cycling"]}))
    assert merged(project, task(NEW, "baking"), target=Path("data/batch.jsonl")).added == 1
    assert [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()] == [OTHER, NEW]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("other/new.jsonl", r"other/new.jsonl: not below data.train \(data\)"),
        ("data/new.csv", "data/new.csv: rows can be added to .jsonl or .ndjson only"),
        ("data/array.jsonl", "data/array.jsonl: an array of rows"),
        ("data/held.jsonl", "data/held.jsonl: belongs to the test set held_out"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_refused(project: Path, target: str, message: str) -> None:
    row = {"article": "b", "paragraph": 0, "text": OTHER, "topics": ["cycling"]}
    if "array" in target:
        (project / target).write_text(json.dumps([row]))
    if "held" in target:
        (project / target).write_text(json.dumps(row))
        config = project / "configs/default.yaml"
        config.write_text(config.read_text("utf-8").replace("{share: 0.25}", "{files: [data/held.jsonl]}"))
    with pytest.raises(DataError, match=message):
        merged(project, task(NEW, "baking"), target=Path(target))


@pytest.mark.parametrize("text", [OTHER, NEW])
def test_test_sets_are_not_touched(project: Path, text: str) -> None:
    row = {"article": "held", "paragraph": 0, "text": OTHER, "topics": ["cycling"]}
    (project / "data/held.jsonl").write_text(json.dumps(row))
    config = project / "configs/default.yaml"
    config.write_text(config.read_text("utf-8").replace("{share: 0.25}", "{articles: [held]}"))
    with pytest.raises(ConflictsError) as caught:
        merged(project, task(text, "baking", article="held", paragraph=1), relabel=True)
    assert caught.value.conflicts[0].startswith("data/held.jsonl:1: ")
    assert "test set" in caught.value.conflicts[0]


def test_the_tables_of_the_card_are_renewed(project: Path) -> None:
    config = read_config(project / "configs/default.yaml")
    (project / "data/README.md").write_text(f"# Card\n\nWords.\n\n## Tables\n\n{describe(config)}")
    merged(project, task(NEW, "baking"))
    card = (project / "data/README.md").read_text("utf-8")
    assert card.endswith(f"\n\n## Tables\n\n{describe(config)}")
    assert card.index("Words.") < card.index("## Labelled by people") < card.index("## Tables")


def test_the_first_labels_of_a_topic_are_merged_where_the_card_has_tables(project: Path) -> None:
    card = project / "data/README.md"
    card.write_text(f"# Card\n\n{describe(read_config(project / 'configs/default.yaml'))}", encoding="utf-8")
    topics = project / "configs/topics.yaml"
    text = topics.read_text("utf-8").replace("examples:", "  - id: lighthouses\n    title: Lighthouses\nexamples:")
    topics.write_text(text, encoding="utf-8")
    merged(project, task("The lamp of the old lighthouse on the point was lit again last night.", "lighthouses"))
    assert re.search(r"^\| Lighthouses +\| +1 ", card.read_text("utf-8"), re.MULTILINE)


def test_a_merge_that_cannot_write_changes_nothing_and_the_next_completes_it(project: Path) -> None:
    (project / "data/labelled.jsonl").mkdir()
    (project / "data/labelled.jsonl/kept.jsonl").write_text("")
    before = files(project)
    done = support.run("annotations", "list", "--annotations", project / "none.sqlite3")
    assert done.returncode == 1
    store.add(project / "models/annotations.sqlite3", [task(NEW, "baking")])
    done = support.run("merge")
    assert (done.returncode, done.stderr.count("\n"), "Traceback" in done.stderr) == (1, 1, False)
    assert files(project) == before
    shutil.rmtree(project / "data/labelled.jsonl")
    assert support.run("merge").stdout == "data/labelled.jsonl: 1 rows added\n"


def test_a_merge_killed_before_its_marks_is_completed_by_the_next(project: Path) -> None:
    path = project / "models/annotations.sqlite3"
    merged(project, task(NEW, "baking"))
    before = files(project)
    import sqlite3

    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM merges")
    database.close()
    assert merged(project).present == 1
    assert (files(project), store.unmerged(path)) == (before, [])


def test_kills_leave_whole_files_and_no_row_twice(project: Path) -> None:
    path = project / "models/annotations.sqlite3"
    tasks = [task(f"Number {i} of the fair: {word * 14}.", "baking") for i, word in enumerate("abcdefgh")]
    store.add(path, tasks)
    before = files(project)
    command = [sys.executable, "-m", "pipeline", "merge"]
    started = time.monotonic()
    subprocess.run([*command, "--dry-run"], check=True, capture_output=True)
    seconds = time.monotonic() - started
    for share in (0.7, 0.9, 1.0):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Event().wait(seconds * share)
        process.kill()
        process.wait()
        assert {name: content for name, content in files(project).items() if name in before} == before
    assert support.run("merge").returncode == 0
    rows = corpus.read(["data/labelled.jsonl"], ["baking"])
    assert len(rows) == 8
    assert store.unmerged(path) == []
    assert (project / "data/README.md").read_text("utf-8").count("- Batch ") == 1


def test_a_merged_batch_passes_the_checks_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests/test_data.py", tmp_path / "tests")
    monkeypatch.chdir(tmp_path)
    mines = "Two dogs and their handler searched the verge of the school road in Phalanx Vale for buried charges."
    merged(
        tmp_path,
        task(mines, "mine_action", date="2025-02-03", article="correction", people=("Ada", "Bo")),
        task(
            "The orchestra of the harbour town rehearsed in a tent because the hall was being painted.", people=()
        ),
        Task("Weather: mild.", annotations=(Annotation("Ada", ("cop29",)),), decision=Decision("Di", (), TIME)),
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_data.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
