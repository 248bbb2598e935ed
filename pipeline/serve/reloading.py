"""The model in use: loaded once, and again when its file changes, without a request noticing."""

import asyncio
import hashlib
import os
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BundleError, OutputError, TopicsError
from pipeline.model.bundle import Bundle, load_bundle, reference_path
from pipeline.monitoring.reference import Reference, read_reference
from pipeline.predict.article import DEFAULT_POINT, at_point, bundle_path
from pipeline.serve.logs import LOG, Fault

_Stamp = tuple[str, int, int, int]
_END_SECONDS = 2


@dataclass(frozen=True)
class LoadedModel:
    """A bundle at each of its operating points; a request keeps it to its end.

    Parameters
    ----------
    points : mapping of str to Bundle
    sha256 : str
        Of the file.
    path : Path
        A copy of the file, from which other processes load the bundle; it is deleted with this object.
    reference : Reference or None
        What the text looked like that it was evaluated on; None where there is no such file beside the model.

    """

    points: Mapping[str, Bundle]
    sha256: str
    path: Path
    reference: Reference | None = None

    def __post_init__(self) -> None:
        weakref.finalize(self, self.path.unlink, missing_ok=True)

    @property
    def bundle(self) -> Bundle:
        """The bundle at its default point."""
        return self.points[DEFAULT_POINT]

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """The thresholds by operating point and topic."""
        return {
            point: dict(zip(bundle.scorer.topics, bundle.scorer.thresholds.tolist(), strict=True))
            for point, bundle in self.points.items()
        }

    @property
    def run_id(self) -> str:
        """The run of MLflow that trained the model."""
        return self.bundle.about.get("run_id", "unknown")

    def at(self, point: str) -> Bundle:
        """Return the bundle at an operating point; raise BundleError for one that it does not have."""
        return self.points.get(point) or at_point(self.bundle, point)

    def about(self, bundle: Bundle) -> dict[str, object]:
        """Return what identifies the model, with the operating point and thresholds of one of its bundles."""
        scorer = bundle.scorer
        return {
            "run_id": self.run_id,
            "sha256": self.sha256,
            "data_sha256": self.bundle.about.get("data_sha256", "unknown"),
            "threshold": scorer.point,
            "thresholds": dict(zip(scorer.topics, scorer.thresholds.tolist(), strict=True)),
        }


class ReloadingModel:
    """The model in use.

    Parameters
    ----------
    path : Path
        A bundle, or an output directory.

    Attributes
    ----------
    current : LoadedModel
    reloads : int
        How often another model was loaded since the start.

    Raises
    ------
    BundleError
        Where there is no model.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unreadable = Fault("the model's file is as it should be again")
        self._unanswered = Fault("the registry answers again")
        self.reloads = 0
        self._load()

    def refresh(self) -> None:
        """Load the model if its file changed; while that fails, keep the model in use and try again."""
        try:
            if self._stamp() != self._seen or not self.current.path.exists():  # temporary folders are tidied
                self._load()
                self.reloads += 1
                LOG.info(f"model reloaded: run {self.current.run_id}")
        except TopicsError as error:
            self._unreadable.begin(f"{error}; the model in use stays")
        except OSError as error:
            self._unreadable.begin(f"{error.filename}: {error.strerror}; the model in use stays")
        else:
            self._unreadable.end()

    async def watch(self, seconds: float) -> None:
        """Refresh every so many seconds, beside the requests."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    @contextmanager
    def following(self, look_up: Callable[[], Path], seconds: float) -> Iterator[None]:
        """Look up the bundle every so many seconds, in a thread that holds up neither requests nor the end.

        Parameters
        ----------
        look_up : callable
            Returns a bundle; while it raises a TopicsError, the model in use stays.
        seconds : float

        """
        ended = threading.Event()
        looking = threading.Thread(target=self._follow, args=(look_up, seconds, ended), daemon=True)
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join(_END_SECONDS)

    def _follow(self, look_up: Callable[[], Path], seconds: float, ended: threading.Event) -> None:
        while not ended.wait(seconds):
            try:
                self._path = look_up()
            except TopicsError as error:
                self._unanswered.begin(f"{error}; the model in use stays")
            else:
                self._unanswered.end()

    def _load(self) -> None:
        path = bundle_path(self._path)
        seen = self._stamp()
        load_bundle(path)  # errors name the model's own file
        copy, sha256 = _copied(path)
        bundle = load_bundle(copy)
        at_point(bundle, DEFAULT_POINT)  # every model has it
        points = {point: at_point(bundle, point) for point in bundle.scorer.points}
        self.current = LoadedModel(points, sha256, copy, _reference(path, bundle))
        self._seen = seen

    def _stamp(self) -> _Stamp | None:
        path = bundle_path(self._path)
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return str(path), found.st_mtime_ns, found.st_ino, found.st_size


def _reference(path: Path, bundle: Bundle) -> Reference | None:
    """Read the reference beside a model; a service does without, as it matters to metrics alone."""
    beside = reference_path(path)
    if not beside.exists():
        return None
    try:
        return read_reference(beside, bundle)
    except BundleError as error:
        LOG.warning(f"{error}; metrics have nothing to compare with")
        return None


def _copied(path: Path) -> tuple[Path, str]:
    """Copy a file, as whatever overwrites it must not change what is mapped; return the copy and its SHA-256."""
    try:
        content = path.read_bytes()
        number, name = tempfile.mkstemp(path.suffix, "topics-")
        with os.fdopen(number, "wb") as copy:
            copy.write(content)
    except OSError as error:
        raise OutputError(f"{error.filename or path}: cannot copy the model: {error.strerror or error}") from None
    return Path(name), hashlib.sha256(content).hexdigest()
