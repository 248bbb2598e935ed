"""The service for programs: predict, topics, corrections, health and metrics."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from pipeline.errors import BundleError, OutputError
from pipeline.labelling import store
from pipeline.labelling.task import Annotation
from pipeline.predict.article import DEFAULT_POINT
from pipeline.serve import work
from pipeline.serve.logs import Fault
from pipeline.serve.middleware import Metrics
from pipeline.serve.refusal import RefusedError
from pipeline.serve.reloading import LoadedModel, ReloadingModel
from pipeline.serve.schemas import (
    ArticleRequest,
    CorrectionRequest,
    CorrectionRow,
    ErrorResponse,
    PredictResponse,
    TextsRequest,
    TopicsResponse,
    UndoRequest,
)
from pipeline.serve.settings import Settings
from pipeline.serve.window import Window
from pipeline.serve.workers import Workers

ERRORS = {
    400: "Not JSON, or not for this host",
    401: "No valid token",
    403: "A cross-site request",
    408: "The request did not arrive in time",
    409: "A topic or an operating point that the model in use does not have, or nothing to take back",
    413: "The request exceeds a limit",
    415: "Not JSON by its type, or compressed",
    422: "The request is not as described",
    429: "Too many requests at once",
    503: "A label cannot be saved, or a process that predicts died",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description} for status, description in ERRORS.items()
}
LISTED = 1000
P = ParamSpec("P")
R = TypeVar("R")
router = APIRouter(responses=RESPONSES)


@dataclass(frozen=True)
class State:
    """What all requests share.

    Parameters
    ----------
    settings : Settings
    model : ReloadingModel
    workers : Workers
    metrics : Metrics
    saving : Fault
        Whether labels cannot be saved at present.
    window : Window
        What was predicted within the last hour.

    """

    settings: Settings
    model: ReloadingModel
    workers: Workers
    metrics: Metrics
    saving: Fault = field(default_factory=lambda: Fault("annotations can be saved again"))
    window: Window = field(default_factory=Window)


def state_of(request: Request) -> State:
    """Return the state of the service that a request came to."""
    return cast(State, request.app.state.shared)


def task_of(state: State, model: LoadedModel, threshold: str) -> work.Model:
    """Describe the model at an operating point for the workers.

    Parameters
    ----------
    state : State
    model : LoadedModel
        To be kept until they are done: they read its file.
    threshold : str
        The operating point.

    Returns
    -------
    Model

    Raises
    ------
    RefusedError
        With status 409 for a point that the model does not have.

    """
    try:
        model.at(threshold)
    except BundleError as error:
        raise RefusedError(409, f"threshold: {error}") from None
    edges = model.reference.sample.edges if model.reference and model.reference.sample else None
    return work.Model(model.path, threshold, state.settings.limits.texts, edges)


def count(state: State, model: LoadedModel, seen: work.Seen) -> None:
    """Count paragraphs that a model predicted on, in the metrics."""
    state.metrics.paragraphs.inc(seen.paragraphs)
    state.window.add(model.sha256, seen.sums)


def answer(state: State, rows: work.Rows, model: LoadedModel, threshold: str) -> Response:
    """Send predictions with the model that made them."""
    count(state, model, rows.seen)
    notes = f', "notes": {json.dumps(rows.notes)}' if rows.notes else ""
    about = json.dumps(model.about(model.at(threshold)))
    content = f'{{"predictions": [{rows.objects}], "model": {about}{notes}}}'
    return Response(content.encode(errors="backslashreplace"), media_type="application/json")


def _takes_json(request: Request) -> None:
    """Name the type that is missing or wrong; a form of another site must not be taken for JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise RefusedError(415, f"content-type: {kind or 'none'!s:.80}, expected application/json")


_JSON_ONLY = [Depends(_takes_json)]


@router.post(
    "/v1/predict", response_model=PredictResponse, response_model_exclude_none=True, dependencies=_JSON_ONLY
)
async def predict(request: Request, asked: TextsRequest | ArticleRequest) -> Response:
    """Predict the topics of texts, each as it is, or of an article, paragraph by paragraph."""
    state = state_of(request)
    model = state.model.current
    task = task_of(state, model, asked.threshold)
    if isinstance(asked, TextsRequest):
        rows = await state.workers.run(work.predict_texts, task, asked.texts, asked.explain)
    else:
        rows = await state.workers.run(work.predict_article, task, asked.article, asked.explain)
    return answer(state, rows, model, asked.threshold)


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


