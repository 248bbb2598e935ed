"""Track runs, metrics and models in MLflow; with `pyfunc`, the only modules that know it."""

import gc
import io
import json
import logging
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from traceback import clear_frames
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import mlflow
import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Dataset, DatasetInput, InputTag, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sqlalchemy.exc import SQLAlchemyError

from pipeline.config import TrackingSettings
from pipeline.errors import TrackingError
from pipeline.files import atomic_path
from pipeline.imports import copy_closure
from pipeline.model.bundle import reference_path
from pipeline.store import alone, artifacts_address, claimed, embedded_store, is_abandoned, rebase

CANDIDATE, CHAMPION = "candidate", "champion"
REFERENCE = "bundle/reference.json"
_SERVING = ("mlflow", "numpy", "pandas", "safetensors")
_URI = "MLFLOW_TRACKING_URI"
_BUNDLE = "bundle/model.safetensors"
_APPLIED = "applied"
_NOTE = "mlflow.note.content"  # what MLflow shows as the description of a run
_LONGEST_DESCRIPTION = 5000  # characters that a version's has room for, on servers other than SQLite
_LONGEST_DIGEST = 36
_LOG_DESCRIPTION = (
    "The history of promotions: each version is one, its tags say which. `topics history` prints it."
)
_REGISTERED = re.compile(r"models:/+([^/@]+)(?:@([^/@]+)|/(\d+))")
_NOT_IN_NAMES = re.compile(r"[^\w\-. /]")  # a colon could be there, but it marks what is written out
_WRITTEN_OUT = re.compile(r":([0-9A-F]+):")


@dataclass(frozen=True)
class ModelVersion:
    """A registered model version and the run that made it."""

    number: str
    run_id: str


@dataclass(frozen=True)
class LoggedData:
    """Rows that a run was made with, as MLflow lists them.

    Parameters
    ----------
    name, source : str
        What the rows are, and the files that they are from.
    context : str
        What they are for, such as `training`.
    sha256 : str
        Our own hash of the rows.
    profile : mapping of str to int
        Counts of rows, in all and by topic.

    """

    name: str
    source: str
    context: str
    sha256: str
    profile: Mapping[str, int]

    def as_input(self) -> DatasetInput:
        """Return it as MLflow takes it; no row is copied."""
        columns = [{"type": "string", "name": name, "required": True} for name in ("text", "topics")]
        found = Dataset(
            name=self.name,
            digest=self.sha256[:_LONGEST_DIGEST],
            source_type="local",
            source=json.dumps({"uri": self.source, "sha256": self.sha256}),
            schema=json.dumps({"mlflow_colspec": columns}),
            profile=json.dumps(self.profile),
        )
        return DatasetInput(found, [InputTag("mlflow.data.context", self.context)])


@dataclass(frozen=True)
class LogEntry:
    """An entry of the log of promotions: its number from 1, its tags, and when the store received it, in UTC."""

    number: int
    tags: dict[str, str]
    at: datetime


