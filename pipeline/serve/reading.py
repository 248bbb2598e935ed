"""The pages to read the day: what matters today, search, topics over time, and an article."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from pipeline.archive import queries
from pipeline.archive.digest.rows import words_of_period
from pipeline.archive.queries import ArchivedArticle, ShownModel
from pipeline.archive.selection import Selection
from pipeline.evaluation.quantification import TopicReference
from pipeline.labelling import store
from pipeline.predict.article import DEFAULT_POINT
from pipeline.serve import people, work
from pipeline.serve import timeline as timelines
from pipeline.serve.api import state_of, task_of
from pipeline.serve.filters import Filters, days_before, filters_of
from pipeline.serve.library import Reader, page, reading, without_archive
from pipeline.serve.paths import route_path
from pipeline.serve.refusal import RefusedError
from pipeline.serve.stories import Given, grouped, task_ids
from pipeline.serve.work import Place

PAGE = 20  # stories
TIMELINE_DAYS = 30
LISTED_OUTLETS = 50
_LARGEST_ID = 2**63 - 1
_LAST_DAYS = {"Newest day": 1, "2 days": 2, "7 days": 7, "30 days": 30}
Asked = Annotated[Filters, Depends(filters_of)]
router = APIRouter(include_in_schema=False)


@router.get("/today")
def today(request: Request, asked: Asked) -> Response:
    """Show the stories of the newest day, or of the days that are asked for."""
    with reading(request) as reader:
        if reader is None:
            return without_archive(request)
        if not asked.days_named:
            day = replace(asked.selection, since=reader.newest, until=reader.newest)
            asked = replace(asked, selection=day)
        is_newest = asked.selection.since == asked.selection.until == reader.newest
        return _stories_page(request, reader, asked, heading="Today" if is_newest else "Stories", path="/today")


@router.get("/search")
def search(request: Request, asked: Asked) -> Response:
    """Show the stories of all days whose paragraphs have the words that are asked for."""
    with reading(request) as reader:
        if reader is None:
            return without_archive(request)
        if not asked.selection.words and not asked.selection.topics:
            return _searched(request, reader, asked, None)
        return _stories_page(request, reader, asked, heading="Search", path="/search")


@router.get("/timeline")
def timeline(request: Request, asked: Asked) -> Response:
    """Show how many paragraphs have each topic by day and outlet, and which topics rise."""
    with reading(request) as reader:
        if reader is None:
            return without_archive(request)
        check_topics(reader, asked.selection)
        return _timeline_page(request, reader, asked)


@router.get("/article/{number}")
async def article(request: Request, number: str) -> Response:
    """Show an article with its paragraphs' topics, as a report does."""
    found = await asyncio.to_thread(_read_article, request, number)
    if found is None:
        return await asyncio.to_thread(without_archive, request)
    kept, shown = found
    state = state_of(request)
    model = state.model.current
    task = task_of(state, model, DEFAULT_POINT) if shown.sha256 == model.sha256 else None
    known = {topic.id for topic in model.bundle.topics}
    facts = {
        "interactive": all(topic.id in known for topic in shown.topics),
        "model": shown.run_id or shown.sha256[:12],
        "explained": task is not None,
        "annotator": people.remembered(request),
    }
    place = Place(route_path(request.scope), request.scope.get("root_path", ""), request.state.nonce)
    sent = task, kept, shown, place, state.settings.annotations, facts
    return HTMLResponse(await state.workers.run(work.show_archived, *sent))


