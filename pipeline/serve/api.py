"""The service for programs: predict, topics, corrections, health and figures."""

import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pipeline.predict.machine import as_row
from pipeline.schema import Article
from pipeline.serve import corrections
from pipeline.serve.corrections import Correction
from pipeline.serve.limits import RefusedError
from pipeline.serve.rows import (
    Answer,
    ArticleRequest,
    CorrectionRequest,
    CorrectionRow,
    Problem,
    TextsRequest,
    TopicsAnswer,
)
from pipeline.serve.state import State, state_of

_WHY = {
    400: "Not JSON, or not for this host",
    401: "A token is needed",
    403: "Sent by a page of another site",
    408: "Did not arrive in time",
    409: "A topic that the model in use does not have",
    413: "Too large, too many, or too long to answer",
    422: "Not as described",
    429: "Too many requests at once",
    503: "Cannot be kept just now",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": why} for status, why in _WHY.items()
}
SHOWN = 1000
router = APIRouter(responses=PROBLEMS)


@router.post("/v1/predict", response_model=Answer, response_model_exclude_none=True)
async def predict(request: Request, asked: TextsRequest | ArticleRequest) -> Response:
    """Label texts as they are, or an article paragraph by paragraph."""
    state = state_of(request)
    bundle, about = state.champion.bundle, state.champion.about
    if isinstance(asked, TextsRequest):
        rows = await state.labeller.texts(asked.texts, bundle, explained=asked.explain)
    else:
        rows = await state.labeller.article(Article("article", asked.article), bundle, explained=asked.explain)
    state.metrics.paragraphs.inc(len(rows))
    content = {"predictions": [as_row(row) for row in rows], "model": about}
    return Response(json.dumps(content, ensure_ascii=False), media_type="application/json")


@router.get("/v1/topics", response_model=TopicsAnswer)
async def topics(request: Request) -> Response:
    """List the topics in column order."""
    champion = state_of(request).champion
    scorer = champion.bundle.scorer
    listed = [
        {
            "id": topic.id,
            "title": topic.title,
            "definition": topic.definition,
            "colour": topic.colour,
            "threshold": float(threshold),
        }
        for topic, threshold in zip(champion.bundle.topics, scorer.thresholds, strict=True)
    ]
    return JSONResponse({"topics": listed, "model": champion.about})


@router.post("/v1/corrections", status_code=201, response_model=CorrectionRow)
async def correct(request: Request, asked: CorrectionRequest) -> Response:
    """Keep what a person says of a paragraph, beside what the model says."""
    state = state_of(request)
    known = state.champion.bundle.scorer.topics
    unknown = [topic for topic in asked.topics if topic not in known]
    if unknown:
        raise RefusedError(
            409, f"topics: the model has no topic {unknown[0]!r:.80}, expected some of {', '.join(known)}"
        )
    row = await state.keep(await _judged(state, asked))
    return JSONResponse(row, 201)


@router.get("/v1/corrections", response_model=list[CorrectionRow])
def list_corrections(request: Request) -> Response:
    """List the newest corrections, at most 1000."""
    kept = corrections.latest(state_of(request).settings.corrections, most=SHOWN)
    return JSONResponse([State.as_row(row) for row in kept])


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Say that the service runs."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(request: Request) -> dict[str, str]:
    """Say which model answers; the service does not start without one."""
    return {"status": "ok", "run_id": str(state_of(request).champion.about["run_id"])}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request) -> Response:
    """Give the service's figures for Prometheus."""
    state = state_of(request)
    about = state.champion.about
    text = state.metrics.text(swaps=state.champion.swaps, run_id=str(about["run_id"]), sha256=str(about["sha256"]))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _judged(state: State, asked: CorrectionRequest) -> Correction:
    bundle, about = state.champion.bundle, state.champion.about
    said = (await state.labeller.texts([asked.text], bundle, explained=False))[0].topics
    meant = tuple(topic for topic in bundle.scorer.topics if topic in asked.topics)
    article = asked.article or hashlib.sha256(asked.text.encode()).hexdigest()[:16]
    run = str(about["run_id"])
    return Correction(article, asked.paragraph, asked.text, said, meant, run, corrections.now())