@router.post("/v1/corrections", status_code=201, response_model=CorrectionRow, dependencies=_JSON_ONLY)
async def correct(request: Request, asked: CorrectionRequest) -> Response:
    """Save the topics that a person assigns to a paragraph, beside those of the model."""
    state = state_of(request)
    check_topics(state, asked.topics)
    annotation = await _correction(state, asked)
    article = asked.article or hashlib.sha256(asked.text.encode()).hexdigest()[:16]
    task, annotation = store.correction_of(asked.text, article, asked.paragraph, annotation)
    number = await saved(state, store.annotate, task, annotation)
    state.metrics.corrections.inc()
    return JSONResponse(
        _as_row(state, store.Correction(number, article, asked.paragraph, asked.text, annotation, None)), 201
    )


@router.get("/v1/corrections", response_model=list[CorrectionRow])
def list_corrections(request: Request) -> Response:
    """List the newest corrections, at most 1000, without those that were taken back."""
    state = state_of(request)
    return JSONResponse(
        [_as_row(state, found) for found in store.corrections(state.settings.annotations, most=LISTED)]
    )


@router.post("/v1/corrections/undo", status_code=204, dependencies=_JSON_ONLY)
async def undo_correction(request: Request, asked: UndoRequest) -> Response:
    """Take a correction back; the one before it by the same person counts again."""
    await undone(state_of(request), asked.id)
    return Response(status_code=204)


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Confirm that the service runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(request: Request) -> dict[str, str]:
    """Name the model in use, without which no service starts; not ready while no process lives that predicts."""
    state = state_of(request)
    if not state.workers.alive():
        raise RefusedError(503, "not ready: no process that predicts is alive; others are starting")
    return {"status": "ok", "run_id": state.model.current.run_id}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Return the service's metrics for Prometheus."""
    state = state_of(request)
    model = state.model.current
    living = {"reloads": state.model.reloads, "workers": state.workers.alive()}
    topics = model.bundle.scorer.topics
    state.metrics.drift.set(topics, state.window.sums(model.sha256, len(topics)), model.reference)
    text = state.metrics.text(**living, run_id=model.run_id, sha256=model.sha256)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def check_topics(state: State, topics: Iterable[str]) -> None:
    """Refuse topics that the model in use does not have."""
    known = state.model.current.bundle.scorer.topics
    unknown = [topic for topic in topics if topic not in known]
    if unknown:
        raise RefusedError(
            409, f"topics: the model has no topic {unknown[0]!r:.80}, expected some of {', '.join(known)}"
        )


async def saved(state: State, write: Callable[Concatenate[Path, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Write to the file of annotations, and tell in the log when that begins to fail and when it ends."""
    try:
        found = await asyncio.to_thread(write, state.settings.annotations, *args, **kwargs)
    except OutputError as error:
        state.saving.begin(str(error))
        raise
    state.saving.end()
    return found


async def undone(state: State, correction: int) -> None:
    """Take a correction back; refuse a number of none that counts."""
    if not await saved(state, store.undo, correction):
        raise RefusedError(409, f"correction {correction}: no such correction, or taken back already")


async def _correction(state: State, asked: CorrectionRequest) -> Annotation:
    model = state.model.current
    predicted = await state.workers.run(work.topics_of, task_of(state, model, asked.threshold), asked.text)
    return Annotation(
        asked.annotator.strip() or store.ANONYMOUS,
        tuple(topic for topic in model.bundle.scorer.topics if topic in asked.topics),
        store.now(),
        suggested=predicted,
        model=model.run_id,
    )


def _as_row(state: State, correction: store.Correction) -> dict[str, Any]:
    said = correction.annotation
    return {
        "id": correction.id,
        "annotator": said.annotator,
        "article": correction.article,
        "paragraph": correction.paragraph,
        "text": correction.text,
        "model_topics": _ordered(state, said.suggested or ()),
        "person_topics": _ordered(state, said.topics or ()),
        "model": said.model,
        "time": said.time,
    }


def _ordered(state: State, topics: Iterable[str]) -> list[str]:
    """Put topics in the order of the label set; those of an earlier one come last."""
    columns = state.model.current.bundle.scorer.topics
    return sorted(topics, key=lambda topic: columns.index(topic) if topic in columns else len(columns))