def stories_of(request: Request, reader: Reader, asked: Filters) -> dict[str, Any]:
    """Return what the templates of stories are filled with.

    Parameters
    ----------
    request : Request
    reader : Reader
    asked : Filters

    Returns
    -------
    dict

    """
    found = queries.story_page(reader.database, asked.selection, limit=PAGE, offset=(asked.page - 1) * PAGE)
    first = [story.articles[0].id for story in found.stories]
    digests = queries.text_digests(reader.database, first)
    labels = store.labels(state_of(request).settings.annotations, task_ids(found.stories))
    given = Given(reader.model.thresholds, labels)
    return {
        "groups": grouped(found.stories, asked.selection.topics, digests, given),
        "total": found.total,
        "counts": {count.topic: count for count in found.topics},
        "pages": max(1, -(-found.total // PAGE)),
        "period": words_of_period(asked.selection.since, asked.selection.until),
    }


def check_topics(reader: Reader, selection: Selection) -> None:
    """Refuse topics that the archive does not have."""
    known = reader.model.thresholds
    for topic in selection.topics:
        if topic not in known:
            raise RefusedError(
                422, f"topic: the archive has no topic {topic!r:.80}, expected some of {', '.join(known)}"
            )


def _stories_page(request: Request, reader: Reader, asked: Filters, *, heading: str, path: str) -> Response:
    check_topics(reader, asked.selection)
    return _searched(request, reader, asked, stories_of(request, reader, asked), heading=heading, path=path)


def _searched(
    request: Request,
    reader: Reader,
    asked: Filters,
    shown: dict[str, Any] | None,
    *,
    heading: str = "Search",
    path: str = "/search",
) -> Response:
    ranges = {name: asked.last_days(reader.newest, days) for name, days in _LAST_DAYS.items()}
    ranges["All"] = asked.query(since=None, until=None)
    return page(
        request,
        "stories.html",
        reader.topics,
        heading=heading,
        path=path,
        asked=asked,
        chosen=asked.selection,
        outlets=reader.outlets,
        ranges=ranges,
        here=asked.query(),
        shown=shown,
        view=None,
        annotator=people.remembered(request),
    )


def _timeline_page(request: Request, reader: Reader, asked: Filters) -> Response:
    until = min(asked.selection.until or reader.newest, reader.newest)
    since = asked.selection.since
    if since is None and not asked.days_named:
        since = days_before(until, TIMELINE_DAYS - 1)
    since = max(since or "", (queries.days(reader.database) or (until, until))[0])
    since = min(since, until)
    chosen = replace(asked.selection, since=since, until=until)
    before, recent, _ = timelines.rise_days(until)
    topics = [topic for topic in reader.topics if not chosen.topics or topic.id in chosen.topics]
    counts = queries.day_counts(reader.database, chosen)
    begun = queries.story_counts(reader.database, Selection(before, until, outlets=chosen.outlets))
    errors = _errors(request, reader) if not chosen.words and chosen.threshold is None else {}
    by_outlet = timelines.outlet_rows(queries.outlet_counts(reader.database, chosen), topics)
    ranges = {name: asked.last_days(reader.newest, days) for name, days in (("30 days", 30), ("90 days", 90))}
    ranges["All"] = asked.query(since=None, until=None)
    return page(
        request,
        "timeline.html",
        reader.topics,
        asked=replace(asked, selection=chosen),
        chosen=chosen,
        charts=timelines.charts(counts, begun, topics, since=since, until=until, errors=errors),
        shown_topics=topics,
        per_bar=timelines.days_per_bar(since, until),
        by_outlet=by_outlet[:LISTED_OUTLETS],
        left_out=len(by_outlet) - LISTED_OUTLETS,
        outlets=reader.outlets,
        ranges=ranges,
        period=words_of_period(since, until),
        recent=words_of_period(recent, until),
        before=words_of_period(before, days_before(recent, 1)),
        path="/timeline",
    )


def _errors(request: Request, reader: Reader) -> Mapping[str, TopicReference]:
    """Return what the archive's model misses and assigns by mistake; empty where it is not the one in use."""
    model = state_of(request).model.current
    if model.reference is None or model.sha256 != reader.model.sha256:
        return {}
    return model.reference.errors.get(DEFAULT_POINT, {})


def _read_article(request: Request, number: str) -> tuple[ArchivedArticle, ShownModel] | None:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", number) or int(number) > _LARGEST_ID:
        raise RefusedError(404, f"article: {number!r:.80} is no number of an article")
    with reading(request) as reader:
        if reader is None:
            return None
        kept = queries.article(reader.database, int(number))
        if kept is None:
            raise RefusedError(
                404, f"article {number} is not in the archive; it may have been removed for its age"
            )
        return kept, reader.model
