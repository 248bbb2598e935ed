import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import support
from serving import serving
from test_label_page import LUNCH, MINES, TALKS, Person, annotations

from pipeline.labelling import store
from pipeline.labelling.task import Annotation, Decision, Task

TIME = "2025-01-01T00:00:00+00:00"
SUSPECT = {
    **{"rank": 1, "article": "x", "paragraph": 3, "contradiction": 0.97, "topic": "mine_action", "score": 0.97},
    **{"topics": [], "suggested": ["mine_action"], "text": MINES},
}


def said(name: str, *topics: str, comment: str = "", doubtful: bool = False) -> Annotation:
    return Annotation(name, topics, TIME, comment, doubtful)


@pytest.fixture
def di(small_model: Path, tmp_path: Path) -> Iterator[Person]:
    """Serve two tasks that people labelled and one that nobody did, and a suspect label beside the model."""
    shutil.copy(small_model / "champion.safetensors", tmp_path)
    (tmp_path / "label_issues.jsonl").write_text(json.dumps(SUSPECT) + "\n")
    tasks = [
        Task(TALKS, annotations=(said("Ada", "peace_process"), said("Bo", comment="no talks", doubtful=True))),
        Task(LUNCH, annotations=(said("Ada"), said("Bo"))),
        Task("Nobody has seen this."),
    ]
    store.add(tmp_path / "annotations.sqlite3", tasks)
    with serving(tmp_path, tmp_path) as running:
        yield Person(running, "Di")


def decision(person: Person, text: str) -> Decision | None:
    task = store.find(annotations(person), Task(text).id)
    return task.decision if task else None


def test_what_people_said_is_listed_and_disagreement_marked(di: Person) -> None:
    page = di.look("/review")
    assert (TALKS in page, LUNCH in page, "Nobody has seen" in page) == (True, True, False)
    assert page.count("They disagree.") == 1
    assert ("no talks" in page, "in doubt" in page) == (True, True)
    only = di.look("/review?show=disagreeing")
    assert (TALKS in only, LUNCH in only) == (True, False)


@pytest.mark.parametrize(
    ("fields", "topics"),
    [
        ({"accept": '["peace_process"]'}, ("peace_process",)),
        ({"accept": "[]"}, ()),
        ({"topic": ["mine_action", "peace_process"]}, ("mine_action", "peace_process")),
        ({"none": 1}, ()),
        ({"action": "drop"}, None),
    ],
)
def test_a_task_is_accepted_edited_or_dropped_by_name(
    di: Person, fields: dict[str, object], topics: tuple[str, ...] | None
) -> None:
    page = di.send("/review", task=Task(TALKS).id, comment=" because ", **fields).body.decode()
    found = decision(di, TALKS)
    assert found
    assert (found.reviewer, found.topics, found.comment) == ("Di", topics, "because")
    assert TALKS not in page
    assert TALKS in di.look("/review?show=decided")


def test_a_decision_can_be_taken_back(di: Person) -> None:
    di.send("/review", task=Task(TALKS).id, none=1)
    page = di.send("/review", task=Task(TALKS).id, action="undo", show="decided").body.decode()
    assert ("open again" in page, TALKS in page, decision(di, TALKS)) == (True, False, None)
    again = di.send("/review", task=Task(TALKS).id, action="undo", show="decided")
    assert (again.status, "nobody has decided" in again.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({}, 422, "choose topics, or none"),
        ({"topic": ["mine_action"], "none": 1}, 422, "choose topics, or none"),
        ({"accept": "x"}, 422, "accept: expected a JSON list"),
        ({"accept": '["other"]'}, 409, "no topic 'other'"),
        ({"none": 1, "task": "x"}, 409, "no such task"),
        ({"none": 1, "rank": 7}, 409, "the list has changed"),
        ({"none": 1, "annotator": " "}, 422, "your name"),
        ({"none": 1, "show": "else"}, 422, "show"),
        ({"none": 1, "page": 0}, 422, "page"),
    ],
)
def test_a_decision_that_is_wrong_is_refused_in_one_sentence(
    di: Person, fields: dict[str, object], status: int, detail: str
) -> None:
    reply = di.send("/review", **{"task": Task(TALKS).id, **fields})
    assert (reply.status, detail in reply.json()["detail"]) == (status, True), reply.body
    assert decision(di, TALKS) is None


@pytest.mark.parametrize(("accept", "topics"), [("[]", ()), ('["mine_action"]', ("mine_action",))])
def test_a_suspect_label_is_kept_or_changed_in_one_click(di: Person, accept: str, topics: tuple[str, ...]) -> None:
    page = di.look("/review?show=suspects")
    assert (MINES in page, "x, paragraph 4" in page, "speaks</th>" in page) == (True, True, True)
    assert f'value="{accept.replace(chr(34), "&#34;")}"' in page
    after = di.send("/review", task=Task(MINES).id, rank=1, accept=accept, show="suspects").body.decode()
    assert (MINES in after, "all are decided" in after) == (False, True)
    found = store.find(annotations(di), Task(MINES).id)
    assert found
    assert found.decision
    assert (found.decision.topics, found.meta["suspect"]["topics"]) == (topics, [])


def test_a_list_that_cannot_be_read_is_named(di: Person) -> None:
    (di.service.folder / "label_issues.jsonl").write_text("{}\n")
    reply = di.service.ask("/review?show=suspects")
    assert (reply.status, "label_issues.jsonl:1: " in reply.json()["detail"]) == (503, True)


def test_the_command_line_lists_decides_and_exports(di: Person) -> None:
    kept = ("--annotations", annotations(di))
    listed = support.run("annotations", "list", "--state", "disagreeing", *kept).stdout
    assert listed == f"{Task(TALKS).id}  {TALKS}\n  Ada: peace_process; Bo: none\n"
    done = support.run("annotations", "decide", Task(TALKS).id, "peace_process", "--reviewer", "Di", *kept)
    assert (done.returncode, done.stderr) == (0, f"{Task(TALKS).id}: peace_process\n")
    agreed = support.run("annotations", "decide", "--agreed", "--reviewer", "Di", *kept)
    assert agreed.stderr == "1 tasks decided\n"
    rows = [json.loads(line) for line in support.run("annotations", "export", *kept).stdout.splitlines()]
    assert [(row["text"], row["topics"], row["writer_topics"], row["reader_topics"]) for row in rows] == [
        (TALKS, ["peace_process"], ["peace_process"], []),
        (LUNCH, [], [], []),
    ]
    assert len(support.run("annotations", "export", "--tasks", *kept).stdout.splitlines()) == 3
    objects = json.loads(support.run("annotations", "list", "--state", "all", "--format", "json", *kept).stdout)
    assert [found["id"] for found in objects][:2] == [Task(TALKS).id, Task(LUNCH).id]
    undone = support.run("annotations", "decide", Task(TALKS).id, "--undo", *kept)
    assert (undone.returncode, decision(di, TALKS)) == (0, None)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["x", "mine_action"], 2, "whose decision is it?"),
        (["x", "mine_action", "--none", "--reviewer", "Di"], 2, "name a task with topics"),
        (["--reviewer", "Di"], 2, "name a task with topics"),
        (["x", "--agreed", "--reviewer", "Di"], 2, "name a task with topics"),
        (["x", "mine_action", "--reviewer", "Di"], 1, "no task x"),
        (["x", "--undo"], 1, "nobody has decided on task x"),
    ],
)
def test_a_wrong_command_is_one_line(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    path = tmp_path / "annotations.sqlite3"
    store.add(path, [Task("One.")])
    done = support.run("annotations", "decide", *arguments, "--annotations", path)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (status, True, False)
