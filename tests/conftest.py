"""Fixtures: experiments in temporary folders, and one trained by the real command line for all tests to read."""

import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import support
from numpy.typing import NDArray
from serving import Service, make_model, serving

from pipeline.data import corpus
from pipeline.experiment import Trained, fit
from pipeline.model.bundle import Bundle


@dataclass(frozen=True)
class TrainedExperiment:
    """An experiment, and what training and evaluation printed."""

    experiment: support.Experiment
    train_out: str
    evaluate_out: str


@pytest.fixture(scope="session", autouse=True)
def hear_interrupts() -> None:
    """Let child processes hear Ctrl-C: a shell that starts tests in the background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def experiment(tmp_path: Path) -> Callable[..., support.Experiment]:
    """Give a maker of experiments in this test's own folder."""
    return lambda changes=None, data=None: support.write_experiment(tmp_path / "experiment", changes, data)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedExperiment:
    """Train and evaluate once through the command line; tests read the result and change nothing."""
    made = support.write_experiment(tmp_path_factory.mktemp("trained"))
    train = support.run("train", "--config", made.config_file)
    assert train.returncode == 0, train.stderr
    evaluate = support.run("evaluate", "--config", made.config_file)
    assert evaluate.returncode == 0, evaluate.stderr
    return TrainedExperiment(made, train.stdout, evaluate.stdout)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Fit the default experiment in this process, without tracking."""
    made = support.write_experiment(tmp_path_factory.mktemp("fitted"))
    sides = corpus.read_sides(made.config, support.TOPICS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting workers takes longer than these folds
        return fit(made.config, sides.train, made.topics, lambda done, total: None)


@pytest.fixture(scope="session")
def bundle(fitted: Trained) -> Bundle:
    """Give the fitted model as a bundle that has not been to disk."""
    seen = np.unique(corpus.text_digests(row.text for row in fitted.rows))
    return Bundle(fitted.model.scorer(fitted.ids), fitted.topics, seen, {"most_frequent": "", "run_id": "none"})


@pytest.fixture(scope="session")
def labelled() -> tuple[list[str], NDArray[np.bool_], list[str]]:
    """Give texts, labels bool [n, k] and articles of the training rows."""
    rows: list[dict[str, Any]] = [row for row in support.rows() if row["writer"] == "a"]
    labels = np.array([[topic in row["topics"] for topic in support.TOPICS] for row in rows])
    return [row["text"] for row in rows], labels, [row["article"] for row in rows]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(5)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an output folder with a champion."""
    folder = tmp_path_factory.mktemp("models")
    make_model(folder / "champion.safetensors")
    return folder


@pytest.fixture(scope="session")
def service(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service with its usual limits, shared by the tests that leave it as it is."""
    with serving(small_model, tmp_path_factory.mktemp("service")) as running:
        yield running
