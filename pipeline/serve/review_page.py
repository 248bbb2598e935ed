"""The page on which labels are accepted, edited or dropped: nothing goes into the data without it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import fastapi
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from pipeline.labelling import store
from pipeline.labelling.review import distinct, labels
from pipeline.labelling.suspects import NAME, Suspect, read_suspects
from pipeline.labelling.task import Decision, Task
from pipeline.predict.article import DEFAULT_POINT, bundle_path
from pipeline.serve import people, work
from pipeline.serve.api import State, check_topics, saved, state_of, task_of
from pipeline.serve.label_page import topics_in
from pipeline.serve.pages import place_of
from pipeline.serve.refusal import RefusedError

router = APIRouter(include_in_schema=False)
Kind = Literal["open", "disagreeing", "decided", "suspects"]
_AT_ONCE = 20
_LONGEST = 2000
_FAR = 100_000
_DONE = {"save": "Decided.", "drop": "Dropped.", "undo": "Taken back: it is open again."}


class ReviewForm(BaseModel):
    """A reviewer's decision; `accept` holds the topics of a label that is taken as it is, in JSON."""

    action: Literal["save", "drop", "undo"] = "save"
    annotator: str = ""
    task: str = ""
    accept: str = ""
    topic: list[str] = []
    none: bool = False
    comment: str = ""
    show: Kind = "open"
    page: int = Field(default=1, ge=1, le=_FAR)
    rank: int = Field(default=0, ge=0, le=2**53)


@dataclass(frozen=True)
class Choice:
    """A label that can be taken as it is, and who gives it."""

    topics: tuple[str, ...]
    people: str


@dataclass(frozen=True)
class Item:
    """A text to decide on.

    Parameters
    ----------
    task : Task
    choices : tuple of Choice
        The label of most people first.
    ticked : tuple of str
        The topics that are ticked when the page is opened.
    suspect : Suspect or None
        Why a row of the data is here.

    """

    task: Task
    choices: tuple[Choice, ...]
    ticked: tuple[str, ...]
    suspect: Suspect | None = None


@router.get("/review")
async def review(
    request: Request, show: Kind = "open", page: Annotated[int, fastapi.Query(ge=1, le=_FAR)] = 1, done: str = ""
) -> Response:
    """List what is to be decided, or has been, or the labels that the model contradicts, with explanations."""
    state = state_of(request)
    items, counts = await asyncio.to_thread(_items, state, show, page)
    shown: dict[str, Any] = {
        "annotator": people.remembered(request),
        "items": items,
        "counts": counts,
        "show": show,
        "page": page,
        "pages": max(1, -(-counts[show] // _AT_ONCE)),
        "done": _DONE.get(done, ""),
    }
    sent = "review.html", place_of(request)
    model = state.model.current
    if show == "suspects" and items:
        texts = [(item.task.text, item.suspect.topic) for item in items if item.suspect]
        task = task_of(state, model, DEFAULT_POINT)
        return HTMLResponse(await state.workers.run(work.show_explained, task, texts, *sent, shown))
    return HTMLResponse(await asyncio.to_thread(work.render, *sent, model.bundle.topics, predicted=[], **shown))


@router.post("/review")
async def decide(request: Request, form: Annotated[ReviewForm, fastapi.Form()]) -> Response:
    """Save a decision, or take it back, and show the list again."""
    state, name = state_of(request), people.required(form.annotator)
    if len(form.comment) > _LONGEST:
        raise RefusedError(422, f"comment: expected at most {_LONGEST} characters")
    if form.action == "undo":
        if not await saved(state, store.undo_decision, form.task):
            raise RefusedError(409, f"task {form.task!r:.40}: nobody has decided on it")
    else:
        task = await asyncio.to_thread(_asked, state, form)
        decision = Decision(name, _topics(state, form), store.now(), form.comment.strip())
        await saved(state, store.decide, task, decision)
    query = f"?show={form.show}&page={form.page}&done={form.action}"
    return people.remember(request, RedirectResponse(f"{place_of(request).root}/review{query}", 303), name)


def _topics(state: State, form: ReviewForm) -> tuple[str, ...] | None:
    if form.action == "drop":
        return None
    topics = topics_in(form.accept, "accept") if form.accept else tuple(form.topic)
    check_topics(state, topics)
    if not form.accept and bool(topics) == form.none:
        raise RefusedError(422, "topics: choose topics, or none of them")
    return topics


def _asked(state: State, form: ReviewForm) -> Task:
    """Return the task of a form, of the data's suspect labels where it has a rank."""
    if form.rank:
        for suspect in _suspects(state):
            if (suspect.rank, suspect.task.id) == (form.rank, form.task):
                return suspect.task
        raise RefusedError(409, f"suspect label {form.rank}: the list has changed; open it again")
    found = store.find(state.settings.annotations, form.task)
    if found is None:
        raise RefusedError(409, f"task {form.task!r:.40}: no such task in the file of annotations")
    return found


def _suspects(state: State) -> list[Suspect]:
    return read_suspects(bundle_path(state.settings.model).with_name(NAME))


def _items(state: State, show: Kind, page: int) -> tuple[list[Item], dict[str, int]]:
    annotations, first = state.settings.annotations, (page - 1) * _AT_ONCE
    suspects = _suspects(state)
    decided = store.decided(annotations, [suspect.task.id for suspect in suspects])
    waiting = [suspect for suspect in suspects if suspect.task.id not in decided]
    counts = {str(state): count for state, count in store.counts(annotations).items()} | {"suspects": len(waiting)}
    if show == "suspects":
        return [_of_suspect(suspect) for suspect in waiting[first : first + _AT_ONCE]], counts
    found = store.tasks(annotations, show, most=_AT_ONCE, after=first)
    return [_of_task(task) for task in found], counts


def _of_suspect(suspect: Suspect) -> Item:
    choices = (Choice(suspect.topics, "the data"), Choice(suspect.suggested, "the model"))
    return Item(suspect.task, choices, suspect.topics, suspect)


def _of_task(task: Task) -> Item:
    said = labels(task)
    found = [
        Choice(topics, ", ".join(person for person, label in said.items() if tuple(sorted(label)) == topics))
        for topics in distinct(task)
    ]
    decided = task.decision.topics if task.decision else None
    ticked = decided if decided is not None else found[0].topics if found else ()
    return Item(task, tuple(found), ticked)
