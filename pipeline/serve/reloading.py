"""The model in use: loaded once, and again when its file changes, without a request noticing."""

import asyncio
import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import OutputError, TopicsError
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import DEFAULT_POINT, at_point, bundle_path

_Stamp = tuple[str, int, int, int]


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

    """

    points: Mapping[str, Bundle]
    sha256: str
    path: Path

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
    say : callable
        Called with a line when a new model is loaded, or cannot be.

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

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self.reloads = 0
        self._load()

    def refresh(self) -> None:
        """Load the model if its file changed; if that fails, say so once and keep the model in use."""
        try:
            if self._stamp() == self._seen and self.current.path.exists():  # temporary folders are tidied
                return
            self._load()
            self.reloads += 1
            self._say(f"model reloaded: run {self.current.run_id}")
        except (TopicsError, OSError) as error:
            self._say(f"error: {error}; the model in use stays")

    async def watch(self, seconds: float) -> None:
        """Refresh every so many seconds, beside the requests."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    def _load(self) -> None:
        path = bundle_path(self._path)
        if path.exists():
            self._seen = self._stamp()
        load_bundle(path)  # errors name the model's own file
        copy, sha256 = _copied(path)
        bundle = load_bundle(copy)
        at_point(bundle, DEFAULT_POINT)  # every model has it
        points = {point: at_point(bundle, point) for point in bundle.scorer.points}
        self.current = LoadedModel(points, sha256, copy)

    def _stamp(self) -> _Stamp:
        path = bundle_path(self._path)
        found = path.stat()
        return str(path), found.st_mtime_ns, found.st_ino, found.st_size


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
