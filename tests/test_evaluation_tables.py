import json
import math

import pandas as pd

from pipeline.evaluation.estimates import Estimate, Evaluation
from pipeline.evaluation.tables import (
    OVERALL,
    PER_TOPIC,
    as_markdown,
    as_text,
    from_records,
    overall_table,
    to_records,
    topic_table,
)
from pipeline.schema import Topic

HALF, UNDEFINED = Estimate(0.5, 0.25, 0.75), Estimate(math.nan, 0, 0)
NAMES = [*OVERALL, "none_f1", *(f"{topic}/{name}" for topic in ("one", "two") for name in PER_TOPIC)]
FOUND = Evaluation(5, {"one": 3, "two": 0, "none": 2}, {**dict.fromkeys(NAMES, HALF), "two/f1": UNDEFINED})
TABLE = pd.DataFrame({"name": ["a|b", "none"], "rows": [3, 0], "f1": [HALF, UNDEFINED]})


def test_overall_metrics_have_a_column_a_model() -> None:
    table = overall_table({"model": FOUND, "keywords": FOUND})
    assert list(table.columns) == ["metric", "model", "keywords"]
    assert table["metric"].tolist() == [name.replace("_", " ") for name in OVERALL]


def test_by_topic_there_is_a_row_a_topic_and_none() -> None:
    table = topic_table(FOUND, (Topic("one", "Topic one"), Topic("two", "Topic two")))
    assert list(table.columns) == ["topic", "rows", "precision", "recall", "f1", "average precision"]
    assert table["topic"].tolist() == ["Topic one", "Topic two", "none"]
    assert table.iloc[1].tolist() == ["Topic two", 0, HALF, HALF, UNDEFINED, HALF]
    assert table.iloc[2].tolist() == ["none", 2, HALF, HALF, HALF, "-"]


def test_a_table_is_the_same_in_every_form() -> None:
    assert as_text(TABLE).splitlines() == [
        "name  rows  f1",
        "--------------------------------",
        "a|b   3     0.500 [0.250, 0.750]",
        "none  0     -",
    ]
    assert as_markdown(TABLE).splitlines() == [
        "| name | rows | f1 |",
        "| --- | --- | --- |",
        "| a\\|b | 3 | 0.500 [0.250, 0.750] |",
        "| none | 0 | - |",
    ]
    assert to_records(TABLE) == [
        {"name": "a|b", "rows": 3, "f1": {"value": 0.5, "low": 0.25, "high": 0.75}},
        {"name": "none", "rows": 0, "f1": {"value": None, "low": 0.0, "high": 0.0}},
    ]


def test_a_table_comes_back_from_its_records() -> None:
    assert as_text(from_records(json.loads(json.dumps(to_records(TABLE))))) == as_text(TABLE)
