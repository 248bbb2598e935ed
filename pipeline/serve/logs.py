"""The service's log on standard error: a line for each request and for whatever operators should know."""

import json
import logging
import re
import sys
import time
from datetime import UTC, datetime
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serve.paths import PROBES, route_path
from pipeline.text.display import one_line, printable

Kind = Literal["plain", "json", "off"]
LOG = logging.getLogger("pipeline.serve")
_REQUESTS = logging.getLogger("pipeline.serve.requests")
_PREFIXES = {logging.WARNING: "warning: ", logging.ERROR: "error: ", logging.CRITICAL: "error: "}
_LONGEST = 1000
_FAILED = 400
_PASSWORD = re.compile(r"//[^/@]*@")


def set_up(kind: Kind) -> None:
    """Send all that this process logs, its libraries and Python's warnings too, to standard error in one format.

    Parameters
    ----------
    kind : {"plain", "json", "off"}
        With "off", requests are not logged, and the rest is plain.

    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if kind == "json" else _Plain())
    handler.addFilter(_is_no_echo)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    LOG.setLevel(logging.INFO)
    _REQUESTS.disabled = kind == "off"


def log_request(client: str, method: str, path: str, *, status: int, size: int, seconds: float) -> None:
    """Log a request, in one line.

    Parameters
    ----------
    client : str
        An address.
    method, path : str
        `-` where they did not arrive; the path without its query, which may hold secrets.
    status : int
    size : int
        Bytes of the response's body.
    seconds : float

    """
    request = {
        "client": client,
        "method": method[:_LONGEST],
        "path": path[:_LONGEST],
        "status": status,
        "bytes": size,
        "milliseconds": round(seconds * 1000, 1),
    }
    _REQUESTS.info("request", extra={"request": request})


class Fault:
    """Something wrong that may last: it is logged once when it begins, and once when it ends.

    Parameters
    ----------
    ended : str
        The line for the end.

    """

    def __init__(self, ended: str) -> None:
        self._ended, self._lasts = ended, False

    def begin(self, problem: str) -> None:
        """Log what is wrong, unless it was wrong before."""
        if not self._lasts:
            LOG.error(problem)
        self._lasts = True

    def end(self) -> None:
        """Log that it is over, if it was wrong before."""
        if self._lasts:
            LOG.info(self._ended)
        self._lasts = False


class AccessLog:
    """Log each request when its response is complete.

    Parameters
    ----------
    app : ASGI application
    probes : bool
        Whether probes of health, readiness and metrics are logged as well if they succeed.

    """

    def __init__(self, app: ASGIApp, *, probes: bool) -> None:
        self.app, self.probes = app, probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), 500, 0  # what fails before it has a status gets this one

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif scope["method"] != "HEAD":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            if self.probes or status >= _FAILED or route_path(scope) not in PROBES:
                client = scope["client"][0] if scope["client"] else "-"
                seconds = time.perf_counter() - started
                log_request(client, scope["method"], _sent_path(scope), status=status, size=size, seconds=seconds)


def _sent_path(scope: Scope) -> str:
    """Return the path as it was sent: in its escapes, no space can look like the end of a field."""
    path = scope["raw_path"].decode("latin-1")
    return path if path.startswith("/") else _PASSWORD.sub("//", path)


class _Plain(logging.Formatter):
    """A line of fields between spaces; a traceback follows in lines that nobody can take for others."""

    def format(self, record: logging.LogRecord) -> str:
        request: dict[str, Any] | None = getattr(record, "request", None)
        if request is not None:
            fields = "{client} {method} {path} {status} {milliseconds:.1f} ms {bytes} bytes".format_map(request)
            return one_line(f"{_time(record)} {fields}")
        line = one_line(f"{_time(record)} {_PREFIXES.get(record.levelno, '')}{record.getMessage().strip()}")
        return line + "".join(f"\n  | {part}" for part in printable(_traceback(self, record)).splitlines())


class _Json(logging.Formatter):
    """An object in ASCII, so that nothing in it ends the line or moves the cursor."""

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, object] = {"time": _time(record), "level": record.levelname.lower()}
        row |= getattr(record, "request", None) or {"message": record.getMessage().strip()}
        traceback = _traceback(self, record)
        return json.dumps(row | ({"traceback": traceback} if traceback else {}))


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


def _is_no_echo(record: logging.LogRecord) -> bool:
    """Drop uvicorn's line on a request that is not HTTP: the request's own line names the client, too."""
    return not (record.name == "uvicorn.error" and record.msg == "Invalid HTTP request received.")
