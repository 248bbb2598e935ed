"""Who may ask, and what a browser may do with the answer: token, host, origin, security headers."""

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serve.limits import refuse
from pipeline.serve.settings import Settings

_OPEN = ("/healthz", "/readyz")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Refuse with 400, 401 or 403 what is not for us; add a nonce to the request and headers to each answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap an application."""
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(12)
        scope.setdefault("state", {})["nonce"] = nonce
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_security(nonce)]
            await send(message)

        if not self._host_is_ours(headers):
            await refuse(sending, 400, "the Host header names another machine")
        elif scope["path"] not in _OPEN and not self._has_token(headers):
            ask = [(b"www-authenticate", b"Bearer"), (b"www-authenticate", b'Basic realm="topics"')]
            await refuse(sending, 401, "a token is needed: Authorization: Bearer ...", *ask)
        elif scope["method"] not in _SAFE and _from_elsewhere(headers):
            await refuse(sending, 403, "this request comes from a page of another site")
        else:
            await self.app(scope, receive, sending)

    def _host_is_ours(self, headers: Mapping[str, str]) -> bool:
        """On loopback, let no other name through: another site's page could have bound its name to us."""
        return not self.settings.loopback or _hostname(f"//{headers.get('host', '')}") in (
            *_LOCAL,
            self.settings.host,
        )

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        """Accept the token as bearer, or as the password of basic authentication, which browsers can ask for."""
        if self.settings.token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
            except ValueError:
                return False
        elif kind.lower() != "bearer":
            return False
        return secrets.compare_digest(given.strip().encode(), self.settings.token.encode())


def _from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Ask the browser's own word first: a form's Origin is `null` where no referrer is to be told."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _security(nonce: str) -> list[tuple[bytes, bytes]]:
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self';"
        " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
