"""What all requests share: settings, the model in use, the threads that label, the figures."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, cast

from fastapi import Request

from pipeline.serve import corrections
from pipeline.serve.answers import Labeller
from pipeline.serve.champion import Champion
from pipeline.serve.corrections import Correction
from pipeline.serve.metrics import Metrics
from pipeline.serve.settings import Settings


@dataclass(frozen=True)
class State:
    """Made once when the service starts."""

    settings: Settings
    champion: Champion
    labeller: Labeller
    metrics: Metrics

    async def keep(self, correction: Correction) -> dict[str, Any]:
        """Keep a correction and give it as a row; raise OutputError where it cannot be kept."""
        await asyncio.to_thread(corrections.add, self.settings.corrections, correction)
        self.metrics.corrections.inc()
        return self.as_row(correction)

    @staticmethod
    def as_row(correction: Correction) -> dict[str, Any]:
        """Give a correction as the fields of its JSON object."""
        return asdict(correction)


def state_of(request: Request) -> State:
    """Find the state of the service that a request came to."""
    return cast(State, request.app.state.shared)
