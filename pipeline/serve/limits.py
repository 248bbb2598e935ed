"""Keep clients within limits: how large a body is, how long it takes to arrive, how many ask at once."""

import asyncio
import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serve.settings import Limits

_READ_ON = 50
_FREE = ("/healthz", "/readyz", "/metrics", "/static/")


class RefusedError(Exception):
    """A request that is not to be answered: a status and one sentence."""

    def __init__(self, status: int, detail: str) -> None:
        """Keep both."""
        super().__init__(detail)
        self.status, self.detail = status, detail


class LimitRequests:
    """Read each body before the application sees it; refuse with 400, 408, 413 or 429."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Wrap an application."""
        self.app, self.limits = app, limits
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it in one line."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        counted = not scope["path"].startswith(_FREE)
        self.running += counted
        try:
            if counted and self.running > self.limits.requests:
                raise RefusedError(429, f"{self.limits.requests} requests are being answered; try again soon")
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
                raise RefusedError(400, "the connection ended before the request did")
            piece, more = message.get("body", b""), message.get("more_body", False)
            length += len(piece)
            if length <= self.limits.body:
                body += piece
        if length > self.limits.body:
            raise RefusedError(413, f"more than {self.limits.body} bytes; send less")
        return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


async def refuse(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a status and one sentence, and have the connection closed where the body was not read."""
    content = json.dumps({"detail": detail}).encode()
    sent = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), *headers]
    if status in (408, 413, 429):  # the rest of the body may still be on its way
        sent.append((b"connection", b"close"))
    if status == 429:  # noqa: PLR2004
        sent.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": sent})
    await send({"type": "http.response.body", "body": content})
