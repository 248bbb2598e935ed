"""Fetch one address, carefully: only the web, only public networks, within limits of size, time and redirects."""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from urllib.parse import SplitResult, urljoin, urlsplit

from pipeline.errors import SourceError

MAX_REDIRECTS = 5
MAX_SECONDS = 20.0
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    "User-Agent": "paragraph-topics",
    "Accept": "text/html, application/*, text/*",
    "Accept-Encoding": "identity",
}


def fetch(url: str, *, max_bytes: int, allow_private: bool = False, seconds: float = MAX_SECONDS) -> bytes:
    """Fetch the content of an http or https address.

    The address that was checked is the one connected to, so a name cannot change its address in between. Proxy
    settings are not used.

    Parameters
    ----------
    url : str
    max_bytes : int
    allow_private : bool, default False
        Connect to addresses that are not public, too.
    seconds : float, default 20
        For one request.

    Returns
    -------
    bytes

    Raises
    ------
    SourceError
        For other schemes, an address that is not public, on the first request or after a redirect, more than
        MAX_REDIRECTS redirects, more than `max_bytes` or `seconds`, and any status but 200.

    """
    here = url
    for _ in range(MAX_REDIRECTS + 1):
        content, further = _request(here, url, max_bytes, seconds, allow_private=allow_private)
        if further is None:
            return content
        here = urljoin(here, further)
    raise SourceError(f"{url}: more than {MAX_REDIRECTS} redirects")


def _request(
    here: str, url: str, max_bytes: int, seconds: float, *, allow_private: bool
) -> tuple[bytes, str | None]:
    parts = _parts(here, url)
    connection = _Http(parts, _address(parts, url, allow_private=allow_private), seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _one_line(url), _cut_after(connection, seconds):
        connection.request("GET", target, headers=_HEADERS)
        answer = connection.getresponse()
        if answer.status in _REDIRECTS and answer.getheader("Location"):
            return b"", answer.getheader("Location")
        if answer.status != http.client.OK:
            raise SourceError(f"{url}: answered {answer.status} {answer.reason}")
        if answer.getheader("Content-Encoding", "identity") != "identity":
            raise SourceError(f"{url}: the server sent compressed content unasked")
        content = answer.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise SourceError(f"{url}: exceeds the {max_bytes // 1_000_000} MB limit")
    return content, None


def _parts(here: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(here)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        here.encode("ascii")
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in here):
        raise SourceError(f"{url}: not an http or https address: {here}")
    return parts


def _address(parts: SplitResult, url: str, *, allow_private: bool) -> str:
    """Resolve the host; every address that it has must be public."""
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SourceError(f"{url}: {parts.hostname} cannot be resolved: {error.strerror or error}") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private:
        private = [address for address in addresses if not _is_public(address)]
        if private:
            raise SourceError(f"{url}: {private[0]} is not a public address; use --allow-private to read it")
    return addresses[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (inner is None or inner.is_global)


class _Http(http.client.HTTPConnection):
    """A connection to an address that was checked, kept at hand to be cut."""

    def __init__(self, parts: SplitResult, address: str, seconds: float) -> None:
        super().__init__(str(parts.hostname), parts.port, timeout=seconds)
        self.secure, self.address = parts.scheme == "https", address
        if self.secure:
            self.default_port = http.client.HTTPS_PORT
            self.port = parts.port or self.default_port
        self.open_socket: socket.socket | None = None
        self.late = False

    def connect(self) -> None:
        """Connect to the checked address; TLS still proves the name."""
        self.open_socket = self.sock = socket.create_connection((self.address, self.port), self.timeout)
        if self.secure:
            context = ssl.create_default_context()
            wrapped = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.open_socket = self.sock = wrapped
            wrapped.do_handshake()

    def cut(self) -> None:
        """End whatever is waiting for this connection, because it is late."""
        self.late = True
        if self.open_socket:
            with suppress(OSError):
                self.open_socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _cut_after(connection: _Http, seconds: float) -> Iterator[None]:
    """Cut the connection when time is up, so that a trickling server cannot hold us, and raise TimeoutError."""
    timer = Timer(seconds, connection.cut)
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if connection.late:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        connection.close()
    if connection.late:
        raise TimeoutError


@contextmanager
def _one_line(url: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise SourceError(f"{url}: timed out") from None
    except ssl.SSLError as error:
        raise SourceError(f"{url}: no secure connection: {error.reason or error}") from None
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{url}: cannot be read: {error}") from None
