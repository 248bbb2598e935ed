import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import support

from pipeline.errors import OutputError
from pipeline.labelling import store
from pipeline.labelling.json_lines import as_line
from pipeline.labelling.task import Annotation, Decision, Task

TIME = "2025-01-01T00:00:00+00:00"


def said(name: str, *topics: str, origin: str = "page") -> Annotation:
    return Annotation(name, topics, TIME, origin=origin)


def decided(*topics: str) -> Decision:
    return Decision("Di", topics, TIME)


def corrected(path: Path, text: str, *topics: str, name: str = "Ada") -> int:
    annotation = Annotation(name, topics, TIME, suggested=("b",), model="run")
    return store.annotate(path, *store.correction_of(text, "article", 3, annotation))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "annotations.sqlite3"


def test_a_task_comes_back_with_all_that_was_said_of_it(path: Path) -> None:
    full = Annotation(
        "Ada", ("a", "b"), TIME, "why", doubtful=True, suggested=(), model="run", origin="doccano", meta={"id": 1}
    )
    task = Task(
        "One.",
        "x",
        2,
        (full, Annotation("Bo", None, TIME)),
        decided("a"),
        "T",
        "2025",
        "s",
        {"a": 0.5},
        {"k": [1]},
    )
    assert store.add(path, [task]) == store.Added(1, 0, 2)
    assert store.tasks(path) == [task]
    assert store.find(path, task.id) == task


def test_the_same_file_adds_nothing_twice(path: Path) -> None:
    tasks = [Task("One.", annotations=(said("Ada", "a"),), decision=decided("a")), Task("Two.")]
    assert store.add(path, tasks) == store.Added(2, 0, 1)
    assert store.add(path, tasks) == store.Added(0, 2, 0)
    assert store.tasks(path) == tasks


def test_texts_that_differ_in_white_space_are_one_task(path: Path) -> None:
    assert store.add(path, [Task("One  two.", "x"), Task("One\ntwo.", "y")]) == store.Added(1, 1, 0)
    store.annotate(path, Task(" One two. "), said("Ada", "a"))
    (task,) = store.tasks(path)
    assert (task.text, task.article, task.latest["Ada"].topics) == ("One  two.", "x", ("a",))


@pytest.mark.parametrize(
    ("annotations", "decision", "states"),
    [
        ((), None, {"unlabelled"}),
        ((Annotation("Ada", None),), None, {"unlabelled"}),
        ((said("Ada", "a"),), None, {"open"}),
        ((said("Ada", "a", "b"), said("Bo", "b", "a")), None, {"open"}),
        ((said("Ada", "a"), said("Bo")), None, {"open", "disagreeing"}),
        ((said("Ada", "a"), said("Bo"), said("Ada")), None, {"open"}),
        ((said("Ada", "a"), said("Bo")), decided("a"), {"decided"}),
        ((said("Ada", "a"),), Decision("Di", None), {"decided"}),
    ],
)
def test_states_of_a_task(
    path: Path, annotations: tuple[Annotation, ...], decision: Decision | None, states: set[str]
) -> None:
    store.add(path, [Task("One.", annotations=annotations, decision=decision)])
    assert {state for state in store.STATES if store.tasks(path, state)} == states | {"all"}
    assert {state for state, count in store.counts(path).items() if count} == states | {"all"}


def test_who_contradicts_a_decision_opens_the_task_again(path: Path) -> None:
    task = Task("One.", annotations=(said("Ada", "a"),), decision=decided("a"))
    store.add(path, [task])
    store.annotate(path, task, said("Bo", "a"))
    assert len(store.tasks(path, "decided")) == 1
    store.annotate(path, task, said("Cy", "b"))
    assert [len(store.tasks(path, state)) for state in ("decided", "open")] == [0, 1]
    assert store.unmerged(path) == []


def test_what_is_taken_back_stays_in_the_file(path: Path) -> None:
    first, second = corrected(path, "One.", "a"), corrected(path, "One.", "b")
    one = Task("One.").id
    assert store.labels(path, [one, "other"]) == {one: store.Label(("b",), "Ada", second)}
    assert (store.undo(path, second), store.undo(path, second), store.undo(path, 99)) == (True, False, False)
    assert store.labels(path, [one]) == {one: store.Label(("a",), "Ada", first)}
    listed = store.corrections(path, undone=True)
    assert [(found.id, found.undone is not None) for found in listed] == [(second, True), (first, False)]
    assert [found.id for found in store.corrections(path)] == [first]


