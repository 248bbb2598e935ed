import json
import re
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.labelling.json_lines import as_line, from_line, read_tasks
from pipeline.labelling.task import Annotation, Decision, Task

FULL = Task(
    text="Sappers cleared the field. \u2028 Ünïcode 🙂",
    article="a1",
    paragraph=3,
    annotations=(
        Annotation(
            "Ada",
            ("mine_action",),
            "2025-01-01T00:00:00+00:00",
            "a comment",
            doubtful=True,
            suggested=(),
            model="run",
            origin="doccano",
            meta={"id": 7, "nested": {"list": [1, None]}},
        ),
        Annotation("Bo", None),
        Annotation("Cy", ()),
    ),
    decision=Decision("Di", None, "2025-01-02T00:00:00+00:00", "a repeat"),
    title="A title",
    date="2025-01-01",
    source="https://example.org/a",
    scores={"mine_action": 0.25, "peace_process": 1e-12},
    meta={"tool": "x"},
)


@pytest.mark.parametrize("task", [FULL, Task("a")])
def test_a_task_comes_back_from_its_line_as_it_was(task: Task) -> None:
    line = as_line(task)
    assert "\n" not in line
    assert from_line(line) == task


def test_what_has_its_default_is_left_out_but_skipped_is_not_none() -> None:
    task = Task("a", annotations=(Annotation("Ada", None), Annotation("Bo", ())))
    assert json.loads(as_line(task)) == {
        "text": "a",
        "annotations": [{"annotator": "Ada", "topics": None}, {"annotator": "Bo", "topics": []}],
    }


def test_keys_of_other_tools_are_kept() -> None:
    task = from_line('{"text": "a", "why": "uncertain", "meta": {"rank": 1}}')
    assert task.meta == {"why": "uncertain", "rank": 1}
    assert from_line(as_line(task)) == task


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "anotations": []}', "'anotations': no such key, did you mean annotations?"),
        ('{"text": "a", "annotations": [{"annotator": "Ada"}]}', "annotations.0.topics"),
        ('{"text": "a", "annotations": [{"annotator": "A", "topics": [], "commment": ""}]}', "commment"),
        ('{"text": "a", "paragraph": "1"}', "paragraph"),
        ('{"text": "a", "scores": {"x": "high"}}', "scores.x"),
        ('{"paragraph": 1}', "text"),
        ('{"text": " "}', "text is empty"),
        ('{"text": "a", "paragraph": -1}', "paragraph: -1, expected a number from 0"),
        ('["a"]', "expected an object"),
        ('{"text": "\\ud800"}', "Invalid JSON"),
        ("{", "Invalid JSON"),
    ],
)
def test_a_bad_line_is_named_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(f'{{"text": "fine"}}\n{line}\n')
    with pytest.raises(DataError, match=f"^{re.escape(str(file))}:2: .*{re.escape(message)}"):
        list(read_tasks([file]))
