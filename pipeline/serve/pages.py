"""The service for people: paste an article, see and correct its topics; the model; the corrections."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated, Any

import fastapi
from fastapi import APIRouter, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pipeline.labelling import store
from pipeline.model.explain import strongest_terms
from pipeline.predict.article import DEFAULT_POINT, bundle_path
from pipeline.predict.output import Format
from pipeline.serve import people, work
from pipeline.serve.api import answer, count, state_of, task_of, undone
from pipeline.serve.paths import RECEIVING, route_path
from pipeline.serve.refusal import RefusedError
from pipeline.serve.work import Form, Place

router = APIRouter(include_in_schema=False)
_TYPES: dict[Format, str] = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LISTED = 500
NO_FILES: tuple[UploadFile, ...] = ()
Field = Annotated[str, fastapi.Form()]
Files = Annotated[Sequence[UploadFile], fastapi.File()]


@router.get("/")
async def start(request: Request, example: int | None = None) -> Response:
    """Show the form, with an example where one is asked for."""
    examples = state_of(request).model.current.bundle.examples
    shown = example is not None and 0 <= example < len(examples)
    form = Form(examples[example or 0].text if shown else "")
    return await _shown(request, "page.html", form, DEFAULT_POINT)


@router.post("/")
async def predicted(
    request: Request,
    article: Field = "",
    threshold: Field = DEFAULT_POINT,
    file: Files = NO_FILES,
    annotator: Field = "",
) -> Response:
    """Show the articles with their topics, on a page that works without JavaScript."""
    page = await _shown(request, "page.html", await _form(article, file), threshold, annotator)
    return people.remember(request, page, annotator) if annotator.strip() else page


@router.post("/fragment")
async def fragment(
    request: Request, article: Field = "", threshold: Field = DEFAULT_POINT, file: Files = NO_FILES
) -> Response:
    """Return the part of the page that shows the articles, for the script to put in its place."""
    return await _shown(request, "result.html", await _form(article, file), threshold)


@router.post("/download")
async def download(
    request: Request, form: str, article: Field = "", threshold: Field = DEFAULT_POINT, file: Files = NO_FILES
) -> Response:
    """Return the predictions as a file: JSON as `/v1/predict` returns it, JSON lines, CSV, XLSX or HTML."""
    known: Format | None = next((name for name in _TYPES if name == form), None)
    if known is None and form != "json":
        raise RefusedError(422, f"form: expected one of json, {', '.join(_TYPES)}")
    state = state_of(request)
    model = state.model.current
    sent = task_of(state, model, threshold), await _form(article, file)
    if known is None:
        response = answer(state, await state.workers.run(work.predict_form, *sent), model, threshold)
    else:
        content, seen = await state.workers.run(work.download, *sent, known)
        count(state, model, seen)
        response = Response(content, media_type=_TYPES[known])
    response.headers["content-disposition"] = f'attachment; filename="topics.{form}"'
    return response


@router.get("/corrections")
def corrected(request: Request) -> Response:
    """List the corrections."""
    found = store.corrections(state_of(request).settings.annotations, most=_LISTED, undone=True)
    return page_of(request, "corrections.html", corrections=found)


@router.post("/corrections/undo")
async def undo(request: Request, id: Annotated[int, fastapi.Form(ge=1, le=2**53)]) -> Response:  # noqa: A002
    """Take a correction back, and show the corrections."""
    await undone(state_of(request), id)
    return RedirectResponse(f"{place_of(request).root}/corrections", 303)


@router.get("/bookmarklet")
def bookmarklet(request: Request) -> Response:
    """Offer the bookmarklet, which hands the page that a person reads to this service."""
    return page_of(request, "bookmarklet.html")


@router.get(RECEIVING)
def receiving(request: Request) -> Response:
    """Show the window that the bookmarklet opens: it has nothing of the service, and takes one text."""
    return page_of(request, "receive.html")


@router.post(RECEIVING)
async def received(request: Request, article: Field = "", file: Files = NO_FILES) -> Response:
    """Show what the bookmarklet has handed over, as if its text had been pasted."""
    form = await _form(article, file)
    text = form.text
    if not text.strip():
        text = await state_of(request).workers.run(work.text_of, form)
    return await _shown(request, "page.html", Form(text), DEFAULT_POINT)


@router.get("/model")
def model(request: Request) -> Response:
    """Show the model in use: its metrics, its strongest terms, and where it comes from."""
    model = state_of(request).model.current
    terms = {topic: strongest_terms(model.bundle.scorer, topic) for topic in model.bundle.scorer.topics}
    shown = {"terms": terms, "points": model.thresholds, "about": model.bundle.about, "sha256": model.sha256}
    return page_of(request, "model.html", report=_report(request), default=DEFAULT_POINT, **shown)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Show the description of the API."""
    return page_of(request, "docs.html", api=request.app.openapi())


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    """Show the icon."""
    return RedirectResponse(f"{place_of(request).root}/static/icon.svg")


def problem(request: Request, status: int, detail: str, headers: dict[str, str]) -> Response:
    """Show why a request is refused."""
    page = page_of(request, "problem.html", detail=detail)
    page.status_code = status
    page.headers.update(headers)
    return page


async def _form(text: str, files: Sequence[UploadFile]) -> Form:
    """Read a form; browsers send the lines of a text ended as in e-mail, which would shift `start` and `end`."""
    named = [(file.filename, await file.read()) for file in files if file.filename]
    return Form(text.replace("\r\n", "\n"), tuple(named))


async def _shown(request: Request, template: str, form: Form, threshold: str, annotator: str = "") -> Response:
    state = state_of(request)
    model = state.model.current
    shown = {
        "examples": [example.title for example in model.bundle.examples],
        "annotator": annotator.strip() or people.remembered(request),
    }
    annotations = state.settings.annotations
    sent = task_of(state, model, threshold), form, template, place_of(request), annotations, shown
    if form.text or form.files:
        page, seen = await state.workers.run(work.show, *sent)
        count(state, model, seen)
    else:  # there is nothing to predict on
        page, _ = await asyncio.to_thread(work.show, *sent)
    return HTMLResponse(page)


def place_of(request: Request) -> Place:
    """Return where the page of a request is shown."""
    return Place(route_path(request.scope), request.scope.get("root_path", ""), request.state.nonce)


def page_of(request: Request, template: str, **shown: Any) -> HTMLResponse:
    """Fill in a template for a request."""
    topics = state_of(request).model.current.bundle.topics
    return HTMLResponse(work.render(template, place_of(request), topics, **shown))


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