class Tracker:
    """One experiment on one tracking server.

    Parameters
    ----------
    settings : TrackingSettings
        The names of experiment and model.
    folder : Path
        The output folder; artifacts of the embedded store lie below it.
    uri : str, optional
        The tracking server; default: MLFLOW_TRACKING_URI, or else the embedded store of the folder.

    Raises
    ------
    TrackingError
        Where the server or store cannot be used; every method raises it too.

    """

    def __init__(self, settings: TrackingSettings, folder: Path, *, uri: str | None = None) -> None:
        _hush()
        self.settings = settings
        self.uri = uri or tracking_uri(folder)
        self._embedded = folder if self.uri == embedded_store(folder) else None
        with _one_line(self.uri):
            if self.uri.startswith("sqlite:"):
                folder.mkdir(parents=True, exist_ok=True)
            if self._embedded:
                rebase(self._embedded)
            _reach(self.uri)
            _use(self.uri)
            self.client = mlflow.MlflowClient()
            self.experiment = self._choose_experiment(folder)
            if self._embedded:
                self._close_abandoned(self._embedded, self.experiment)

    @contextmanager
    def run(self, run_id: str | None = None, *, name: str | None = None, nested: bool = False) -> Iterator[str]:
        """Open a run, or reopen the run with this id, and yield its id; an interruption is recorded as KILLED."""
        with ExitStack() as held:
            with _one_line(self.uri), alone(self._embedded) if self._embedded else nullcontext():
                active = mlflow.start_run(run_id=run_id, run_name=name, nested=nested)
                if self._embedded:
                    held.enter_context(claimed(self._embedded, active.info.run_id))
            status = RunStatus.FAILED
            try:
                yield active.info.run_id
                status = RunStatus.FINISHED
            except KeyboardInterrupt as interruption:
                status = RunStatus.KILLED
                _let_go(interruption)
                raise
            finally:
                interrupted = status == RunStatus.KILLED  # the next command closes what stays open in its store
                with suppress(MlflowException, SQLAlchemyError) if interrupted else nullcontext():
                    mlflow.end_run(RunStatus.to_string(status))

    def log(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        texts: Mapping[str, str] | None = None,
        plots: Mapping[str, Figure] | None = None,
        step: int | None = None,
    ) -> None:
        """Log to the open run: parameters, finite metrics (of a step), tags, text files and plots by name."""
        with _one_line(self.uri):
            mlflow.log_params({tracked_name(name): value for name, value in (params or {}).items()})
            finite = {tracked_name(name): v for name, v in (metrics or {}).items() if math.isfinite(v)}
            mlflow.log_metrics(finite, step=step)
            mlflow.set_tags(dict(tags or {}))
            for name, text in (texts or {}).items():
                mlflow.log_text(text, name)
            for name, figure in (plots or {}).items():
                mlflow.log_figure(figure, name)

    def log_data(self, data: Sequence[LoggedData]) -> None:
        """Log to the open run which rows it was made with."""
        active = mlflow.active_run()
        if active is None:
            raise ValueError("no run is open")
        with _one_line(self.uri):
            self.client.log_inputs(active.info.run_id, datasets=[found.as_input() for found in data])

    def describe_run(self, run_id: str, text: str) -> None:
        """Set the description of a run, in Markdown."""
        with _one_line(self.uri):
            self.client.set_tag(run_id, _NOTE, text)

    def describe_version(self, model: ModelVersion, card: str) -> None:
        """Set the description of a model version to its card, in Markdown."""
        with _one_line(self.uri):
            text = _fitting(card, f"The whole card is in run {model.run_id}.")
            self.client.update_model_version(self.settings.model_name, model.number, text)

    def describe_model(self, model: ModelVersion) -> None:
        """Give the registered model the description of one of its versions."""
        with _one_line(self.uri):
            found = self.client.get_model_version(self.settings.model_name, model.number)
            if found.description:  # a version of before has none, and another's would mislead less than no card
                self.client.update_registered_model(self.settings.model_name, found.description)

    def page_of(self, run_id: str, artifact: str) -> str:
        """Return the address of a run's artifact on MLflow's own page, relative to the page."""
        with _one_line(self.uri):
            experiment = self.client.get_run(run_id).info.experiment_id
        return f"#/experiments/{experiment}/runs/{run_id}/artifacts/{artifact}"

    def latest_run(self) -> str | None:
        """Return the id of the last training that ended well, None where there is none."""
        trained = "attributes.status = 'FINISHED' AND tags.data_sha256 LIKE '%'"
        with _one_line(self.uri):
            found = self.client.search_runs(
                [self.experiment], trained, order_by=["start_time DESC"], max_results=1
            )
        return str(found[0].info.run_id) if found else None

    def ingredients(self, run_id: str) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
        """Return a run's config by dotted keys, its metrics and its tags."""
        with _one_line(self.uri):
            data = self.client.get_run(run_id).data
        settings = {original_name(name): value for name, value in data.params.items()}
        return settings, {original_name(name): value for name, value in data.metrics.items()}, data.tags

    def read_text(self, run_id: str, name: str) -> str | None:
        """Read a text file that a run has logged; None where it has none of that name."""
        with _one_line(self.uri), _quiet():
            logged = self.client.list_artifacts(run_id, str(Path(name).parent))
            if name not in {item.path for item in logged}:
                return None
            return str(mlflow.artifacts.load_text(f"runs:/{run_id}/{name}"))

    def log_fold(self, metrics: Mapping[str, float], fold: int) -> None:
        """Log one fold's metrics as a step of those named `fold/...`."""
        with _one_line(self.uri):
            finite = {tracked_name(f"fold/{name}"): v for name, v in metrics.items() if math.isfinite(v)}
            mlflow.log_metrics(finite, step=fold)

    def register(self, bundle: Path, example: pd.DataFrame, answer: pd.DataFrame) -> ModelVersion:
        """Log the open run's bundle as a model that MLflow can serve, and register it as candidate.

        The bundle travels with the modules that `pyfunc` imports, as `imports.import_closure` finds them, and
        scores where this package is not installed. Nothing is pickled.

        Parameters
        ----------
        bundle : Path
            The bundle file.
        example, answer : DataFrame
            A request and what the model returns for it: MLflow infers the signature from them.

        Returns
        -------
        ModelVersion

        """
        with _one_line(self.uri), tempfile.TemporaryDirectory() as folder, _quiet():
            file = Path(shutil.copy(bundle, Path(folder) / Path(_BUNDLE).name))
            mlflow.log_artifact(str(file), "bundle")
            code = copy_closure(Path(__file__).with_name("pyfunc.py"), Path(folder))
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(code / "pyfunc.py"),
                artifacts={"bundle": str(file)},
                code_paths=[str(code)],
                signature=infer_signature(example, answer),
                input_example=example,
                pip_requirements=[f"{package}=={version(package)}" for package in _SERVING],
                registered_model_name=self.settings.model_name,
            )
        made = ModelVersion(str(info.registered_model_version), str(info.run_id))
        self.set_alias(CANDIDATE, made)
        return made

    def find(self, alias: str) -> ModelVersion | None:
        """Look up the model version that has an alias."""
        with _one_line(self.uri):
            try:
                found = self.client.get_model_version_by_alias(self.settings.model_name, alias)
            except MlflowException as error:
                if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    return None
                raise
        return ModelVersion(str(found.version), str(found.run_id))

    def set_alias(self, alias: str, model: ModelVersion) -> None:
        """Assign an alias to a model version; two processes may do so at the same moment."""
        with _one_line(self.uri), _unless(lambda: self.find(alias) == model):
            self.client.set_registered_model_alias(self.settings.model_name, alias, model.number)

    def version(self, number: str) -> ModelVersion:
        """Look up a version of the registered model by its number."""
        with _one_line(self.uri):
            found = self.client.get_model_version(self.settings.model_name, number)
        return ModelVersion(str(found.version), str(found.run_id))

    def log_promotion(self, tags: Mapping[str, str]) -> int:
        """Append an entry to the log of promotions and return its number.

        The log is a registered model beside the model: the store numbers its versions, one after the other.
        """
        with _one_line(self.uri):
            with suppress(MlflowException):  # it exists
                self.client.create_registered_model(self._log, description=_LOG_DESCRIPTION)
            source = f"models:/{self.settings.model_name}/{tags['after'] or tags['before']}"
            return int(self.client.create_model_version(self._log, source, tags=dict(tags)).version)

    def promotion_log(self) -> list[LogEntry]:
        """Read the log of promotions in its order."""
        with _one_line(self.uri):
            pages = _pages(self.client.search_model_versions, f"name='{self._log}'")
            found = sorted(pages, key=lambda entry: int(entry.version))
        return [
            LogEntry(
                int(entry.version), dict(entry.tags), datetime.fromtimestamp(entry.creation_timestamp / 1000, UTC)
            )
            for entry in found
        ]

    def is_applied(self, number: int) -> bool:
        """Tell whether the alias was set as an entry of the log says."""
        with _one_line(self.uri):
            return _APPLIED in self.client.get_model_version(self._log, str(number)).tags

    def mark_applied(self, number: int) -> None:
        """Note that the alias is set as an entry of the log says; two processes may do so at the same moment."""
        with _one_line(self.uri), _unless(lambda: self.is_applied(number)):
            self.client.set_model_version_tag(self._log, str(number), _APPLIED, "true")

    @property
    def _log(self) -> str:
        return f"{self.settings.model_name}.promotions"

    def read_bundle(self, run_id: str) -> bytes:
        """Return the bytes of a run's bundle."""
        with tempfile.TemporaryDirectory() as folder:
            return self.fetch_bundle(run_id, Path(folder)).read_bytes()

    def fetch_bundle(self, run_id: str, folder: Path) -> Path:
        """Copy a run's bundle into a folder and return its path."""
        with _one_line(self.uri), _quiet():
            return Path(
                mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=_BUNDLE, dst_path=str(folder))
            )

    def facts(self, run_id: str) -> tuple[dict[str, str], dict[str, float], str]:
        """Return a run's tags, its metrics and its config as YAML."""
        with _one_line(self.uri), _quiet():
            data = self.client.get_run(run_id).data
            metrics = {original_name(name): value for name, value in data.metrics.items()}
            return data.tags, metrics, mlflow.artifacts.load_text(f"runs:/{run_id}/config.yaml")

    def _choose_experiment(self, folder: Path) -> str:
        name = self.settings.experiment
        if self.client.get_experiment_by_name(name) is None:
            local = self.uri.startswith("sqlite:")
            self.client.create_experiment(name, artifact_location=artifacts_address(folder) if local else None)
        return str(mlflow.set_experiment(name).experiment_id)

    def _close_abandoned(self, folder: Path, experiment: str) -> None:
        """Record runs as KILLED whose process is gone: nobody else could do it."""
        running = "attributes.status = 'RUNNING'"
        if not self.client.search_runs([experiment], running, max_results=1):
            return
        with alone(folder):
            for run in self.client.search_runs([experiment], running):
                if is_abandoned(folder, run.info.run_id):
                    self.client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))


