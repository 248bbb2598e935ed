"""The model in use: loaded once, and again when its file is another, without a request noticing."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import TopicsError
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import bundle_path

_Stamp = tuple[str, int, int, int]


class Champion:
    """A bundle and what identifies it; requests take `bundle` once and keep it to their end."""

    def __init__(self, model: Path, say: Callable[[str], None]) -> None:
        """Load the model; raise BundleError where there is none."""
        self.model, self.say = model, say
        self.swaps = 0
        self._take_up()

    @property
    def about(self) -> dict[str, object]:
        """Say which model answers: its run, its file's SHA-256, its data's SHA-256, its topics' thresholds."""
        scorer = self.bundle.scorer
        return {
            "run_id": self.bundle.about.get("run_id", "unknown"),
            "sha256": self.sha256,
            "data_sha256": self.bundle.about.get("data_sha256", "unknown"),
            "thresholds": dict(zip(scorer.topics, scorer.thresholds.tolist(), strict=True)),
        }

    def refresh(self) -> None:
        """Take up another file; where it cannot be used, say so once and stay with the model in use."""
        try:
            if self._stamp() == self._seen:
                return
            self._take_up()
            self.swaps += 1
            self.say(f"new model: run {self.about['run_id']}")
        except (TopicsError, OSError) as error:
            self.say(f"error: {error}; the model in use stays")

    async def watch(self, seconds: float) -> None:
        """Look for another file again and again, beside the requests."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    def _take_up(self) -> None:
        path = bundle_path(self.model)
        if not path.exists():
            load_bundle(path)
        self._seen = self._stamp()
        bundle: Bundle = load_bundle(path, mapped=False)
        bundle.scorer.scores(["what is made at first use is made before the first request"])
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.bundle = bundle

    def _stamp(self) -> _Stamp:
        path = bundle_path(self.model)
        found = path.stat()
        return str(path), found.st_mtime_ns, found.st_ino, found.st_size
