from pathlib import Path

import pytest

from pipeline.config import read_config, read_topics
from pipeline.data.behaviour import behaviour_for, read_behaviour
from pipeline.errors import DataError
from pipeline.evaluation.behaviour import BehaviourCases

ROOT = Path(__file__).resolve().parent.parent
TOPICS = [topic.id for topic in read_topics(ROOT / "configs/topics.yaml")]
HARD_CASES = "hard cases of the codebook"


def test_the_shipped_cases_are_complete() -> None:
    cases = read_behaviour(ROOT / "data/behaviour", TOPICS)
    own = [case for case in cases.minimum if case.suite != HARD_CASES]
    assert len(own) >= 120
    assert {topic for case in own for topic in case.topics} == set(TOPICS)
    assert {case.topic for case in cases.direction} == set(TOPICS)
    assert {case.clause in case.text for case in cases.direction} == {True, False}
    assert {change.how for change in cases.invariance} == {"swap", "numbers", "years", "prefix", "upper", "quotes"}


def test_no_case_is_there_twice() -> None:
    texts = [case.text for case in read_behaviour(ROOT / "data/behaviour", TOPICS).minimum]
    assert len(set(texts)) == len(texts)


def test_the_hard_cases_are_those_of_the_codebook() -> None:
    table = (ROOT / "data/CODEBOOK.md").read_text(encoding="utf-8").split("## Hard cases")[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line][
        2:
    ]
    expected = {text[0].upper() + text[1:] + ".": topics for text, topics, _ in rows}
    cases = [case for case in read_behaviour(ROOT / "data/behaviour", TOPICS).minimum if case.suite == HARD_CASES]
    assert {case.text: ", ".join(case.topics) or "none" for case in cases} == expected


def test_a_model_of_another_label_set_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    config = read_config(Path("configs/default.yaml"))
    assert behaviour_for(config, TOPICS).minimum
    assert behaviour_for(config, ["sport"]) == BehaviourCases()


def test_no_folder_named_means_no_cases() -> None:
    assert read_behaviour(None, TOPICS).minimum == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"suite": "s", "text": "t", "topics": ["x"], "rule": "r"}', "minimum.jsonl:1: unknown topic 'x'"),
        ('{"suite": "s", "text": "t", "topics": []}', "minimum.jsonl:1: rule: "),
        ("{", "minimum.jsonl:1: "),
    ],
)
def test_a_broken_line_is_told_with_its_place(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "minimum.jsonl").write_text(line)
    with pytest.raises(DataError, match=message):
        read_behaviour(tmp_path, TOPICS)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_behaviour(tmp_path / "nowhere", TOPICS)
