"""The application: routes, shared state, limits and guards put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import as_file, files

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from pipeline.errors import TopicsError
from pipeline.serve import api, pages
from pipeline.serve.answers import Labeller
from pipeline.serve.champion import Champion
from pipeline.serve.guard import Guard
from pipeline.serve.limits import LimitRequests, RefusedError
from pipeline.serve.metrics import CountRequests, Metrics
from pipeline.serve.settings import Settings
from pipeline.serve.state import State

_WATCH_SECONDS = 0.5


def create_app(settings: Settings, *, say: Callable[[str], None]) -> FastAPI:
    """Make the application with its model loaded; raise BundleError where there is none."""
    state = State(settings, Champion(settings.model, say), Labeller(settings.limits), Metrics())

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(state.champion.watch(_WATCH_SECONDS))
        yield
        watching.cancel()
        state.labeller.threads.shutdown()

    app = FastAPI(
        title="Topics by paragraph",
        description="Which of your topics does each paragraph of the news address?",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
    )
    app.state.shared = state
    app.include_router(api.router)
    app.include_router(pages.router)
    with as_file(files("pipeline") / "static") as static:
        app.mount("/static", StaticFiles(directory=static), name="static")
    app.add_middleware(LimitRequests, limits=settings.limits)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(CountRequests, metrics=state.metrics)
    for kind in (RefusedError, HTTPException, RequestValidationError, TopicsError):
        app.add_exception_handler(kind, _told)
    return app


async def _told(request: Request, error: Exception) -> Response:
    """Answer an expected error in one sentence, to a browser on a page."""
    status, detail = _status(error)
    headers = dict(getattr(error, "headers", None) or {}) | _allowed(request, status)
    if "text/html" in request.headers.get("accept", ""):
        return pages.problem(request, status, detail, headers)
    return JSONResponse({"detail": detail}, status, headers)


def _status(error: Exception) -> tuple[int, str]:
    """Choose status and sentence; nothing that a client sent is sent back unshortened."""
    if isinstance(error, RefusedError):
        return error.status, _plain(error.detail)
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail)
    if isinstance(error, RequestValidationError):
        problems = [f"{_place(found['loc'])}: {found['msg']}" for found in error.errors()]
        return 422, _plain("; ".join(dict.fromkeys(problems)))
    return 503, _plain(str(error))


def _allowed(request: Request, status: int) -> dict[str, str]:
    """List all methods of a path: the router knows only those of the first route that fits."""
    described = request.app.openapi()["paths"].get(request.url.path)
    return {"allow": ", ".join(map(str.upper, described))} if status == 405 and described else {}  # noqa: PLR2004


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or "body"


def _plain(text: str) -> str:
    """Replace what is no character, such as half a surrogate pair, and keep the start."""
    return text.encode("utf-8", "replace").decode()[:1000]
