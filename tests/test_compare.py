import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import support
from conftest import TrainedExperiment
from handmade_model import BUNDLE, ROWS, SCORER, TOPICS

from pipeline.errors import BundleError, DataError
from pipeline.model.bundle import save_bundle
from pipeline.schema import Topic
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
    assert found.as_json().startswith('{\n  "data": "made-up rows",\n  "rows": 6,\n')
    assert told["differences"]["cold/f1"]["value"] == -0.8
    assert [row["text"] for row in told["fixed"]] == ["the snow of Chile"]


def test_a_row_is_shown_up_to_160_characters() -> None:
    text = ("the snow " * 18)[2:]  # 160 characters
    rows = [replace(ROWS[1], text=text), replace(ROWS[1], text=f"{text}x")]
    whole, cut = compare_bundles("rows", (BUNDLE, STRICT), rows, random_state=1).as_text().splitlines()[-2:]
    assert whole.endswith(f"second none: {rows[0].text}")
    assert cut.endswith(f"second none: {rows[1].text[:159]}\u2026")


def test_the_random_state_draws_the_intervals() -> None:
    one, same, other = (compare_bundles("rows", (BUNDLE, STRICT), ROWS, random_state=seed) for seed in (1, 1, 5))
    assert one == same
    assert one.differences["micro_f1"] != other.differences["micro_f1"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Save two models of the same topics, and one of others."""
    topics = (TOPICS[0], Topic("mild", "Mild"))
    others = replace(BUNDLE, scorer=replace(SCORER, topics=("wet", "mild")), topics=topics)
    for name, bundle in (("first", BUNDLE), ("second", STRICT), ("others", others)):
        save_bundle(tmp_path / name, bundle)
    return [str(tmp_path / name) for name in ("first", "second", "others")]


def test_files_are_compared_on_labelled_files(files: list[str], experiment: Maker, tmp_path: Path) -> None:
    rows = [{**asdict(row), "topics": list(row.topics or ())} for row in ROWS]
    text = "Snow upon snow came down on caf\u00e9 and river until nobody went out at all."
    repeated = [{**rows[1], "paragraph": paragraph, "text": text} for paragraph in (7, 8)]
    unlabelled = {**rows[0], "paragraph": 9, "topics": None}
    labelled = support.write_rows(tmp_path / "l.jsonl", [*rows, *repeated, unlabelled])
    found = compare(experiment().config, files[0], files[1], [str(labelled)])
    assert (found.data, found.rows) == (f"{labelled} (1 more are not labelled and left out)", 8)
    assert text in found.as_json()
    assert found.differences["cold/f1"].second == 0.0


def test_files_that_cannot_be_compared_are_refused(files: list[str], experiment: Maker, tmp_path: Path) -> None:
    config = experiment().config
    with pytest.raises(BundleError, match=r"have different topics: \('wet', 'cold'\) and \('wet', 'mild'\)"):
        compare(config, files[0], files[2])
    with pytest.raises(BundleError, match="other topics than the models'; name their data with --data"):
        compare(config, files[0], files[1])
    unlabelled = support.write_rows(tmp_path / "u.jsonl", [{**asdict(ROWS[0]), "topics": None}])
    with pytest.raises(DataError, match=r"u\.jsonl: no row is labelled, nothing to measure"):
        compare(config, files[0], files[1], [str(unlabelled)])


@pytest.mark.usefixtures("embedded")
def test_models_are_found_by_alias_and_by_file_and_compared_on_the_headline(trained: TrainedExperiment) -> None:
    made = trained.experiment
    found = compare(made.config, "champion", str(made.candidate))
    assert (found.data, found.rows) == ("test set day", 40)
    assert {change.value for change in found.differences.values()} == {0.0}
    assert (found.fixed, found.broken) == ([], [])
