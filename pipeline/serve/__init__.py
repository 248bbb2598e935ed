"""Serve the same answers over HTTP, and a page for people."""

import signal
import socket
import sys
from collections.abc import Callable

from pipeline.errors import OutputError
from pipeline.serve.settings import Settings

_GRACE_SECONDS = 30
_BACKLOG = 512


def run(settings: Settings, *, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, and finish what is in flight then.

    Raises BundleError where there is no model, and OutputError where the address cannot be listened on.
    """
    import uvicorn

    from pipeline.serve.app import create_app
    from pipeline.serve.patience import impatient

    app = create_app(settings, say=say)
    listening = _listen(settings)
    config = uvicorn.Config(
        app,
        http=impatient(settings.limits.seconds),
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        backlog=_BACKLOG,
    )
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    say(f"serving on http://{host}:{listening.getsockname()[1]}")
    if settings.token is None and not settings.loopback:
        say("anybody who can reach this address can use it: no token is set")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when all is done
    uvicorn.Server(config).run(sockets=[listening])


def _listen(settings: Settings) -> socket.socket:
    """Open the socket, naming TCP: asyncio sends small packets at once only where the protocol is named."""
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
        raise OutputError(f"{where}: cannot be listened on: {error.strerror or error}") from None
    return made
