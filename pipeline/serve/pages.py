"""The service for people: paste an article, see and correct its topics; the model; the corrections."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.data.documents import PAGE_SUFFIXES, articles_in
from pipeline.errors import SourceError
from pipeline.model.bundle import Bundle
from pipeline.model.explain import strongest_terms
from pipeline.predict.article import DEFAULT_POINT, bundle_path
from pipeline.predict.html import environment, view
from pipeline.predict.output import Format, rendered
from pipeline.schema import Article, Prediction
from pipeline.serve import corrections
from pipeline.serve.api import bundle_at, state_of
from pipeline.serve.middleware import RefusedError

router = APIRouter(include_in_schema=False)
_TYPES: dict[Format, str] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
_LISTED = 500
Field = Annotated[str, Form()]


@router.get("/")
async def start(request: Request, example: int | None = None) -> Response:
    """Show the form, with an example where one is asked for."""
    article, examples = None, state_of(request).model.current.bundle.examples
    if example is not None and 0 <= example < len(examples):
        article = Article("article", examples[example].text)
    return await _shown(request, "page.html", article, DEFAULT_POINT)


@router.post("/")
async def predicted(
    request: Request, article: Field = "", threshold: Field = DEFAULT_POINT, file: UploadFile | None = None
) -> Response:
    """Show the article with its topics, on a page that works without JavaScript."""
    return await _shown(request, "page.html", await _article(request, article, file), threshold)


@router.post("/fragment")
async def fragment(
    request: Request, article: Field = "", threshold: Field = DEFAULT_POINT, file: UploadFile | None = None
) -> Response:
    """Return the part of the page that shows the article, for the script to put in its place."""
    return await _shown(request, "result.html", await _article(request, article, file), threshold)


@router.post("/download")
async def download(request: Request, form: str, article: Field = "", threshold: Field = DEFAULT_POINT) -> Response:
    """Return the predictions as a file: JSON lines, CSV or HTML."""
    known: Format | None = next((name for name in _TYPES if name == form), None)
    if known is None:
        raise RefusedError(422, f"form: expected one of {', '.join(_TYPES)}")
    bundle = bundle_at(state_of(request).model.current, threshold)
    rows = await _predict(request, Article("article", article), bundle)
    pieces = rendered([rows] if rows else [], known, bundle.topics, width=80, style=lambda text, _: text)
    content = await asyncio.to_thread(b"".join, pieces)
    headers = {"content-disposition": f'attachment; filename="topics.{known}"'}
    return Response(content, media_type=_TYPES[known], headers=headers)


@router.get("/corrections")
def corrected(request: Request) -> Response:
    """List the corrections."""
    found = corrections.latest(state_of(request).settings.corrections, most=_LISTED)
    return _page(request, "corrections.html", corrections=found)


@router.get("/model")
def model(request: Request) -> Response:
    """Show the model in use: its metrics, its strongest terms, and where it comes from."""
    model = state_of(request).model.current
    terms = {topic: strongest_terms(model.bundle.scorer, topic) for topic in model.bundle.scorer.topics}
    shown = {"terms": terms, "points": model.thresholds, "about": model.bundle.about, "sha256": model.sha256}
    return _page(request, "model.html", report=_report(request), default=DEFAULT_POINT, **shown)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the description of the API."""
    return _page(request, "docs.html", api=request.app.openapi())


@router.get("/favicon.ico")
async def icon() -> Response:
    """Show the icon."""
    return RedirectResponse("/static/icon.svg")


def problem(request: Request, status: int, detail: str, headers: dict[str, str]) -> Response:
    """Show why a request is refused."""
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
        return next(part for part in found if isinstance(part, Article))
    except SourceError as error:
        raise RefusedError(422, str(error)) from None
    except TimeoutError:
        raise RefusedError(413, f"{file.filename:.80}: exceeds the limit of {seconds:g} seconds") from None


async def _predict(request: Request, article: Article, bundle: Bundle) -> list[Prediction]:
    state = state_of(request)
    if "\0" in article.text:
        raise RefusedError(422, "article: NUL characters are not text")
    rows = await state.predictor.article(article, bundle, explained=True)
    state.metrics.paragraphs.inc(len(rows))
    return rows


async def _shown(request: Request, template: str, article: Article | None, threshold: str) -> Response:
    model = state_of(request).model.current
    bundle = bundle_at(model, threshold)
    rows = await _predict(request, article, bundle) if article else []
    text = article.text if article else ""
    return await asyncio.to_thread(
        _page,
        request,
        template,
        article=view(rows, bundle.topics) if rows else None,
        counts=[sum(topic.id in row.topics for row in rows) for topic in bundle.topics],
        text=text,
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        points=model.thresholds,
        point=threshold,
        examples=[example.title for example in bundle.examples],
    )


def _page(request: Request, template: str, **shown: Any) -> HTMLResponse:
    topics = state_of(request).model.current.bundle.topics
    here: Callable[[str], bool] = lambda path: request.url.path == path  # noqa: E731
    page = environment().get_template(template)
    return HTMLResponse(page.render(topics=topics, nonce=request.state.nonce, here=here, **shown))


def _report(request: Request) -> dict[str, Any] | None:
    """Read the report beside the model, None where there is none that can be read, or it is of another model."""
    state = state_of(request)
    path = bundle_path(state.settings.model).with_name("report.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        same = found["origin"]["about"]["run_id"] == state.model.current.run_id
        return found if same and "model" in found["models"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
