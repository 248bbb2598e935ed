"""The service for people: paste an article, see its topics, correct them; the model; what was corrected."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.data.formats import PAGE_SUFFIXES, articles_in
from pipeline.errors import SourceError
from pipeline.model.explain import strongest_terms
from pipeline.predict.article import bundle_path
from pipeline.predict.html import environment
from pipeline.predict.output import rendered
from pipeline.predict.view import articles
from pipeline.schema import Article, Prediction
from pipeline.serve import corrections
from pipeline.serve.examples import EXAMPLES
from pipeline.serve.limits import RefusedError
from pipeline.serve.state import state_of

router = APIRouter(include_in_schema=False)
_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}
_SHOWN = 500
Pasted = Annotated[str, Form()]


@router.get("/")
async def start(request: Request, example: int | None = None) -> Response:
    """Show the form, with an example where one is asked for."""
    if example is not None and 0 <= example < len(EXAMPLES):
        return await _shown(request, "page.html", Article("article", EXAMPLES[example][1]))
    return await _shown(request, "page.html", None)


@router.post("/")
async def labelled(request: Request, article: Pasted = "", file: UploadFile | None = None) -> Response:
    """Show the article with its topics, on a page that needs no script."""
    return await _shown(request, "page.html", await _article(request, article, file))


@router.post("/fragment")
async def fragment(request: Request, article: Pasted = "", file: UploadFile | None = None) -> Response:
    """Give the part of the page that shows the article, for the script to put in its place."""
    return await _shown(request, "result.html", await _article(request, article, file))


@router.post("/download")
async def download(request: Request, form: str, article: Pasted = "") -> Response:
    """Give the answer as a file: JSON lines, CSV or HTML."""
    if form not in _TYPES:
        raise RefusedError(422, f"form: expected one of {', '.join(_TYPES)}")
    rows, bundle = await _rows(request, Article("article", article))
    pieces = rendered(rows, form, bundle.topics, width=80, style=lambda text, _: text)
    content = await asyncio.to_thread(b"".join, pieces)
    headers = {"content-disposition": f'attachment; filename="topics.{form}"'}
    return Response(content, media_type=_TYPES[form], headers=headers)


@router.get("/corrections")
def corrected(request: Request) -> Response:
    """List what was corrected."""
    kept = corrections.latest(state_of(request).settings.corrections, most=_SHOWN)
    return _page(request, "corrections.html", kept=kept)


@router.get("/model")
def model(request: Request) -> Response:
    """Show the model in use: figures, strongest terms, where it comes from."""
    champion = state_of(request).champion
    scorer = champion.bundle.scorer
    terms = {topic: strongest_terms(scorer, topic) for topic in scorer.topics}
    thresholds = dict(zip(scorer.topics, scorer.thresholds.tolist(), strict=True))
    shown = {"terms": terms, "thresholds": thresholds, "origin": champion.bundle.about, "sha256": champion.sha256}
    return _page(request, "model.html", report=_report(request), **shown)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the description of the service for programs."""
    return _page(request, "docs.html", api=request.app.openapi())


@router.get("/favicon.ico")
async def icon() -> Response:
    """Show the icon."""
    return RedirectResponse("/static/icon.svg")


def problem(request: Request, status: int, detail: str, headers: dict[str, str]) -> Response:
    """Show why a request is not answered."""
    page = _page(request, "problem.html", detail=detail)
    page.status_code = status
    page.headers.update(headers)
    return page


async def _article(request: Request, text: str, file: UploadFile | None) -> Article | None:
    seconds = state_of(request).settings.limits.seconds
    if file is None or not file.filename:
        return Article("article", text) if text.strip() else None
    if not file.filename.lower().endswith(PAGE_SUFFIXES):
        raise RefusedError(415, f"{file.filename:.80}: expected a file ending in {', '.join(PAGE_SUFFIXES)}")
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.to_thread(articles_in, await file.read(), file.filename)
        return found[0]
    except SourceError as error:
        raise RefusedError(422, str(error)) from None
    except TimeoutError:
        raise RefusedError(413, f"{file.filename:.80}: not read within {seconds:g} seconds") from None


async def _rows(request: Request, article: Article) -> tuple[list[Prediction], Any]:
    state = state_of(request)
    bundle = state.champion.bundle
    if "\0" in article.text:
        raise RefusedError(422, "article: NUL characters are not text")
    rows = await state.labeller.article(article, bundle, explained=True)
    state.metrics.paragraphs.inc(len(rows))
    return rows, bundle


async def _shown(request: Request, template: str, article: Article | None) -> Response:
    bundle = state_of(request).champion.bundle
    rows: list[Prediction] = []
    if article:
        rows, bundle = await _rows(request, article)
    counts = [sum(topic.id in row.topics for row in rows) for topic in bundle.topics]
    return await asyncio.to_thread(
        _page,
        request,
        template,
        articles=list(articles(rows, bundle.topics)),
        counts=counts,
        total=len(rows),
        text=article.text if article else "",
        key=hashlib.sha256(article.text.encode()).hexdigest()[:16] if article else "",
        thresholds=bundle.scorer.thresholds.tolist(),
        examples=[title for title, _ in EXAMPLES],
    )


def _page(request: Request, template: str, **shown: Any) -> HTMLResponse:
    topics = shown.pop("topics", None) or state_of(request).champion.bundle.topics
    here: Callable[[str], bool] = lambda path: request.url.path == path  # noqa: E731
    page = environment().get_template(template)
    return HTMLResponse(page.render(topics=topics, nonce=request.state.nonce, here=here, **shown))


def _report(request: Request) -> dict[str, Any] | None:
    """Read the evaluation that stands beside the model, where there is one that can be read."""
    path = bundle_path(state_of(request).settings.model).with_name("report.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if "model" in found["models"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