def tracked_name(name: str) -> str:
    """Write a metric's or parameter's name as MLflow takes it; `original_name` undoes it.

    Letters and digits of any script stay. Other characters, such as combining accents, are written out as their
    hexadecimal code point between colons, so that no two names become one.
    """
    return _NOT_IN_NAMES.sub(lambda found: f":{ord(found[0]):X}:", name)


def original_name(name: str) -> str:
    """Return the name that `tracked_name` wrote."""
    return _WRITTEN_OUT.sub(lambda found: chr(int(found[1], 16)), name)


def fetch_registered(address: str, folder: Path, *, uri: str | None = None) -> Path:
    """Copy the bundle of a registered model version, and its reference, into a folder, unless they are there.

    Parameters
    ----------
    address : str
        `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    folder : Path
        Its file is named by the run, of which the bundle never changes.
    uri : str, optional
        The tracking server; default: MLFLOW_TRACKING_URI, or else the embedded store in `models`.

    Returns
    -------
    Path

    Raises
    ------
    TrackingError
        Where the address is none, or the server has no such version.

    """
    named = _REGISTERED.fullmatch(address)
    if named is None:
        raise TrackingError(f"{address}: expected models:/NAME@ALIAS or models:/NAME/VERSION")
    uri = uri or tracking_uri(Path("models"))
    _hush()
    with _one_line(uri), _quiet():
        _reach(uri)
        client = mlflow.MlflowClient(tracking_uri=uri)
        name, alias, number = named.groups()
        look_up = client.get_model_version_by_alias if alias else client.get_model_version
        run_id = str(look_up(name, alias or number).run_id)
        file = folder / f"{run_id}.safetensors"
        if not file.exists():
            _download(uri, run_id, _BUNDLE, file)
        beside = reference_path(file)
        for item in client.list_artifacts(run_id, str(Path(REFERENCE).parent)):
            grown = not beside.exists() or beside.stat().st_size != item.file_size  # evaluation adds to it
            if item.path == REFERENCE and grown:
                _download(uri, run_id, REFERENCE, beside)
    return file


