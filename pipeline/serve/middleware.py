"""What stands between a client and the application: limits, access, counting, and a time-out for headers."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.serve.attempts import Attempts
from pipeline.serve.drift_metrics import DriftMetrics
from pipeline.serve.logs import log_request
from pipeline.serve.paths import PROBES, RECEIVING, counted_path, route_path
from pipeline.serve.refusal import RefusedError
from pipeline.serve.settings import Limits, Settings

_READ_ON = 50
_UNLIMITED = (*PROBES, "/static/")
_OPEN = ("/healthz", "/readyz")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b'content-length: %d\r\n\r\n{"detail": "%s"}'
)
_TOO_MANY = "too many wrong tokens; try again later"
_DETAIL = b"the request's headers did not arrive in time"


class Rooted:
    """Accept paths with the root path before them, and without it, as some proxies take it away.

    Parameters
    ----------
    app : ASGI application
    root : str
        Such as `/topics`; empty for none.

    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app, self.root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and self.root:
            path = scope["path"]
            if path != self.root and not path.startswith(f"{self.root}/"):
                path = self.root + path
            scope = {**scope, "path": path if path != self.root else f"{path}/", "root_path": self.root}
        await self.app(scope, receive, send)


class HeadAsGet:
    """Answer HEAD as GET; the server leaves out the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self.app(scope, receive, send)


class CloseAtEnd:
    """Tell clients that the connection ends, once the service is ending: they would else send more on it.

    Parameters
    ----------
    app : ASGI application
    ending : callable
        Whether the service is ending.

    """

    def __init__(self, app: ASGIApp, ending: Callable[[], bool]) -> None:
        self.app, self.ending = app, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and self.ending():
                others = [header for header in message["headers"] if header[0] != b"connection"]
                message["headers"] = [*others, (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, sending)


class LimitRequests:
    """Read each body before the application sees it; refuse with 400, 408, 413 or 429.

    Parameters
    ----------
    app : ASGI application
    limits : Limits

    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        counted = not route_path(scope).startswith(_UNLIMITED)
        self.running += counted
        try:
            if counted and self.running > self.limits.requests:
                raise RefusedError(429, f"{self.limits.requests} requests are being handled; try again soon")
            _check_coding(scope)
            body = await self._body(receive)
        except RefusedError as refused:
            await refuse(send, refused.status, refused.detail)
        else:
            await self.app(scope, _replay(body, receive), send)
        finally:
            self.running -= counted

    async def _body(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._read(receive)
        except TimeoutError:
            raise RefusedError(408, f"the request did not arrive within {self.limits.seconds:g} seconds") from None

    async def _read(self, receive: Receive) -> bytes:
        """Read a body; read on where it is too large, without keeping it: else no client would see the answer."""
        body, length, more = bytearray(), 0, True
        while more and length < _READ_ON * self.limits.body:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(400, "the connection was closed before the request was complete")
            piece, more = message.get("body", b""), message.get("more_body", False)
            length += len(piece)
            if length <= self.limits.body:
                body += piece
        if length > self.limits.body:
            raise RefusedError(413, f"exceeds the limit of {self.limits.body} bytes")
        return bytes(body)


def _check_coding(scope: Scope) -> None:
    for name, value in scope["headers"]:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise RefusedError(415, "content-encoding: expected a request that is not compressed")


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


async def refuse(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    """Send a status and one sentence, and close the connection where the body was not read."""
    content = json.dumps({"detail": detail}).encode()
    sent = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), *headers]
    if status in (408, 413, 415, 429):  # the rest of the body may still be on its way
        sent.append((b"connection", b"close"))
    if status == 429:  # noqa: PLR2004
        sent.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content})


class Guard:
    """Refuse with 400, 401 or 403 who has no access, and add security headers to each response.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    wrong_tokens : Counter

    """

    def __init__(self, app: ASGIApp, settings: Settings, wrong_tokens: Counter) -> None:
        self.app, self.settings, self.wrong_tokens = app, settings, wrong_tokens
        self.attempts = Attempts()
        allowed = (_hostname(f"//{name}") for name in settings.allowed_hosts)
        self._own_names = {*_LOCAL, settings.host, *allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(12)
        scope.setdefault("state", {})["nonce"] = nonce
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        opened = scope["method"] == "GET" and route_path(scope) == RECEIVING

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_security(nonce, opened=opened)]
            await send(message)

        if not self._is_own_host(headers):
            await refuse(sending, 400, "the Host header names another host")
        elif route_path(scope) not in _OPEN and not await self._has_token(scope, headers, sending):
            pass  # the answer is sent
        elif scope["method"] not in _SAFE and self._is_cross_site(headers):
            await refuse(sending, 403, "cross-site requests are refused")
        else:
            await self.app(scope, receive, sending)

    def _is_own_host(self, headers: Mapping[str, str]) -> bool:
        """Refuse other names, on loopback always: another site could have bound its own name to this address."""
        if not self.settings.loopback and not self.settings.allowed_hosts:
            return True
        return _hostname(f"//{headers.get('host', '')}") in self._own_names

    def _is_cross_site(self, headers: Mapping[str, str]) -> bool:
        """Trust `Sec-Fetch-Site` before `Origin`, which is `null` for a form without a referrer."""
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = headers.get("origin")
        own = (headers.get("host", ""), *self.settings.allowed_hosts)
        return origin is not None and origin.partition("://")[2].lower() not in own

    async def _has_token(self, scope: Scope, headers: Mapping[str, str], send: Send) -> bool:
        """Answer whoever lacks the token; a wrong one is answered late, and the right one always at once."""
        if self.settings.token is None:
            return True
        given, client = _given_token(headers), scope["client"][0] if scope["client"] else ""
        if given is not None and self.attempts.are_too_many(client):
            await refuse(send, 429, _TOO_MANY)
            return False
        if given is not None and secrets.compare_digest(given.encode(), self.settings.token.encode()):
            self.attempts.accept(client)
            return True
        if given is not None:
            self.wrong_tokens.inc()
            if not await self.attempts.delay(client):
                await refuse(send, 429, _TOO_MANY)
                return False
        ask = [(b"www-authenticate", b"Bearer"), (b"www-authenticate", b'Basic realm="topics"')]
        await refuse(send, 401, "this service needs a token: Authorization: Bearer ...", *ask)
        return False


