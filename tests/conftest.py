"""Fixtures: experiments in temporary folders, and one trained by the real command line for all tests to read."""

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import support
from filelock import FileLock
from hypothesis import settings
from numpy.typing import NDArray
from serving import Service, make_model, serving

from pipeline.config import TrackingSettings
from pipeline.data import corpus
from pipeline.model.bundle import Bundle
from pipeline.steps.experiment import Trained, fit

settings.register_profile("untimed", deadline=None)  # the machine may be slow, or under a sanitizer
settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a case of bytes by its argument: packed bytes hold the time, and every process must name it alike."""
    return argname if isinstance(val, bytes) else None


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


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Track in the experiment's own folder, whatever the environment says."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting workers takes longer than these folds


@pytest.fixture(scope="session")
def empty_store(shared_folder: Path) -> Path:
    """Make the database of a tracking store without runs, once: its many migrations are slow."""
    folder = shared_folder / "store"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            from pipeline.tracking import (  # MLflow is slow to import, and few tests need it
                Tracker,
                embedded_store,
            )

            settings = TrackingSettings(experiment="empty", model_name="empty")
            Tracker(settings, folder, uri=embedded_store(folder))
    return folder / "mlflow.db"


@pytest.fixture
def tracked(experiment: Callable[..., support.Experiment], empty_store: Path, embedded: None) -> Any:
    """Give a maker of experiments as `experiment` does, with a tracking store in their output folder."""

    def make(changes: Any = None, data: Any = None) -> support.Experiment:
        made = experiment(changes, data)
        made.output.mkdir()
        shutil.copy(empty_store, made.output)
        return made

    return make


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give the temporary folder that all worker processes of a test run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def trained(shared_folder: Path) -> TrainedExperiment:
    """Train and evaluate once, through the command line, for all worker processes; tests change nothing of it."""
    folder = shared_folder / "trained"
    with FileLock(f"{folder}.lock"):
        if not (folder / "evaluate.txt").exists():
            made = support.write_experiment(folder)
            for command in ("train", "evaluate"):
                done = support.run(command, "--config", made.config_file, env={"LOKY_MAX_CPU_COUNT": "1"})
                assert done.returncode == 0, done.stderr
                (folder / f"{command}.txt").write_text(done.stdout, encoding="utf-8")
    made = support.Experiment(folder, folder / "config.yaml")
    train_out, evaluate_out = ((folder / f"{name}.txt").read_text("utf-8") for name in ("train", "evaluate"))
    return TrainedExperiment(made, train_out, evaluate_out)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Fit the default experiment in this process, without tracking."""
    made = support.write_experiment(tmp_path_factory.mktemp("fitted"))
    split = corpus.read_split(made.config, support.TOPICS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting workers takes longer than these folds
        return fit(made.config, split.train, made.topics, lambda done, total: None)


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