def test_a_decision_comes_before_corrections_and_can_be_taken_back(path: Path) -> None:
    number, task = corrected(path, "One.", "a"), Task("One.")
    for topics in (("b",), ("b", "c")):
        store.decide(path, task, decided(*topics))
    assert store.labels(path, [task.id]) == {task.id: store.Label(("b", "c"), "Di", None)}
    assert (store.undo_decision(path, task.id), store.undo_decision(path, task.id)) == (True, False)
    assert store.labels(path, [task.id]) == {task.id: store.Label(("a",), "Ada", number)}


def test_a_correction_keeps_its_place_and_wording(path: Path) -> None:
    store.add(path, [Task("One two.", "queue", 7)])
    corrected(path, "One  two.", "a")
    (found,) = store.corrections(path)
    assert (found.article, found.paragraph, found.text) == ("article", 3, "One  two.")
    assert (found.annotation.suggested, found.annotation.model) == (("b",), "run")


def test_people_share_the_queue_and_then_label_twice(path: Path) -> None:
    one, two, three = tasks = [Task("One."), Task("Two."), Task("Three.")]
    store.add(path, tasks)
    corrected(path, "Not on the queue.", "a")

    def following(name: str) -> str | None:
        found = store.next_task(path, name)
        return found and found.text

    assert following("Ada") == "One."
    store.annotate(path, one, said("Ada", "a"))
    assert (following("Ada"), following("Bo")) == ("Two.", "Two.")
    store.annotate(path, two, Annotation("Bo", None, TIME))
    assert (following("Ada"), following("Bo")) == ("Three.", "Three.")
    store.decide(path, three, decided())
    assert (following("Ada"), following("Bo")) == ("Two.", "One.")
    assert store.next_task(path, "Bo", skipped=True) == store.find(path, two.id)
    assert store.next_task(path, "Ada", skipped=True) is None
    assert store.progress(path) == store.Progress(3, {"Ada": 1, "Bo": 1}, {"Ada": 0, "Bo": 1}, 1)
    assert (store.undo_last(path, "Bo"), store.undo_last(path, "Bo")) == (two.id, None)
    assert following("Bo") == "Two."


def test_neighbours_are_those_of_the_article(path: Path) -> None:
    store.add(
        path, [Task("One.", "x", 0), Task("Two.", "x", 1), Task("Other.", "y", 2), Task("No article.", "", 0)]
    )
    assert store.neighbours(path, Task("Two.", "x", 1, meta={"after": "Three."})) == ("One.", "Three.")
    assert store.neighbours(path, Task("Two.", "", 1)) == (None, None)


def test_no_file_is_empty_and_none_is_made(path: Path) -> None:
    assert (store.tasks(path), store.corrections(path), store.labels(path, ["x"])) == ([], [], {})
    assert (store.next_task(path, "Ada"), store.undo(path, 1), store.progress(path)) == (
        None,
        False,
        store.Progress(0),
    )
    assert not path.parent.exists()


@pytest.mark.parametrize("there", [False, True])
def test_checking_the_file_changes_nothing(path: Path, *, there: bool) -> None:
    if there:
        store.add(path, [Task("One.")])
    before = path.read_bytes() if there else None
    store.check(path)
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(path.parent.iterdir())) == there


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TABLE tasks (id INTEGER)", "it has tables of another program"),
        ("PRAGMA user_version = 99", "its version is 99, newer than this program's 1"),
    ],
)
def test_a_database_of_another_kind_is_refused_and_stays(tmp_path: Path, statement: str, message: str) -> None:
    path = tmp_path / "annotations.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
    for use in (store.check, store.tasks, lambda path: store.add(path, [Task("One.")])):
        with pytest.raises(OutputError, match=f"annotations.sqlite3: cannot save annotations: {message}"):
            use(path)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "annotations.sqlite3"
    path.write_text(json.dumps({"not": "a database"}) * 100)
    with pytest.raises(OutputError, match="cannot save annotations: file is not a database"):
        store.add(path, [Task("One.")])


def test_nothing_of_a_file_is_added_where_a_task_cannot_be(path: Path) -> None:
    with pytest.raises(OutputError, match="cannot save annotations"):
        store.add(path, [Task("One."), Task("half a pair \ud800")])
    assert store.tasks(path) == []