def _download(uri: str, run_id: str, artifact: str, file: Path) -> None:
    with atomic_path(file) as part, tempfile.TemporaryDirectory() as temporary:
        kept = {"run_id": run_id, "artifact_path": artifact, "dst_path": temporary, "tracking_uri": uri}
        shutil.copy(mlflow.artifacts.download_artifacts(**kept), part)


def serve_page(settings: TrackingSettings, folder: Path, port: int, *, say: Callable[[str], None]) -> None:
    """Serve MLflow's own page on loopback until interrupted: the embedded store, or MLFLOW_TRACKING_URI's.

    Parameters
    ----------
    settings : TrackingSettings
        Names the experiment.
    folder : Path
        The output folder.
    port : int
    say : callable
        Called with the address of the page's list of training runs: MLflow itself opens on another.

    Raises
    ------
    TrackingError

    """
    uri = tracking_uri(folder)
    if uri.startswith("sqlite:") and not (folder / "mlflow.db").exists():
        raise TrackingError(f"{folder}: no runs here; run `make train` first")
    if uri == embedded_store(folder):
        with _one_line(uri):
            rebase(folder)
    say(f"training runs: http://127.0.0.1:{port}/{_runs_page(uri, settings.experiment)}")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", "127.0.0.1"]
    command += ["--workers", "1"]  # one person looks at it
    if subprocess.call([*command, "--port", str(port)]):
        raise TrackingError(f"MLflow's page could not be served on port {port}; choose another with --port")


