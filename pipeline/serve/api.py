"""The service for programs: predict, topics, corrections, health and metrics."""

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pipeline.errors import BundleError
from pipeline.model.bundle import Bundle
from pipeline.predict.article import DEFAULT_POINT, Paragraph, paragraphs, predict_paragraphs
from pipeline.predict.output import as_objects
from pipeline.schema import Article, Prediction
from pipeline.serve import corrections
from pipeline.serve.corrections import Correction
from pipeline.serve.middleware import Metrics, RefusedError
from pipeline.serve.reloading import LoadedModel, ReloadingModel
from pipeline.serve.schemas import (
    ArticleRequest,
    CorrectionRequest,
    CorrectionRow,
    ErrorResponse,
    PredictResponse,
    TextsRequest,
    TopicsResponse,
)
from pipeline.serve.settings import Limits, Settings

ERRORS = {
    400: "Not JSON, or not for this host",
    401: "No valid token",
    403: "A cross-site request",
    408: "The request did not arrive in time",
    409: "A topic or an operating point that the model in use does not have",
    413: "The request exceeds a limit",
    422: "The request is not as described",
    429: "Too many requests at once",
    503: "The correction cannot be saved",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description} for status, description in ERRORS.items()
}
LISTED = 1000
_AT_ONCE = 16
router = APIRouter(responses=RESPONSES)


class Predictor:
    """Threads that predict, few: each computes all the time, so more of them would not be faster.

    Parameters
    ----------
    limits : Limits

    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="predict")

    async def texts(self, texts: Sequence[str], bundle: Bundle, *, explained: bool) -> list[Prediction]:
        """Predict on texts, each as one paragraph of its own source."""
        found = [Paragraph(Article(f"texts/{i}", text), 0, 0, len(text)) for i, text in enumerate(texts)]
        return await self._run(found, bundle, explained=explained)

    async def article(self, article: Article, bundle: Bundle, *, explained: bool) -> list[Prediction]:
        """Predict on the paragraphs of an article."""
        return await self._run(paragraphs(article), bundle, explained=explained)

    def close(self) -> None:
        """Finish what is being predicted."""
        self._threads.shutdown()

    async def _run(self, found: Sequence[Paragraph], bundle: Bundle, *, explained: bool) -> list[Prediction]:
        if len(found) > self._limits.texts:
            raise RefusedError(413, f"{len(found)} texts or paragraphs exceed the limit of {self._limits.texts}")
        end = time.monotonic() + self._limits.seconds

        def work() -> list[Prediction]:
            rows: list[Prediction] = []
            for first in range(0, len(found), _AT_ONCE):
                if time.monotonic() > end:
                    raise RefusedError(413, f"exceeds the limit of {self._limits.seconds:g} seconds")
                rows += predict_paragraphs(found[first : first + _AT_ONCE], bundle, explained=explained)
            return rows

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@dataclass(frozen=True)
class State:
    """What all requests share.

    Parameters
    ----------
    settings : Settings
    model : ReloadingModel
    predictor : Predictor
    metrics : Metrics

    """

    settings: Settings
    model: ReloadingModel
    predictor: Predictor
    metrics: Metrics


def state_of(request: Request) -> State:
    """Return the state of the service that a request came to."""
    return cast(State, request.app.state.shared)


def bundle_at(model: LoadedModel, threshold: str) -> Bundle:
    """Return the model at an operating point.

    Parameters
    ----------
    model : LoadedModel
    threshold : str
        The operating point.

    Returns
    -------
    Bundle

    Raises
    ------
    RefusedError
        With status 409 for a point that the model does not have.

    """
    try:
        return model.at(threshold)
    except BundleError as error:
        raise RefusedError(409, f"threshold: {error}") from None


@router.post("/v1/predict", response_model=PredictResponse, response_model_exclude_none=True)
async def predict(request: Request, asked: TextsRequest | ArticleRequest) -> Response:
    """Predict the topics of texts, each as it is, or of an article, paragraph by paragraph."""
    state = state_of(request)
    model = state.model.current
    bundle = bundle_at(model, asked.threshold)
    if isinstance(asked, TextsRequest):
        rows = await state.predictor.texts(asked.texts, bundle, explained=asked.explain)
    else:
        article = Article("article", asked.article)
        rows = await state.predictor.article(article, bundle, explained=asked.explain)
    state.metrics.paragraphs.inc(len(rows))
    objects = ", ".join(as_objects(rows, bundle.scorer.topics))
    content = f'{{"predictions": [{objects}], "model": {json.dumps(model.about(bundle))}}}'
    return Response(content.encode(errors="backslashreplace"), media_type="application/json")


@router.get("/v1/topics", response_model=TopicsResponse)
async def topics(request: Request) -> Response:
    """List the topics in column order, with their thresholds at every operating point."""
    model = state_of(request).model.current
    thresholds = model.thresholds
    listed = [
        {
            "id": topic.id,
            "title": topic.title,
            "definition": topic.definition,
            "colour": topic.colour,
            "threshold": thresholds[DEFAULT_POINT][topic.id],
            "thresholds": {point: by_topic[topic.id] for point, by_topic in thresholds.items()},
        }
        for topic in model.bundle.topics
    ]
    return JSONResponse({"topics": listed, "model": model.about(model.bundle)})


@router.post("/v1/corrections", status_code=201, response_model=CorrectionRow)
async def correct(request: Request, asked: CorrectionRequest) -> Response:
    """Save the topics that a person assigns to a paragraph, beside those of the model."""
    state = state_of(request)
    known = state.model.current.bundle.scorer.topics
    unknown = [topic for topic in asked.topics if topic not in known]
    if unknown:
        raise RefusedError(
            409, f"topics: the model has no topic {unknown[0]!r:.80}, expected some of {', '.join(known)}"
        )
    correction = await _correction(state, asked)
    await asyncio.to_thread(corrections.add, state.settings.corrections, correction)
    state.metrics.corrections.inc()
    return JSONResponse(asdict(correction), 201)


@router.get("/v1/corrections", response_model=list[CorrectionRow])
def list_corrections(request: Request) -> Response:
    """List the newest corrections, at most 1000."""
    found = corrections.latest(state_of(request).settings.corrections, most=LISTED)
    return JSONResponse([asdict(correction) for correction in found])


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Confirm that the service runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(request: Request) -> dict[str, str]:
    """Name the model in use; the service does not start without one."""
    return {"status": "ok", "run_id": state_of(request).model.current.run_id}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Return the service's metrics for Prometheus."""
    state = state_of(request)
    model = state.model.current
    text = state.metrics.text(reloads=state.model.reloads, run_id=model.run_id, sha256=model.sha256)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _correction(state: State, asked: CorrectionRequest) -> Correction:
    model = state.model.current
    predicted = (await state.predictor.texts([asked.text], model.bundle, explained=False))[0].topics
    assigned = tuple(topic for topic in model.bundle.scorer.topics if topic in asked.topics)
    article = asked.article or hashlib.sha256(asked.text.encode()).hexdigest()[:16]
    return Correction(article, asked.paragraph, asked.text, predicted, assigned, model.run_id, corrections.now())
