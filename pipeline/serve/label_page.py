"""The page on which people label the queue: one paragraph at a time, by keyboard or form."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import fastapi
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from pipeline.labelling import store
from pipeline.labelling.codebook import Codebook, read_codebook
from pipeline.labelling.task import Annotation, Task
from pipeline.predict.article import DEFAULT_POINT
from pipeline.serve import people, work
from pipeline.serve.api import State, check_topics, saved, state_of, task_of
from pipeline.serve.pages import place_of
from pipeline.serve.refusal import RefusedError

router = APIRouter(include_in_schema=False)
_DONE = {"save": "Saved.", "skip": "Skipped.", "undo": "Taken back.", "none": "There is nothing to take back."}
_LONGEST = 2000
Action = Literal["start", "save", "skip", "undo", "suggest"]


class LabelForm(BaseModel):
    """What a person sends of one paragraph; `suggested` holds the topics that were shown, in JSON."""

    action: Action = "save"
    annotator: str = ""
    task: str = ""
    topic: list[str] = []
    none: bool = False
    doubtful: bool = False
    comment: str = ""
    suggested: str = ""
    model: str = ""


@dataclass(frozen=True)
class Entry:
    """What the form shows as filled in.

    Parameters
    ----------
    topics : sequence of str
    none : bool
        None of the topics; not the same as nothing ticked yet.
    doubtful : bool
    comment : str
    suggested : tuple of str or None
        The suggestion that is shown, None where it is hidden.
    model : str
        The run that made it.
    problem : str
        Why it was not saved.

    """

    topics: Sequence[str] = ()
    none: bool = False
    doubtful: bool = False
    comment: str = ""
    suggested: tuple[str, ...] | None = None
    model: str = ""
    problem: str = ""


@router.get("/label")
async def label(request: Request, task: str = "", skipped: bool = False, done: str = "") -> Response:  # noqa: FBT001, FBT002
    """Show the next paragraph, or the one that is asked for; without a name, ask for it."""
    name, annotations = people.remembered(request), state_of(request).settings.annotations
    if not name:
        found = None
    elif task:
        found = await asyncio.to_thread(_known, state_of(request), task)
    else:
        found = await asyncio.to_thread(store.next_task, annotations, name, skipped=skipped)
    entry = _entry_of(found.latest[name]) if found and name in found.latest else Entry()
    return HTMLResponse(await _page(request, name, found, entry, _DONE.get(done, "")))


@router.post("/label")
async def save(request: Request, form: Annotated[LabelForm, fastapi.Form()]) -> Response:
    """Save, skip, take back or suggest, then show the next paragraph or this one again."""
    state, name = state_of(request), people.required(form.annotator)
    if form.action == "undo":
        task = await saved(state, store.undo_last, name)
        return _next(request, name, f"?task={task}&done=undo" if task else "?done=none")
    if form.action == "start":
        return _next(request, name, "")
    found = await asyncio.to_thread(_known, state, form.task)
    entry = _entry(state, form)
    if form.action == "suggest":
        page = HTMLResponse(await _page(request, name, found, await _suggested(state, found, entry), ""))
        return people.remember(request, page, name)
    if problem := _problem(form):
        page = HTMLResponse(await _page(request, name, found, replace(entry, problem=problem), ""), 422)
        return people.remember(request, page, name)
    topics = None if form.action == "skip" else tuple(form.topic)
    said = Annotation(
        *(name, topics, store.now(), form.comment.strip(), form.doubtful, entry.suggested, entry.model)
    )
    await saved(state, store.annotate, found, said)
    return _next(request, name, f"?done={form.action}")


def codebook_of(state: State) -> Codebook | None:
    """Read the codebook, None where there is none of the label set in use."""
    path = state.settings.codebook
    try:
        text = path.read_text(encoding="utf-8") if path else ""
    except (OSError, ValueError):
        return None
    return read_codebook(text, state.model.current.bundle.topics)


def _next(request: Request, name: str, query: str) -> Response:
    page = RedirectResponse(f"{place_of(request).root}/label{query}", 303)
    return people.remember(request, page, name)


def _known(state: State, task: str) -> Task:
    found = store.find(state.settings.annotations, task)
    if found is None:
        raise RefusedError(409, f"task {task!r:.40}: no such task in the file of annotations")
    return found


def _problem(form: LabelForm) -> str:
    if form.action == "skip":
        return ""
    if not form.topic and not form.none:
        return "Not saved: choose topics, or none of them."
    return (
        "Not saved: topics are chosen, and none of them; choose one or the other."
        if form.none and form.topic
        else ""
    )


def _entry_of(said: Annotation) -> Entry:
    """Fill the form with what a person said before."""
    return Entry(said.topics or (), said.topics == (), said.doubtful, said.comment)


def _entry(state: State, form: LabelForm) -> Entry:
    """Check what a form sends, and keep it."""
    if len(form.comment) > _LONGEST:
        raise RefusedError(422, f"comment: expected at most {_LONGEST} characters")
    suggested = topics_in(form.suggested, "suggested") if form.suggested else None
    check_topics(state, [*form.topic, *(suggested or ())])
    run = form.model[:_LONGEST] if suggested is not None else ""
    return Entry(form.topic, form.none, form.doubtful, form.comment, suggested, run)


def topics_in(text: str, name: str) -> tuple[str, ...]:
    """Read a JSON list of topics that a form sends back.

    Parameters
    ----------
    text : str
    name : str
        Of the field, for messages.

    Returns
    -------
    tuple of str

    Raises
    ------
    RefusedError
        Where it is none.

    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(topic, str) for topic in found):
        raise RefusedError(422, f"{name}: expected a JSON list of topics")
    return tuple(found)


async def _suggested(state: State, task: Task, entry: Entry) -> Entry:
    model = state.model.current
    topics = await state.workers.run(work.topics_of, task_of(state, model, DEFAULT_POINT), task.text)
    return replace(entry, suggested=topics, model=model.run_id)


async def _page(request: Request, name: str, task: Task | None, entry: Entry, done: str) -> str:
    """Render the page; only where a suggestion is shown does it hold anything of the model's."""
    state = state_of(request)
    shown = await asyncio.to_thread(_shown, state, name, task)
    shown |= {"annotator": name, "task": task, "entry": entry, "done": done}
    sent = "label.html", place_of(request)
    if task and entry.suggested is not None:
        model = task_of(state, state.model.current, DEFAULT_POINT)
        return await state.workers.run(work.show_explained, model, [(task.text, "")], *sent, shown)
    topics = state.model.current.bundle.topics
    return await asyncio.to_thread(work.render, *sent, topics, predicted=[], **shown)


def _shown(state: State, name: str, task: Task | None) -> dict[str, Any]:
    annotations, codebook = state.settings.annotations, codebook_of(state)
    before, after = store.neighbours(annotations, task) if task else (None, None)
    return {
        "before": before,
        "after": after,
        "progress": store.progress(annotations),
        "rulings": codebook.nearest(task.text) if codebook and task else [],
        "sections": codebook.topics if codebook else {},
    }
