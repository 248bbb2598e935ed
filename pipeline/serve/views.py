"""Saved views: selections with a name, each with a page, a feed, an address for programs, and forms."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote

import fastapi
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pipeline.archive import queries
from pipeline.archive.digest.atom import as_atom
from pipeline.archive.digest.read import read_digest
from pipeline.archive.digest.rows import link
from pipeline.archive.queries import Story
from pipeline.archive.selection import Selection, View
from pipeline.archive.views import add_view, list_views, remove_view, update_view
from pipeline.errors import ArchiveError
from pipeline.serve import people
from pipeline.serve.api import RESPONSES
from pipeline.serve.filters import Filters, filters_of, selection_of
from pipeline.serve.library import Reader, opened, page, reading, without_archive
from pipeline.serve.reading import check_topics, stories_of
from pipeline.serve.refusal import RefusedError
from pipeline.serve.schemas import ErrorResponse, ViewResponse

FEED_DAYS, FEED_STORIES = 14, 100
MOST_LISTED, LAST_OFFSET = 100, 10_000_000
router = APIRouter(include_in_schema=False)
api_router = APIRouter(
    responses={
        **{status: answer for status, answer in RESPONSES.items() if status in (400, 401, 422, 429, 503)},
        404: {"model": ErrorResponse, "description": "No such view, or no archive"},
    }
)
Asked = Annotated[Filters, Depends(filters_of)]
Field = Annotated[str, fastapi.Form()]
Fields = Annotated[Sequence[str], fastapi.Form()]


def selection_sent(
    *,
    since: Field = "",
    until: Field = "",
    topic: Fields = (),
    outlet: Fields = (),
    words: Field = "",
    threshold: Field = "",
) -> Selection:
    """Read the selection that a form sends."""
    return selection_of(since=since, until=until, topics=topic, outlets=outlet, words=words, threshold=threshold)


Sent = Annotated[Selection, Depends(selection_sent)]


@router.get("/views")
def listed(request: Request, asked: Asked) -> Response:
    """List the saved views, and offer to save another."""
    with reading(request) as reader:
        if reader is None:
            return without_archive(request)
        return page(
            request,
            "views.html",
            reader.topics,
            views=list_views(reader.database),
            chosen=asked.selection,
            outlets=reader.outlets,
        )


@router.post("/views")
def added(request: Request, sent: Sent, name: Field = "") -> Response:
    """Save a view."""
    with opened(request) as database:
        try:
            view = add_view(database, name, sent)
        except ArchiveError as error:
            raise RefusedError(422, str(error)) from None
    return _to(request, f"/view/{quote(view.slug)}")


@api_router.get("/view/{slug}.json", response_model=ViewResponse)
def as_json(
    request: Request,
    slug: Annotated[str, fastapi.Path(description="As the view's page is called.", examples=["mines"])],
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="Stories at most.")] = 20,
    offset: Annotated[int, Query(ge=0, le=LAST_OFFSET, description="Stories to leave out before.")] = 0,
) -> Response:
    """List the stories of a saved view, each once, with its articles and the paragraphs that match."""
    with reading(request) as found_reader:
        reader = _sure(found_reader)
        view = _view_of(list_views(reader.database), slug)
        known = _known(reader, view)
        found = queries.story_page(reader.database, known.selection, limit=limit, offset=offset)
        base = _base(request)
        rows = [_story_row(story, base) for story in found.stories]
    chosen = view.selection
    about = {
        "name": view.name,
        "slug": view.slug,
        "page": f"{base}/view/{quote(view.slug)}",
        "words": chosen.words,
    }
    selected = {"topics": chosen.topics, "outlets": chosen.outlets, "since": chosen.since, "until": chosen.until}
    return JSONResponse(
        {"view": {**about, **selected, "threshold": chosen.threshold}, "total": found.total, "stories": rows}
    )


@router.get("/view/{slug}/atom")
def as_feed(request: Request, slug: str) -> Response:
    """Return the stories of a saved view that were collected of late, as an Atom feed."""
    with reading(request) as found_reader:
        reader = _sure(found_reader)
        view = _view_of(list_views(reader.database), slug)
        known = _known(reader, view)
        check_topics(reader, known.selection)
        newest = datetime.fromisoformat(queries.newest_collection(reader.database) or "")
        digest = read_digest(
            reader.database,
            known.selection,
            title=view.name,
            period=f"The last {FEED_DAYS} days",
            made=newest,
            key=f"view {view.slug}",
            collected_since=(newest - timedelta(days=FEED_DAYS)).isoformat(),
            most=FEED_STORIES,
        )
    content = as_atom(digest, address=f"{_base(request)}/view/{quote(view.slug)}/atom")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag})
    return Response(content, media_type="application/atom+xml; charset=utf-8", headers={"etag": tag})


@router.get("/view/{slug}")
def shown(request: Request, slug: str, asked: Asked) -> Response:
    """Show the stories of a saved view, and forms to change and to delete it."""
    with reading(request) as reader:
        if reader is None:
            return without_archive(request)
        view = _view_of(list_views(reader.database), slug)
        known = _known(reader, view)
        asked = Filters(known.selection, days_named=True, page=asked.page)
        return page(
            request,
            "stories.html",
            reader.topics,
            under="/views",
            heading=view.name,
            path="/search",
            asked=asked,
            chosen=view.selection,
            outlets=_with_own(reader, view),
            ranges={},
            here=asked.query(),
            shown=stories_of(request, reader, asked),
            annotator=people.remembered(request),
            view=view,
            lost=[topic for topic in view.selection.topics if topic not in known.selection.topics],
        )


@router.post("/view/{slug}")
def changed(request: Request, slug: str, sent: Sent, name: Field = "") -> Response:
    """Change a saved view; its address stays."""
    with opened(request) as database:
        view = _view_of(list_views(database), slug)
        try:
            update_view(database, view.slug, name=name, selection=sent)
        except ArchiveError as error:
            raise RefusedError(422, str(error)) from None
    return _to(request, f"/view/{quote(view.slug)}")


@router.post("/view/{slug}/delete")
def deleted(request: Request, slug: str) -> Response:
    """Delete a saved view."""
    with opened(request) as database:
        remove_view(database, _view_of(list_views(database), slug).slug)
    return _to(request, "/views")


def _sure(reader: Reader | None) -> Reader:
    if reader is None:
        raise RefusedError(404, "no archive yet: `topics collect` makes one")
    return reader


def _view_of(views: Sequence[View], slug: str) -> View:
    for view in views:
        if view.slug == slug:
            return view
    raise RefusedError(404, f"no view {slug!r:.80}; there are: {', '.join(view.slug for view in views) or 'none'}")


def _known(reader: Reader, view: View) -> View:
    """Leave out topics that the archive's model no longer has; of one with no others, nothing is found."""
    chosen = view.selection.topics
    known = tuple(topic for topic in chosen if topic in reader.model.thresholds)
    return replace(view, selection=replace(view.selection, topics=known or chosen))


def _with_own(reader: Reader, view: View) -> list[str]:
    return [*reader.outlets, *(outlet for outlet in view.selection.outlets if outlet not in reader.outlets)]


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def _to(request: Request, path: str) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", status_code=303)


def _story_row(story: Story, base: str) -> dict[str, object]:
    return {
        "id": story.id,
        "title": story.title,
        "about": story.about,
        "mentioned": story.mentioned,
        "articles": [
            {
                "id": article.id,
                "title": article.title,
                "outlet": article.outlet,
                "day": article.day,
                "address": link(article),
                "language": article.language,
                "page": f"{base}/article/{article.id}",
            }
            for article in story.articles
        ],
        "quotations": [
            {
                "paragraph": quoted.number,
                "text": quoted.text,
                "scores": quoted.scores,
                "before": quoted.before,
                "after": quoted.after,
                "page": f"{base}/article/{quoted.article}#p{quoted.number + 1}",
            }
            for quoted in story.quotations
        ],
    }
