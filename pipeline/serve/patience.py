"""HTTP for uvicorn that does not wait for ever: a client that dawdles over its headers is told so and left."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b'content-length: %d\r\n\r\n{"detail": "%s"}'
)
_DETAIL = b"the request's headers did not arrive in time"


def impatient(seconds: float) -> type[H11Protocol]:
    """Make the protocol that waits so long for a request's headers to be complete."""

    class Impatient(H11Protocol):
        """Start the clock with a connection and with the first bytes of each further request."""

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
            """Forget the client."""
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

    return Impatient
