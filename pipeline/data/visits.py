"""Fetch many addresses as a good guest: robots.txt heeded, hosts not hurried, failures given time to pass."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.robotparser import RobotFileParser

from pipeline.data.addresses import Address
from pipeline.data.web import Page, StatusError, Validators, fetch
from pipeline.errors import SourceError

AGENT = "paragraph-topics"
SECONDS_APART = 1.0  # of requests to a host
_MOST_APART = 30.0  # that a Crawl-delay may ask for
_ROBOTS_BYTES = 500_000
_FIRST_WAIT, _LONGEST_WAIT = 60.0, 86_400.0  # seconds after failures


class RobotsError(SourceError):
    """A site's robots.txt asks programs not to fetch a page."""


class Visitor:
    """Fetches addresses one after the other.

    Parameters
    ----------
    max_bytes : int
    allow_private : bool, default False
        As for `web.fetch`.
    wait : callable
        Called with seconds to wait; it may raise to end the visit.

    """

    def __init__(
        self, *, max_bytes: int, allow_private: bool = False, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._max_bytes, self._allow_private, self._wait = max_bytes, allow_private, wait
        self._robots: dict[tuple[str, str, int], RobotFileParser | SourceError] = {}
        self._next: dict[str, float] = {}  # by host, when it may be asked again

    def fetch(self, url: str, *, validators: Validators | None = None, heed_robots: bool = True) -> Page:
        """Fetch what is at an address.

        Parameters
        ----------
        url : str
        validators : Validators or None
        heed_robots : bool, default True
            False for feeds, which are made for programs.

        Returns
        -------
        Page

        Raises
        ------
        RobotsError
            Where robots.txt, here or where a redirect leads, asks not to.
        SourceError
            Where the page or the robots.txt cannot be read; that there is none allows all.

        """
        return fetch(
            url,
            max_bytes=self._max_bytes,
            allow_private=self._allow_private,
            validators=validators,
            before=self._before_page if heed_robots else self._pause,
        )

    def forget(self) -> None:
        """Forget every robots.txt: to be called where a round of visits begins."""
        self._robots.clear()

    def _before_page(self, here: Address) -> None:
        address = f"{here.scheme}://{here.netloc}{here.target}"
        if not self._rules(here).can_fetch(AGENT, address):
            raise RobotsError(f"{address}: the site's robots.txt asks programs not to fetch it")
        self._pause(here)

    def _pause(self, here: Address) -> None:
        """Wait until the host may be asked."""
        left = self._next.get(here.host, 0.0) - time.monotonic()
        if left > 0:
            self._wait(left)
        rules = self._robots.get(here.origin)
        apart = float(rules.crawl_delay(AGENT) or 0) if isinstance(rules, RobotFileParser) else 0.0
        self._next[here.host] = time.monotonic() + min(max(apart, SECONDS_APART), _MOST_APART)

    def _rules(self, here: Address) -> RobotFileParser:
        """Return the rules of a site: as RFC 9309 has it, nothing is fetched while they cannot be read."""
        if here.origin not in self._robots:
            try:
                self._robots[here.origin] = self._read_rules(f"{here.scheme}://{here.netloc}/robots.txt")
            except SourceError as error:
                self._robots[here.origin] = error
        found = self._robots[here.origin]
        if isinstance(found, SourceError):
            raise found
        return found

    def _read_rules(self, address: str) -> RobotFileParser:
        rules = RobotFileParser()
        try:
            page = fetch(address, max_bytes=_ROBOTS_BYTES, allow_private=self._allow_private, before=self._pause)
            rules.parse(page.content.decode("utf-8-sig", "replace").splitlines())
        except StatusError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            rules.parse([])  # there are none
        return rules


def wait_after(error: SourceError, failures: int, now: datetime) -> float:
    """Choose how long an address is left alone after a failure.

    Parameters
    ----------
    error : SourceError
    failures : int
        In a row, with this one.
    now : datetime
        In UTC.

    Returns
    -------
    float
        Seconds: a minute, twice as long after each further failure, and what the server asks for; at most a day.

    """
    asked = _seconds(error.retry_after, now) if isinstance(error, StatusError) else 0.0
    doubled = _FIRST_WAIT * 2.0 ** min(failures - 1, 20)
    return min(max(doubled, asked), _LONGEST_WAIT)


def _seconds(retry_after: str, now: datetime) -> float:
    if retry_after.strip().isdecimal():
        return float(retry_after.strip()[:9])
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())
