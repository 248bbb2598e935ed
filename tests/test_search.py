import re
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
import support
import yaml

from pipeline.config import SearchSettings, read_config, read_search
from pipeline.data import corpus
from pipeline.errors import ConfigError
from pipeline.steps.experiment import fit
from pipeline.steps.search import search

Maker = Callable[..., support.Experiment]


def settings(made: support.Experiment, **changes: object) -> SearchSettings:
    content = {
        "name": "trial-runs",
        "base": str(made.config_file),
        "trials": 3,
        "metric": "exact_match",
        "random_state": 1,
        "space": {"features.min_df": [2, 5], "classifier.C": {"low": 0.5, "high": 2.0, "log": True}},
    }
    path = made.folder / "search.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}), encoding="utf-8")
    return read_search(path)


def trial_runs() -> list[mlflow.entities.Run]:
    client = mlflow.MlflowClient()
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    return [run for run in runs if run.info.run_name.startswith("trial ")]


def test_the_best_trial_is_written_and_each_trial_is_a_run(tracked: Maker, tmp_path: Path) -> None:
    made, output, steps = tracked(), tmp_path / "best.yaml", []
    told = search(settings(made), output, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 3), (1, 3), (2, 3)]
    runs = trial_runs()
    assert len(runs) == 3
    values = [run.data.metrics["cv/exact_match"] for run in runs]
    assert f"exact_match {max(values):.4f}" in told
    config = read_config(output)
    assert 0.5 <= config.classifier.C <= 2.0
    tried = [(run.data.params["features.min_df"], run.data.params["classifier.C"]) for run in runs]
    assert values[tried.index((str(config.features.min_df), str(config.classifier.C)))] == max(values)
    rows = corpus.read_split(config, support.TOPICS).train
    again = fit(config, rows, made.topics, lambda done, total: None).found.metrics["exact_match"]
    assert again.value == max(values)


def test_a_second_start_resumes_the_first(tracked: Maker, tmp_path: Path) -> None:
    made, steps = tracked(), []
    search(settings(made, trials=1), tmp_path / "best.yaml", progress=lambda done, total: None)
    search(settings(made, trials=2), tmp_path / "best.yaml", progress=lambda done, total: steps.append(done))
    assert steps == [1]
    assert len(trial_runs()) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "macro_f2"}, "metric: macro_f2: no such metric; did you mean macro_f1?"),
        ({"metric": "chess/calibration_error"}, "chess/calibration_error: no such metric"),
        ({"space": {"classifier.C": [1.0, 2.0, -1.0]}}, "classifier.C: Input should be greater than 0"),
        ({"space": {"classifier.C": {"low": 2.0, "high": 1.0}}}, "classifier.C: expected low <= high"),
        ({"space": {"classifier.C": {"low": 0.0, "high": 1.0, "log": True}}}, "low above 0 where log is true"),
        (
            {"space": {"features.min_df": {"low": 1.0, "high": 3.5}}},
            "features.min_df: Input should be a valid integer",
        ),
        ({"space": {"classifier.C": []}}, "classifier.C: expected at least one value"),
        ({"space": {"data.duplicates": [True, False]}}, "data.duplicates: trials differ in how they train only"),
        ({"space": {"classifier.D": [1]}}, "classifier.D: no such setting"),
        ({"space": {"classifier.C": [-1.0]}}, "greater than 0"),
    ],
)
def test_a_bad_search_is_told(tracked: Maker, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    made, steps = tracked(), []
    with pytest.raises(ConfigError, match=re.escape(words)):
        search(settings(made, **changes), tmp_path / "best.yaml", progress=lambda *step: steps.append(step))
    assert steps == []  # told before the first trial
    assert not (made.output / "search.db").exists()
    assert not (tmp_path / "best.yaml").exists()
