import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import support
from handmade_model import ROWS as HANDMADE
from handmade_model import SCORER

from pipeline.errors import BundleError
from pipeline.evaluation.tables import to_records
from pipeline.model.bundle import load_bundle
from pipeline.schema import LabelledParagraph
from pipeline.steps.evaluate import LEARNING_CURVE
from pipeline.steps.learning_curve import evaluate_sets, learning_curve, part
from pipeline.steps.train import train
from pipeline.tracking import Tracker

Maker = Callable[..., support.Experiment]
ROWS = [LabelledParagraph(f"a{i // 3}", i % 3, f"text {i}") for i in range(60)]


def test_a_share_is_of_whole_articles() -> None:
    rows = part(ROWS, 0.25, random_state=1)
    assert len({row.article for row in rows}) == 5
    assert len(rows) == 15
    assert len(part(ROWS, 0.001, random_state=1)) == 3  # one article at least


def test_a_smaller_share_is_within_a_larger_one() -> None:
    small, large = ({row.article for row in part(ROWS, share, random_state=1)} for share in (0.12, 0.5))
    assert small < large


def test_another_seed_takes_other_articles_and_the_order_of_rows_does_not_matter() -> None:
    taken = {row.article for row in part(ROWS, 0.25, random_state=1)}
    assert taken == {row.article for row in part(ROWS[::-1], 0.25, random_state=1)}
    assert taken != {row.article for row in part(ROWS, 0.25, random_state=2)}


def test_every_set_is_measured() -> None:
    found = evaluate_sets(SCORER, {"all": HANDMADE, "first": HANDMADE[:2]}, random_state=1)
    assert {name: (one.rows, one.metrics["exact_match"].value) for name, one in found.items()} == {
        "all": (6, 4 / 6),
        "first": (2, 1.0),
    }


def trained(made: support.Experiment) -> support.Experiment:
    train(made.config, say=lambda line: None, progress=lambda done, total: None)
    return made


def curve(made: support.Experiment, *data: object) -> tuple[Any, list[str], list[tuple[int, int]]]:
    """Measure a curve: its table, what was said, and the progress."""
    said: list[str] = []
    steps: list[tuple[int, int]] = []
    table = learning_curve(
        made.config,
        list(map(str, data)),
        say=said.append,
        progress=lambda done, total: steps.append((done, total)),
    )
    return table, said, steps


def test_shares_and_candidate_are_measured_on_every_set_and_logged(tracked: Maker) -> None:
    made = trained(tracked())
    own = support.made_rows(3, prefix="x", writer="x", seed=9)
    repeated, unlabelled = {**own[1], "paragraph": 8}, {**own[2], "paragraph": 9, "topics": None}
    table, said, steps = curve(made, support.write_rows(made.folder / "own.jsonl", [*own, repeated, unlabelled]))
    assert list(table.columns) == ["share", "articles", "rows", "day", "own.jsonl"]
    assert table[["share", "articles", "rows"]].to_numpy().tolist() == [
        ["12%", 4, 16],
        ["25%", 8, 32],
        ["50%", 15, 60],
        ["100%", 30, 120],
    ]
    own = f"{made.folder}/own.jsonl: 1 rows are not labelled and left out"
    assert (said, steps) == ([own], [(0, 3), (1, 3), (2, 3)])
    assert table["day"].iloc[0].value < table["day"].iloc[-1].value
    bundle = load_bundle(made.candidate)
    test = [row for row in support.rows() if row["writer"] == "t"]
    y_true = np.array([[topic in row["topics"] for topic in support.TOPICS] for row in test])
    right = (bundle.scorer.labels(bundle.scorer.scores([row["text"] for row in test])) == y_true).all(1)
    tracker, run_id = Tracker(made.config.tracking, made.output), bundle.about["run_id"]
    history = tracker.client.get_metric_history(run_id, "curve/day/exact_match")
    assert {point.step: point.value for point in history}[30] == right.mean()
    assert sorted(point.step for point in history) == [4, 8, 15, 30]
    assert tracker.read_text(run_id, LEARNING_CURVE) == json.dumps(to_records(table), indent=2)


def test_a_share_that_lacks_a_topic_is_left_out_and_told(tracked: Maker) -> None:
    data = support.rows()
    for row in data:
        if row["writer"] == "a" and row["article"] not in ("a007", "a008", "a018"):
            row["topics"] = [topic for topic in row["topics"] if topic != "chess"]
    table, said, _ = curve(trained(tracked(data=data)))
    assert said == ["12% of the training articles have no row with chess: left out"]
    assert table["share"].tolist() == ["25%", "50%", "100%"]


@pytest.mark.parametrize(
    ("changes", "kept", "what"), [({"classifier.C": 2.0}, 160, "settings"), ({}, 159, "data")]
)
def test_a_candidate_of_other_data_or_settings_is_refused(
    tracked: Maker, changes: dict[str, Any], kept: int, what: str
) -> None:
    made = trained(tracked())
    support.write_experiment(made.folder, changes, support.rows()[-kept:])
    with pytest.raises(BundleError, match=f"the candidate was trained with other {what} than the config's"):
        curve(made)