def _given_token(headers: Mapping[str, str]) -> str | None:
    """Return a bearer token, or the password of basic authentication, which browsers ask for; None for neither."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2].strip()
    except ValueError:
        return ""


def _hostname(address: str) -> str | None:
    try:
        return (urlsplit(address).hostname or "").removesuffix(".")
    except ValueError:
        return None


def _security(nonce: str, *, opened: bool) -> list[tuple[bytes, bytes]]:
    """Return the security headers; a window that another site opened, and that alone, can be talked to by it."""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self';"
        " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"unsafe-none" if opened else b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


class Metrics:
    """The metrics of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("path", "status")
        self.requests = Counter("topics_requests", "Requests handled", labels, registry=self.registry)
        self.seconds = Histogram("topics_request_seconds", "Time to handle one", ("path",), registry=self.registry)
        self.running = Gauge("topics_requests_running", "Requests being handled", registry=self.registry)
        self.paragraphs = Counter("topics_paragraphs", "Paragraphs predicted", registry=self.registry)
        self.wrong_tokens = Counter("topics_wrong_tokens", "Wrong tokens sent", registry=self.registry)
        self.workers = Gauge("topics_workers", "Living processes that predict", registry=self.registry)
        self.corrections = Counter("topics_corrections", "Corrections saved", registry=self.registry)
        self.reloads = Gauge("topics_model_reloads", "Models reloaded since the start", registry=self.registry)
        self.model = Gauge("topics_model_info", "The model in use", ("run_id", "sha256"), registry=self.registry)

        self.drift = DriftMetrics(self.registry)

    def text(self, *, reloads: int, workers: int, run_id: str, sha256: str) -> bytes:
        """Return all metrics in Prometheus's text format."""
        self.reloads.set(reloads)
        self.workers.set(workers)
        self.model.clear()
        self.model.labels(run_id, sha256).set(1)
        return generate_latest(self.registry)


class CountRequests:
    """Count requests by path and status, and time them.

    Parameters
    ----------
    app : ASGI application
    metrics : Metrics

    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), ["500"]  # what fails before it has a status gets this one
        path = counted_path(route_path(scope))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = str(message["status"])
            await send(message)

        try:
            with self.metrics.running.track_inprogress():
                await self.app(scope, receive, sending)
        finally:
            self.metrics.requests.labels(path, status[0]).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - started)


def with_header_timeout(seconds: float) -> type[H11Protocol]:
    """Return uvicorn's HTTP protocol with a time-out for a request's headers, which uvicorn itself does not have.

    Parameters
    ----------
    seconds : float
        From the connection, or from the first bytes of a further request, to the end of the headers.

    Returns
    -------
    subclass of H11Protocol
        It sends status 408 and closes the connection.

    """

    class HeaderTimeout(H11Protocol):
        """Start the clock with a connection, and with the first bytes of each further request."""

        waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            """Expect a first request."""
            super().connection_made(transport)
            self._expect()

        def data_received(self, data: bytes) -> None:
            """Stop the clock once headers are complete."""
            if self._idle() and self.waiting is None:
                self._expect()
            super().data_received(data)
            if not self._idle():
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            """Stop the clock."""
            self._stop()
            super().connection_lost(exc)

        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _expect(self) -> None:
            self.waiting = self.loop.call_later(seconds, self._leave)

        def _stop(self) -> None:
            if self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

        def _leave(self) -> None:
            if self._idle() and not self.transport.is_closing():
                self.transport.write(_LATE % (len(_DETAIL) + 14, _DETAIL))
                self.transport.close()
                if self.conn.trailing_data[0]:  # browsers open connections for requests that never come
                    self._log(408, len(_DETAIL) + 14, seconds)

        def send_400_response(self, msg: str) -> None:
            """Refuse what is not HTTP; the application, which logs its requests, does not see it."""
            super().send_400_response(msg)
            self._log(400, len(msg), 0.0)

        def _log(self, status: int, size: int, took: float) -> None:
            client = self.client[0] if self.client else "-"
            log_request(client, "-", "-", status=status, size=size, seconds=took)

    return HeaderTimeout
