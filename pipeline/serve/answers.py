"""Label what a request holds, beside other requests and within its time."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pipeline.model.bundle import Bundle
from pipeline.predict.article import Place, label, paragraphs
from pipeline.schema import Article, Prediction
from pipeline.serve.limits import RefusedError
from pipeline.serve.settings import Limits

_AT_ONCE = 16


class Labeller:
    """Threads that label, few: each computes all the time, so more of them would not be faster."""

    def __init__(self, limits: Limits) -> None:
        """Keep the limits; threads start with the first request."""
        self.limits = limits
        self.threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="label")

    async def texts(self, texts: Sequence[str], bundle: Bundle, *, explained: bool) -> list[Prediction]:
        """Label texts, each as one paragraph of its own source."""
        places = [Place(Article(f"texts/{i}", text), 0, 0, len(text)) for i, text in enumerate(texts)]
        return await self._run(places, bundle, explained=explained)

    async def article(self, article: Article, bundle: Bundle, *, explained: bool) -> list[Prediction]:
        """Split an article and label its paragraphs."""
        return await self._run(paragraphs(article), bundle, explained=explained)

    async def _run(self, places: Sequence[Place], bundle: Bundle, *, explained: bool) -> list[Prediction]:
        if len(places) > self.limits.texts:
            raise RefusedError(413, f"{len(places)} texts or paragraphs, {self.limits.texts} at once are the most")
        end = time.monotonic() + self.limits.seconds

        def work() -> list[Prediction]:
            rows: list[Prediction] = []
            for first in range(0, len(places), _AT_ONCE):
                if time.monotonic() > end:
                    raise RefusedError(413, f"not done within {self.limits.seconds:g} seconds; send fewer texts")
                rows += label(places[first : first + _AT_ONCE], bundle, explained=explained)
            return rows

        return await asyncio.get_running_loop().run_in_executor(self.threads, work)
