"""Fetch one address, carefully: only the web, only public networks, within limits of size, time and redirects."""

import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import httpcore

from pipeline.data.addresses import Address, parse, shown
from pipeline.errors import SourceError

MAX_REDIRECTS = 5
MAX_SECONDS = 20.0
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = [
    ("User-Agent", "paragraph-topics"),
    ("Accept", "text/html, application/*, text/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "close"),
]
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_LONGEST_VALIDATOR = 500
_GZIP, _ZLIB, _RAW_DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_START = b"\x1f\x8b"
# IPv6 addresses that end in an IPv4 address to which a gateway may lead
_EMBEDDING = [ipaddress.IPv6Network(network) for network in ("::/96", "64:ff9b::/96")]


@dataclass(frozen=True, slots=True)
class Validators:
    """The version of a page that one has: `ETag` and `Last-Modified` as the server stated them."""

    etag: str = ""
    last_modified: str = ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What asks for another version alone."""
        named = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return [(name, value) for name, value in named if value]


@dataclass(frozen=True, slots=True)
class Page:
    """What is at an address.

    Parameters
    ----------
    source : str
        The address that was asked for, without user and password.
    content : bytes
    media_type : str
        Such as `text/html`, as the server says; empty where it does not.
    charset : str
        Such as `utf-8`, likewise.
    validators : Validators
        What to ask with the next time.
    is_modified : bool
        False where what was asked with still holds: there is no content then.

    """

    source: str
    content: bytes
    media_type: str = ""
    charset: str = ""
    validators: Validators = field(default_factory=Validators)
    is_modified: bool = True


class StatusError(SourceError):
    """A server answered, with another status than 200.

    Parameters
    ----------
    message : str
    status : int
    retry_after : str
        The header, as it was stated: seconds or a date; empty where there is none.

    """

    def __init__(self, message: str, status: int, retry_after: str = "") -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


def fetch(
    url: str,
    *,
    max_bytes: int,
    allow_private: bool = False,
    seconds: float = MAX_SECONDS,
    validators: Validators | None = None,
    before: Callable[[Address], None] = lambda here: None,
) -> Page:
    """Fetch what is at an http or https address.

    The address that was checked is the one connected to, so a name cannot change its address in between. Proxy
    settings are not used. A user and password in the address are sent to its own origin alone.

    Parameters
    ----------
    url : str
    max_bytes : int
        As sent, and again when unpacked.
    allow_private : bool, default False
        Connect to addresses that are not public, too.
    seconds : float, default 20
        For one request.
    validators : Validators or None
        Of the version that one has already.
    before : callable
        Called before each request, also after redirects; what it raises ends the matter.

    Returns
    -------
    Page

    Raises
    ------
    SourceError
        For other schemes, an address that is not public, on the first request or after a redirect, more than
        MAX_REDIRECTS redirects, more than `max_bytes` or `seconds`, content that is cut short.
    StatusError
        For any status but 200, and 304 where validators were given.

    """
    source = shown(url)
    first = here = _parsed(url, source)
    for _ in range(MAX_REDIRECTS + 1):
        before(here)
        login = here.login or (first.login if here.origin == first.origin else None)
        headers = [*(validators.headers if validators else []), *_authorization(login)]
        answer = _request(here, headers, source, max_bytes, seconds, allow_private=allow_private)
        if validators and validators.headers and answer.status == HTTPStatus.NOT_MODIFIED:
            return Page(source, b"", validators=validators, is_modified=False)
        location = answer.header("location") if answer.status in _REDIRECTS else ""
        if not location:
            return _page(answer, source, max_bytes)
        url = urljoin(url, location)
        here = _parsed(url, source)
    raise SourceError(f"{source}: more than {MAX_REDIRECTS} redirects")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    reason: str
    headers: list[tuple[bytes, bytes]]
    content: bytes

    def header(self, name: str) -> str:
        """Return a header's values, joined; names and addresses beyond ASCII are UTF-8 where they can be."""
        found = b", ".join(value for key, value in self.headers if key.lower() == name.encode())
        try:
            return found.decode()
        except UnicodeDecodeError:
            return found.decode("latin-1")


def _parsed(url: str, source: str) -> Address:
    try:
        return parse(url)
    except ValueError:
        raise SourceError(f"{source}: not an http or https address: {shown(url)}") from None


def _authorization(login: str | None) -> list[tuple[str, str]]:
    return [("Authorization", f"Basic {login}")] if login else []


def _request(
    here: Address,
    headers: list[tuple[str, str]],
    source: str,
    max_bytes: int,
    seconds: float,
    *,
    allow_private: bool,
) -> _Answer:
    backend = _CheckedNetwork(source, time.monotonic() + seconds, allow_private=allow_private)
    headers = [("Host", here.netloc), *_HEADERS, *headers]
    url = httpcore.URL(scheme=here.scheme, host=here.host, port=here.port, target=here.target)
    with (
        _one_line(source),
        httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool,
        pool.stream("GET", url, headers=headers) as answer,
    ):
        reason = answer.extensions.get("reason_phrase", b"").decode("latin-1")
        content = b""
        if answer.status == HTTPStatus.OK:
            content = _limited(answer.iter_stream(), source, max_bytes)
        return _Answer(answer.status, reason, answer.headers, content)


def _limited(pieces: Iterable[bytes], source: str, max_bytes: int) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > max_bytes:
            raise _too_large(source, max_bytes)
    return bytes(content)


def _too_large(source: str, max_bytes: int) -> SourceError:
    return SourceError(f"{source}: exceeds the {max_bytes // 1_000_000} MB limit")


def _page(answer: _Answer, source: str, max_bytes: int) -> Page:
    if answer.status != HTTPStatus.OK:
        said = f"{source}: answered {f'{answer.status} {answer.reason}'.strip()}"
        raise StatusError(said, answer.status, answer.header("retry-after"))
    content = answer.content
    codings = [coding.strip().lower() for coding in answer.header("content-encoding").split(",")]
    for coding in reversed(codings):  # the last was applied last
        if coding not in ("", "identity"):
            content = _unpacked(content, coding, source, max_bytes)
    described = Message()
    described["Content-Type"] = answer.header("content-type").rpartition(", ")[2]
    media_type = described["Content-Type"].partition(";")[0].strip().lower()
    charset = described.get_content_charset("") if ";" in described["Content-Type"] else ""
    stated = Validators(*(_sendable(answer.header(name)) for name in ("etag", "last-modified")))
    return Page(source, content, media_type if _MEDIA_TYPE.fullmatch(media_type) else "", charset, stated)


def _sendable(value: str) -> str:
    """Return a header's value where it can be sent back as it is."""
    return value if len(value) <= _LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""


def _unpacked(content: bytes, coding: str, source: str, max_bytes: int) -> bytes:
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(f"{source}: compressed as {coding!r:.40}, expected gzip or deflate")
    try:
        if coding != "deflate":
            return _inflated(content, _GZIP, source, max_bytes)
        try:
            return _inflated(content, _ZLIB, source, max_bytes)
        except zlib.error:  # some servers send it without zlib's header, and browsers read that, too
            return _inflated(content, _RAW_DEFLATE, source, max_bytes)
    except zlib.error as error:
        raise SourceError(f"{source}: not valid {coding}: {error}") from None


def _inflated(content: bytes, form: int, source: str, max_bytes: int) -> bytes:
    """Unpack at most `max_bytes`, so that little content cannot fill the memory."""
    found = bytearray()
    while content:
        unpacking = zlib.decompressobj(form)
        found += unpacking.decompress(content, max_bytes + 1 - len(found))
        if len(found) > max_bytes:
            raise _too_large(source, max_bytes)
        if not unpacking.eof:
            raise SourceError(f"{source}: compressed content is cut short")
        further = unpacking.unused_data
        content = further if form == _GZIP and further.startswith(_GZIP_START) else b""
    return bytes(found)


def post(
    url: str,
    content: bytes,
    headers: Sequence[tuple[str, str]],
    *,
    allow_private: bool = False,
    seconds: float = MAX_SECONDS,
) -> None:
    """Send content to an http or https address, as carefully as `fetch` reads; redirects are not followed.

    Parameters
    ----------
    url : str
    content : bytes
    headers : sequence of (name, value)
        Beside those that every request has.
    allow_private : bool, default False
        Connect to addresses that are not public, too.
    seconds : float, default 20

    Raises
    ------
    SourceError
        Where it cannot be sent, or is answered with a status other than 2xx.

    """
    source = shown(url)
    here = _parsed(url, source)
    backend = _CheckedNetwork(source, time.monotonic() + seconds, allow_private=allow_private)
    sent = [("Host", here.netloc), _HEADERS[0], ("Connection", "close"), ("Content-Length", str(len(content)))]
    target = httpcore.URL(scheme=here.scheme, host=here.host, port=here.port, target=here.target)
    with (
        _one_line(source),
        httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool,
        pool.stream("POST", target, headers=[*sent, *headers], content=content) as answer,
    ):
        reason = answer.extensions.get("reason_phrase", b"").decode("latin-1")
        status = answer.status
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise SourceError(f"{source}: answered {f'{status} {reason}'.strip()}")


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connections to addresses that were checked; whatever waits for them stops waiting at a deadline."""

    def __init__(self, source: str, deadline: float, *, allow_private: bool) -> None:
        self.source, self.deadline, self.allow_private = source, deadline, allow_private
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers; TLS still proves the name."""
        failed: httpcore.ConnectError | None = None
        for address in self._addresses(host, port):
            try:
                stream = self._network.connect_tcp(
                    address, port, _left(self.deadline), local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failed = failed or error
            else:
                return _TimedStream(stream, self.deadline)
        raise failed or httpcore.ConnectError("no address")

    def _addresses(self, host: str, port: int) -> list[str]:
        """Resolve a host; every address that it has must be public."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SourceError(f"{self.source}: {host} cannot be resolved: {reason}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        private = [address for address in addresses if not _is_public(address)]
        if private and not self.allow_private:
            raise SourceError(
                f"{self.source}: {private[0]} is not a public address; use --allow-private to read it"
            )
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose steps together have until a deadline, so that a trickling server cannot hold us."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has arrived."""
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Secure the connection."""
        secured = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Describe the connection."""
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("too late")
    return left


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if any(found in network for network in _EMBEDDING):
        inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    local = found.is_multicast or getattr(found, "is_site_local", False)
    return found.is_global and not local and (inner is None or _is_public(str(inner)))


@contextmanager
def _one_line(source: str) -> Iterator[None]:
    try:
        yield
    except httpcore.TimeoutException:
        raise SourceError(f"{source}: timed out") from None
    except httpcore.RemoteProtocolError as error:
        raise SourceError(f"{source}: cut short, or not HTTP: {error}") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, ssl.SSLError):
            raise SourceError(f"{source}: no secure connection: {cause.reason or cause}") from None
        raise SourceError(f"{source}: cannot be read: {error}") from None
