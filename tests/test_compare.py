import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import support
from conftest import TrainedExperiment
from handmade_model import BUNDLE, ROWS

from pipeline.errors import BundleError, DataError
from pipeline.steps.compare import compare, compare_bundles

Maker = Callable[..., support.Experiment]
STRICT = replace(
    BUNDLE, scorer=replace(BUNDLE.scorer, points={"balanced": np.array([0.5, 1.0])})
)  # never predicts the second topic


def test_the_difference_is_the_second_model_minus_the_first_row_by_row() -> None:
    found = compare_bundles("made-up rows", (BUNDLE, STRICT), ROWS, random_state=1)
    assert (found.data, found.rows) == ("made-up rows", 6)
    cold = found.differences["cold/f1"]
    assert (cold.first, cold.second, cold.value) == (0.8, 0.0, -0.8)
    assert cold.low <= cold.value <= cold.high
    assert found.differences["wet/f1"].value == 0.0
    assert [(row.article, row.paragraph, row.first, row.second) for row in found.fixed] == [
        ("a2", 1, ("cold",), ())
    ]
    assert [(row.article, row.paragraph) for row in found.broken] == [("a0", 1), ("a1", 0)]


def test_every_format_tells_the_same() -> None:
    found = compare_bundles("made-up rows", (BUNDLE, STRICT), ROWS, random_state=1)
    frame = found.to_frame()
    assert list(frame.columns) == ["first", "second", "value", "low", "high", "p_value"]
    assert frame.loc["cold/f1", "value"] == -0.8
    assert "made-up rows: 6 paragraphs, second minus first, 95 % intervals" in found.as_text()
    line = next(line for line in found.as_text().splitlines() if line.startswith("cold/f1 "))
    assert line.split()[1:4] == ["0.800", "0.000", "-0.800"]
    assert "| cold/f1 | 0.800 | 0.000 | -0.800 [" in found.as_markdown()
    assert "- a0/1 true cold; first cold; second none: the snow" in found.as_markdown()
    told = json.loads(found.as_json(), parse_constant=pytest.fail)
    assert told["differences"]["cold/f1"]["value"] == -0.8
    assert [row["text"] for row in told["fixed"]] == ["the snow of Chile"]


@pytest.mark.usefixtures("embedded")
def test_models_are_found_by_alias_and_by_file_and_compared_on_the_headline(trained: TrainedExperiment) -> None:
    made = trained.experiment
    found = compare(made.config, "champion", str(made.candidate))
    assert (found.data, found.rows) == ("test set day", 40)
    assert {change.value for change in found.differences.values()} == {0.0}
    assert (found.fixed, found.broken) == ([], [])


@pytest.mark.usefixtures("embedded")
def test_what_cannot_be_compared_is_refused(trained: TrainedExperiment, small_model: Path, tmp_path: Path) -> None:
    made = trained.experiment
    with pytest.raises(BundleError, match="different topics"):
        compare(made.config, "candidate", str(small_model / "champion.safetensors"))
    unlabelled = support.write_rows(tmp_path / "u.jsonl", [{**support.rows()[0], "topics": None}])
    with pytest.raises(DataError, match="no row is labelled"):
        compare(made.config, "candidate", "candidate", [str(unlabelled)])
