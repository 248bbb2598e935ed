"""Web addresses as people write them: encoded as browsers do, and without the password when they are shown."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

_LOGIN = re.compile(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*:[/\\]*)[^/\\?#]*@")
_IN_PATH = (
    "!$%&'()*+,/:;=@[]|"  # beside letters, digits and `_.-~`; a % is left, as the address may be encoded already
)
_IN_QUERY = "!$%&()*+,/:;=?@[\\]^`{|}"
_PORTS = {"http": 80, "https": 443}
_LINE = str.maketrans("", "", "\t\r\n")  # which browsers take out
_ASCII_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+(%[a-z0-9._-]+)?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes.

    Parameters
    ----------
    scheme : {"http", "https"}
    host : str
        In ASCII; an IPv6 address without brackets.
    port : int or None
        None for the scheme's own.
    target : str
        Path and query, in ASCII.
    login : str or None
        What `Authorization: Basic` carries.

    """

    scheme: str
    host: str
    port: int | None
    target: str
    login: str | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port or _PORTS[self.scheme]

    @property
    def netloc(self) -> str:
        """What the header `Host` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (None, _PORTS[self.scheme]) else f"{host}:{self.port}"


def shown(url: str) -> str:
    """Return an address without the user and password that it may have.

    Parameters
    ----------
    url : str

    Returns
    -------
    str
        Of what is no address, only what follows the last @: a password may hold any character.

    """
    url = url.strip().translate(_LINE)
    try:
        parse(url)
    except ValueError:
        return url.rpartition("@")[2]
    return _LOGIN.sub(r"\1", url)


def parse(url: str) -> Address:
    """Take an address apart and encode it as browsers do.

    International hosts become Punycode (UTS 46), other characters beyond ASCII and blanks become `%` and their
    UTF-8; what is encoded already stays.

    Parameters
    ----------
    url : str

    Returns
    -------
    Address

    Raises
    ------
    ValueError
        Where it is not an http or https address.

    """
    url = url.strip().translate(_LINE)
    length = min((place for place in map(url.find, "?#") if place >= 0), default=len(url))
    parts = urlsplit(url[:length].replace("\\", "/") + url[length:])
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not an http or https address")
    path = quote(parts.path, _IN_PATH, errors="surrogateescape") or "/"
    query = f"?{quote(parts.query, _IN_QUERY, errors='surrogateescape')}" if parts.query else ""
    login = None
    if "@" in parts.netloc:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        login = base64.b64encode(pair.encode()).decode()
    return Address(parts.scheme, _ascii(parts.hostname), parts.port, path + query, login)


def _ascii(host: str) -> str:
    """Encode a host; raise ValueError, of which idna's errors are a kind, for one that cannot be."""
    host = unquote(host, errors="strict").lower()
    if not host.isascii():
        import idna

        host = idna.encode(host, uts46=True).decode()
    if not _ASCII_HOST.fullmatch(host):
        raise ValueError("not the name of a host")
    return host