def _runs_page(uri: str, experiment: str) -> str:
    """Return the path of the training runs of an experiment, or of all experiments where it has none yet."""
    _hush()
    with _one_line(uri):
        _reach(uri)
        found = mlflow.MlflowClient(tracking_uri=uri).get_experiment_by_name(experiment)
    return f"#/experiments/{found.experiment_id}/runs" if found else "#/experiments"


def _fitting(card: str, ending: str) -> str:
    """Shorten a card to what a description has room for, by whole sections from its end."""
    if len(card) <= _LONGEST_DESCRIPTION:
        return card
    room = _LONGEST_DESCRIPTION - len(ending) - 1
    start = card[:room]
    end = start.rfind("\n## ")
    return f"{start[: end + 1] if end > 0 else start.rpartition(chr(10))[0] + chr(10)}\n{ending}"


def tracking_uri(folder: Path) -> str:
    """Return the address of the tracking server: MLFLOW_TRACKING_URI, or else the embedded store of a folder."""
    return os.environ.get(_URI) or embedded_store(folder)


def _hush() -> None:
    """Let MLflow log errors alone, and its database layer none: it raises each, which becomes one line."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _use(uri: str) -> None:
    """Point MLflow to a server, and leave the environment, which MLflow writes to, as the user set it."""
    before = os.environ.get(_URI)
    mlflow.set_tracking_uri(uri)
    if before is None:
        os.environ.pop(_URI, None)
    else:
        os.environ[_URI] = before


def _reach(uri: str) -> None:
    if uri.startswith(("http://", "https://")):
        try:
            urlopen(f"{uri.rstrip('/')}/health", timeout=5).close()
        except (URLError, OSError) as error:
            raise TrackingError(f"{uri}: tracking server does not answer: {error}") from None


def _pages(search: Callable[..., Any], condition: str) -> Iterator[Any]:
    """Return what MLflow finds, over all its pages."""
    token = None
    while True:
        found = search(condition, page_token=token)
        yield from found
        token = found.token
        if not token:
            return


@contextmanager
def _one_line(uri: str) -> Iterator[None]:
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        first = " ".join(str(error).splitlines()[:1])
        raise TrackingError(f"{uri}: cannot be used for tracking: {first}") from None


def _let_go(interruption: KeyboardInterrupt) -> None:
    """Free what calls that were cut short hold, such as a transaction that would keep the store locked."""
    error: BaseException | None = interruption
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__
    gc.collect()


@contextmanager
def _unless(done: Callable[[], bool]) -> Iterator[None]:
    """Pass over a refusal where another process has done the same: a database takes the first of two inserts."""
    try:
        yield
    except MlflowException:
        if not done():
            raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what MLflow prints on standard error while it copies artifacts; errors are raised."""
    name = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
    before = os.environ.get(name, "true")
    os.environ[name] = "false"
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        os.environ[name] = before
