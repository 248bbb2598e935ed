"""The application, put together of its routes and middleware, and the server that runs it."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from importlib.resources import as_file, files
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from pipeline.errors import OutputError, TopicsError
from pipeline.labelling import store
from pipeline.serve import api, label_page, logs, pages, reading, review_page, views, work
from pipeline.serve.logs import LOG, AccessLog
from pipeline.serve.middleware import (
    CloseAtEnd,
    CountRequests,
    Guard,
    HeadAsGet,
    LimitRequests,
    Metrics,
    Rooted,
    with_header_timeout,
)
from pipeline.serve.paths import route_path
from pipeline.serve.refusal import RefusedError
from pipeline.serve.relabelling import relabelling
from pipeline.serve.reloading import ReloadingModel
from pipeline.serve.settings import Settings
from pipeline.serve.workers import Workers

_GRACE_SECONDS = 30
_BACKLOG = 512
_WATCH_SECONDS = 0.5


def run(settings: Settings, *, look_up: Callable[[], Path] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, and finish the requests in flight then.

    Parameters
    ----------
    settings : Settings
    look_up : callable, optional
        Returns the bundle to use now, again and again; it may wait for a server.

    Raises
    ------
    BundleError
        Where there is no model.
    OutputError
        Where the address cannot be listened on, or annotations cannot be saved.

    """
    app = create_app(settings, look_up=look_up)
    store.check(settings.annotations)
    app.add_middleware(CloseAtEnd, ending=lambda: server.should_exit)
    listening = _listen(settings)
    logs.set_up(settings.log)
    _take_over(settings.annotations)
    config = uvicorn.Config(
        app,
        http=with_header_timeout(settings.limits.seconds),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        backlog=_BACKLOG,
    )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    LOG.info(f"serving on http://{host}:{listening.getsockname()[1]}{settings.root_path}")
    if settings.token is None and not settings.loopback:
        LOG.warning("no token is set; anyone who can reach this address can use the service")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when all is done
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # uvicorn does not know this one
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    server: uvicorn.Server = uvicorn.Server(config)
    server.run(sockets=[listening])


def _take_over(annotations: Path) -> None:
    """Take over what an earlier version kept beside them, and say so."""
    if count := store.take_over(annotations):
        LOG.info(f"{annotations}: {count} corrections of an earlier version taken over")


def _listen(settings: Settings) -> socket.socket:
    """Open the socket, naming TCP: only then does asyncio send small packets at once."""
    made = None
    try:
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        if made:
            made.close()
        where = f"{settings.host}:{settings.port}"
        raise OutputError(f"{where}: cannot listen: {error.strerror or error}") from None
    return made


def create_app(settings: Settings, *, look_up: Callable[[], Path] | None = None) -> FastAPI:
    """Build the application with its model loaded.

    Parameters
    ----------
    settings : Settings
    look_up : callable, optional
        Returns the bundle to use now.

    Returns
    -------
    FastAPI

    Raises
    ------
    BundleError
        Where there is no model.

    """
    model = ReloadingModel(settings.model)
    workers = Workers(settings.workers, settings.limits.seconds, lambda: (work.start, model.current.path))
    state = api.State(settings, model, workers, Metrics())

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await workers.start()
        beside = [asyncio.create_task(task(_WATCH_SECONDS)) for task in (model.watch, workers.watch)]
        with (
            model.following(look_up, settings.refresh) if look_up else nullcontext(),
            relabelling(settings.archive, lambda: model.current, _WATCH_SECONDS)
            if settings.archive
            else nullcontext(),
        ):
            yield
        for task in beside:
            task.cancel()
        await workers.close()

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
    app.include_router(views.api_router)
    for pages_of in (pages, reading, views, label_page, review_page):
        app.include_router(pages_of.router)
    with as_file(files("pipeline") / "static") as static:
        app.mount("/static", StaticFiles(directory=static), name="static")
    app.add_middleware(LimitRequests, limits=settings.limits)
    app.add_middleware(Guard, settings=settings, wrong_tokens=state.metrics.wrong_tokens)
    app.add_middleware(CountRequests, metrics=state.metrics)
    app.add_middleware(HeadAsGet)
    app.add_middleware(AccessLog, probes=settings.log_probes)
    app.add_middleware(Rooted, root=settings.root_path)
    for kind in (RefusedError, HTTPException, RequestValidationError, TopicsError):
        app.add_exception_handler(kind, _refused)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """Respond to an expected error with one sentence, in a browser on a page."""
    status, detail = _status(error)
    headers = dict(getattr(error, "headers", None) or {}) | _allowed(request, status)
    if "text/html" in request.headers.get("accept", ""):
        return pages.problem(request, status, detail, headers)
    return JSONResponse({"detail": detail}, status, headers)


def _status(error: Exception) -> tuple[int, str]:
    """Choose status and sentence; whatever of the request is repeated is shortened."""
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
    described = request.app.openapi()["paths"].get(route_path(request.scope))
    return {"allow": ", ".join(map(str.upper, described))} if status == 405 and described else {}  # noqa: PLR2004


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or "body"


def _plain(text: str) -> str:
    """Replace what is no character, such as half a surrogate pair, and cut the rest off."""
    return text.encode("utf-8", "replace").decode()[:1000]