def test_many_write_at_once_into_a_new_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_WAIT", 60.0)  # a slow disk is not what is tested
    errors: list[Exception] = []

    def write(number: int) -> None:
        try:
            corrected(path, f"Text {number}.", "a", name=f"Person {number % 3}")
        except OutputError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.corrections(path)) == 16


WRITE = """
import sys
from pathlib import Path
from pipeline.labelling import store
from pipeline.labelling.task import Annotation, Task
for number in range(10**6):
    store.annotate(Path(sys.argv[1]), Task(f"Text {number}."), Annotation("Ada", ("a",)))
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 25])
def test_a_kill_loses_nothing_that_was_acknowledged(path: Path, acknowledged: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(acknowledged)]
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    kept = {task.text for task in store.tasks(path, "open")}
    assert {f"Text {int(line)}." for line in lines if line.endswith(b"\n")} <= kept
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


FORMER = """
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, article TEXT NOT NULL, paragraph INTEGER NOT NULL, text TEXT NOT NULL,
    model_topics TEXT NOT NULL, person_topics TEXT NOT NULL, model TEXT NOT NULL, time TEXT NOT NULL
);
INSERT INTO corrections VALUES (1, 'x', 0, 'One.', '["b"]', '["a"]', 'run', '2024-01-01T00:00:00+00:00');
INSERT INTO corrections VALUES (2, 'x', 1, 'Two.', '[]', '[]', 'run', '2024-01-02T00:00:00+00:00');
INSERT INTO corrections VALUES (3, 'y', 0, 'One. ', '["b"]', '["a", "b"]', 'run', '2024-01-03T00:00:00+00:00');
"""


def write_former(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FORMER)


@pytest.mark.parametrize("name", ["corrections.sqlite3", "annotations.sqlite3"])
def test_corrections_of_an_earlier_version_are_taken_over_once(path: Path, name: str) -> None:
    earlier = path.with_name(name)
    write_former(earlier)
    assert [store.take_over(path) for _ in range(2)] == [3, 0]
    found = [
        (
            row.article,
            row.paragraph,
            row.text,
            row.annotation.annotator,
            row.annotation.topics,
            row.annotation.time,
        )
        for row in store.corrections(path)
    ]
    assert found == [
        ("y", 0, "One. ", "anonymous", ("a", "b"), "2024-01-03T00:00:00+00:00"),
        ("x", 1, "Two.", "anonymous", (), "2024-01-02T00:00:00+00:00"),
        ("x", 0, "One.", "anonymous", ("a",), "2024-01-01T00:00:00+00:00"),
    ]
    assert len(store.tasks(path)) == 2
    with closing(sqlite3.connect(earlier)) as database:
        assert database.execute("SELECT count(*) FROM corrections").fetchone() == (3,)
        database.execute(
            "INSERT INTO corrections SELECT 4, article, 9, 'Three.', model_topics, person_topics, model, time"
            " FROM corrections WHERE id = 1"
        )
        database.commit()
    assert store.take_over(path) == 1


def test_the_command_line_takes_over_and_says_so(path: Path) -> None:
    write_former(path.with_name("corrections.sqlite3"))
    done = support.run("annotations", "list", "--annotations", path)
    assert done.stderr == f"{path}: 3 corrections of an earlier version taken over\n"
    assert (
        done.stdout == f"{Task('One.').id}  One.\n  anonymous: a, b\n{Task('Two.').id}  Two.\n  anonymous: none\n"
    )


def _add(path: str, number: int) -> None:
    store.add(Path(path), [Task(f"Text {number}.")])


def test_processes_share_a_new_file(path: Path) -> None:
    with multiprocessing.get_context("forkserver").Pool(4) as pool:
        pool.starmap(_add, [(str(path), number) for number in range(8)])
    assert len(store.tasks(path)) == 8


def test_a_task_written_as_a_line_is_known_again(path: Path, tmp_path: Path) -> None:
    store.add(path, [Task("One.", annotations=(said("Ada", "a"),))])
    lines = tmp_path / "tasks.jsonl"
    lines.write_text("".join(f"{as_line(task)}\n" for task in store.tasks(path)))
    done = support.run("annotations", "add", lines, "--annotations", path)
    assert (done.returncode, done.stderr) == (0, f"{path}: 0 tasks added, 1 known\n")
