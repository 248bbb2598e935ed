"""Wrong tokens by client: each is answered later than the one before."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

_FORGET_SECONDS = 600.0
_TRUSTED_SECONDS = 3600.0
_DOUBLINGS = 30  # no more, or the power overflows
_WAITING, _ALL_WAITING = 16, 256
_CLIENTS = 10_000


@dataclass(slots=True)
class _Client:
    wrong: int = 0
    wrong_at: float = 0.0
    right_at: float = -_TRUSTED_SECONDS
    waiting: int = 0


class Attempts:
    """The clients that sent a token, at most 10,000 of them: those not seen for longest are forgotten.

    A client is an IPv4 address, or the first 64 bits of an IPv6 address, which one subscriber has all of.

    Parameters
    ----------
    first_seconds, most_seconds : float
        How long the first wrong token of a client waits for its answer, and how long any does at most.

    """

    def __init__(self, *, first_seconds: float = 0.1, most_seconds: float = 5.0) -> None:
        self._first, self._most = first_seconds, most_seconds
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._clients)

    def are_too_many(self, address: str) -> bool:
        """Tell whether to refuse a client's token unread: it guesses in parallel, which a delay cannot slow.

        Whoever shares an address with others that sent the right token within the hour is never refused so: a
        guesser behind the same router or proxy would lock them out.
        """
        client = self._clients.get(_key(address))
        return (
            client is not None
            and client.waiting >= _WAITING
            and time.monotonic() - client.right_at > _TRUSTED_SECONDS
        )

    def accept(self, address: str) -> None:
        """Note that a client sent the right token."""
        self._client(address).right_at = time.monotonic()

    async def delay(self, address: str) -> bool:
        """Wait before a wrong token is answered.

        Parameters
        ----------
        address : str

        Returns
        -------
        bool
            False, at once, where too many answers wait already.

        """
        client = self._client(address)
        seconds = self._seconds(client)
        if client.waiting >= _WAITING or self._waiting >= _ALL_WAITING:
            return False
        client.waiting += 1
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            client.waiting -= 1
            self._waiting -= 1
        return True

    def _client(self, address: str) -> _Client:
        key = _key(address)
        client = self._clients.setdefault(key, _Client())
        self._clients.move_to_end(key)
        if len(self._clients) > _CLIENTS:
            self._clients.popitem(last=False)
        return client

    def _seconds(self, client: _Client) -> float:
        """Count a wrong token, and return how long it waits: twice as long as the one before."""
        now = time.monotonic()
        if now - client.wrong_at > _FORGET_SECONDS:
            client.wrong = 0
        client.wrong, client.wrong_at = client.wrong + 1, now
        return float(min(self._most, self._first * 2 ** min(client.wrong - 1, _DOUBLINGS)))


def _key(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6:  # noqa: PLR2004
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return str(found)
