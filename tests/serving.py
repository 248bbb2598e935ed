"""A small model and a running service, made of the real parts."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.model.bundle import Bundle

ARTICLE = (
    "Sappers cleared landmines from the field near the village, and demining goes on.\n\n"
    "The two sides met for peace talks and agreed on a ceasefire.\n\n"
    "Lunch was served in the garden, and the orchestra played."
)
_WORDS = {
    "mine_action": "Sappers cleared landmines from the field near the {}, and demining goes on.",
    "peace_process": "The two sides met for peace talks in the {} and agreed on a ceasefire.",
    "none": "The orchestra played in the {}, and lunch was served in the garden.",
}
_PLACES = ["village", "town", "valley", "city", "province", "harbour", "forest", "school", "market", "station"]


def make_model(path: Path, *, run_id: str = "run-one", turn: int = 0) -> Path:
    """Train a model of two topics on a few sentences and save it; another `turn`, other rows, other scores."""
    import numpy as np

    from pipeline.data.corpus import text_digests
    from pipeline.files import atomic_path
    from pipeline.model.bundle import Bundle, save_bundle
    from pipeline.model.classifier import TopicClassifier
    from pipeline.schema import Example, Topic

    topics = (
        Topic("mine_action", "Mine action", "Landmines and their clearance.", "#d55e00"),
        Topic("peace_process", "Peace process", "Efforts to end a conflict.", "#0072b2"),
    )
    texts = [sentence.format(place) for sentence in _WORDS.values() for place in _PLACES[turn:]]
    names = [name for name in _WORDS for _ in _PLACES[turn:]]
    labels = np.array([[name == topic.id for topic in topics] for name in names])
    model = TopicClassifier(min_df=1, cv=2, random_state=1).fit(texts, labels)
    about = {"run_id": run_id, "data_sha256": "d" * 64, "git_commit": "c" * 40, "git_dirty": "false"}
    seen, examples = (
        np.unique(text_digests(texts)),
        (Example("A field", ARTICLE), Example("Lunch", "Lunch is served.")),
    )
    bundle = Bundle(model.scorer([topic.id for topic in topics]), topics, seen, about, examples)
    with atomic_path(path) as part:
        save_bundle(part, with_distinct_points(bundle))
    return path


def with_distinct_points(bundle: "Bundle") -> "Bundle":
    """Set the operating points apart: a few sentences that are easily told apart would make them one."""
    balanced = bundle.scorer.points["balanced"]
    points = {"precision": (1 + balanced) / 2, "balanced": balanced, "recall": balanced / 2}
    return replace(bundle, scorer=replace(bundle.scorer, points=points))


@dataclass
class Reply:
    """What came back: status, headers, and the body as bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass
class Service:
    """A running service, as a process of its own, and where it logs."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path
    log: Path = Path(os.devnull)

    def lines(self) -> list[str]:
        """Read what it has logged so far."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def wait_for(self, *phrases: str, times: int = 1) -> list[str]:
        """Wait until each of these phrases has been logged in so many lines, and return all lines."""
        end = time.monotonic() + 60
        while any(sum(phrase in line for line in self.lines()) < times for phrase in phrases):
            assert time.monotonic() < end, self.lines()
            time.sleep(0.05)
        return self.lines()

    def wait_for_metric(self, metric: str, **headers: str) -> None:
        """Wait until a metric has a value; asking for it is a request itself."""
        end = time.monotonic() + 60
        while f"\n{metric}\n" not in (shown := self.ask("/metrics", **headers).body.decode()):
            assert time.monotonic() < end, shown
            time.sleep(0.02)

    def ask(self, path: str, data: object = None, **headers: str) -> Reply:
        """Send a GET, or a POST of bytes, or of an object as JSON."""
        return self.send("GET" if data is None else "POST", path, data, **headers)

    def send(self, method: str, path: str, data: object = None, **headers: str) -> Reply:
        """Send a request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None and not isinstance(data, bytes):
            data, named = json.dumps(data).encode(), {"content-type": "application/json", **named}
        request = urllib.request.Request(self.url + path, data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())


@contextmanager
def serving(
    model: Path | str,
    folder: Path | None,
    *options: str,
    start_new_session: bool = False,
    within: Sequence[str] = (),
    **environment: str,
) -> Iterator[Service]:
    """Run `topics serve` on a free port until the block ends; annotations are in the folder, or by the model.

    A command that executes another, `within`, executes it.
    """
    command = [*within, sys.executable, "-m", "pipeline", "serve", "--port", "0", "--workers", "2"]
    command += ["--model", str(model)]
    command += ["--annotations", str(folder / "annotations.sqlite3")] if folder else []
    command += options
    settings = {**os.environ, **environment}
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(command, stderr=log, start_new_session=start_new_session, env=settings)
        try:
            yield Service(_address(process, Path(log.name)), process, folder or Path(model), Path(log.name))
        finally:
            process.terminate()
            process.wait(timeout=40)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait for the line that names the address."""
    while True:
        ended = process.poll() is not None
        text = log.read_text(encoding="utf-8")
        found = re.search(r'serving on (http://[^\s"]+)["\n]', text)
        if found:
            return found[1]
        assert not ended, text
        time.sleep(0.02)
