import pytest

from pipeline.steps.changes import Ingredients, Story, changes, run_name, setting_changes

TAGS = {
    "data_sha256": "d1",
    "test_sha256": "t1",
    "label_set_sha256": "l1",
    "git_commit": "0123456789",
    "git_dirty": "false",
}
SETTINGS = {"classifier.C": "0.5", "split.cv": "5", "output": "models", "tracking.experiment": "x"}
BEFORE = Ingredients(SETTINGS, 100, TAGS)


@pytest.mark.parametrize(
    ("settings", "rows", "tags", "expected"),
    [
        ({}, 100, {}, []),
        ({"classifier.C": "1.0"}, 412, {"data_sha256": "d2"}, ["C 0.5→1.0", "+312 rows"]),
        ({"output": "other", "tracking.experiment": "y"}, 100, {}, []),
        ({}, 99, {"data_sha256": "d2"}, ["-1 row"]),
        ({}, 100, {"data_sha256": "d2", "test_sha256": "t2"}, ["other training data", "other test data"]),
        ({}, 100, {"label_set_sha256": "l2"}, ["other label set"]),
        ({}, 100, {"git_commit": "fedcba9876"}, ["code fedcba9"]),
        ({}, 100, {"git_dirty": "true"}, ["uncommitted files"]),
        ({}, 100, {"git_dirty": "unknown"}, []),
    ],
)
def test_what_differs_is_said(
    settings: dict[str, str], rows: int, tags: dict[str, str], expected: list[str]
) -> None:
    assert changes(BEFORE, Ingredients(SETTINGS | settings, rows, TAGS | tags)) == expected


def test_a_run_of_before_without_a_tag_tells_nothing_of_it() -> None:
    old = Ingredients(SETTINGS, 100, {"data_sha256": "d1"})
    assert changes(old, BEFORE) == []


def test_settings_are_named_in_full_where_their_last_part_is_not_clear() -> None:
    before = {"a.points.recall": "0.5", "b.recall": "1", "c.kind": "x" * 40, "gate.day.macro_f1": "0.5"}
    after = {"a.points.recall": "0.6", "b.recall": "1", "d": "new", "gate.day.macro_f1": "0.7"}
    assert setting_changes(before, after) == [
        "a.points.recall 0.5→0.6",
        f"kind {'x' * 29}…→none",
        "d none→new",
        "gate.day.macro_f1 0.5→0.7",
    ]


def test_many_settings_are_counted() -> None:
    before = {f"k{number}": "0" for number in range(7)}
    assert setting_changes(before, dict.fromkeys(before, "1")) == [
        "k0 0→1",
        "k1 0→1",
        "k2 0→1",
        "k3 0→1",
        "3 more settings",
    ]


def test_a_run_is_named_by_its_changes() -> None:
    after = Ingredients(SETTINGS | {"classifier.C": "1.0"}, 412, TAGS | {"data_sha256": "d2"})
    assert run_name(BEFORE, after, compared_with="version 3") == "C 0.5→1.0, +312 rows"
    assert run_name(BEFORE, BEFORE, compared_with="version 3") == "nothing changed since version 3"
    assert run_name(None, BEFORE, compared_with="") == "first run, 100 rows"
    assert run_name(None, Ingredients({}, 20352, {}), compared_with="") == "first run, 20,352 rows"


def test_a_description_ends_with_what_was_changed() -> None:
    assert Story("C 0.5→1.0", "version 3").as_markdown(["| F1 |", "0.9"]) == (
        "| F1 |\n\n0.9\n\n**Changed** (against version 3): C 0.5→1.0."
    )
    assert Story("first run, 12 rows", "").as_markdown([]) == "**Changed**: first run, 12 rows."
