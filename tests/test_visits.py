"""Fetching as a good guest: robots.txt, a pause between requests, versions, and time after failures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from press import Press, press

from pipeline.data.visits import RobotsError, Visitor, wait_after
from pipeline.data.web import StatusError, Validators, fetch
from pipeline.errors import SourceError

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture
def site() -> Iterator[Press]:
    with press() as running:
        running.put("/a.txt", "Text.", etag='"one"')
        yield running


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests take no time, so that a visitor waits for whole pauses."""
    monkeypatch.setattr("pipeline.data.visits.time", SimpleNamespace(monotonic=lambda: 100.0))


def visitor(waited: list[float]) -> Visitor:
    return Visitor(max_bytes=10_000, allow_private=True, wait=waited.append)


@pytest.mark.usefixtures("stopped_clock")
def test_requests_to_a_host_are_a_second_apart(site: Press) -> None:
    waited: list[float] = []
    visits = visitor(waited)
    for _ in range(3):
        visits.fetch(f"{site.url}/a.txt", heed_robots=False)
    assert waited == [1, 1]


@pytest.mark.usefixtures("stopped_clock")
def test_robots_txt_is_read_once_and_counts_as_a_request(site: Press) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\nCrawl-delay: 7\n")
    waited: list[float] = []
    visits = visitor(waited)
    visits.fetch(f"{site.url}/a.txt")
    with pytest.raises(
        RobotsError, match=r"/private/a\.txt: the site's robots\.txt asks programs not to fetch it$"
    ):
        visits.fetch(f"{site.url}/private/a.txt")
    visits.fetch(f"{site.url}/a.txt")
    assert site.paths() == ["/robots.txt", "/a.txt", "/a.txt"]
    assert waited == [1, 7]
    visits.forget()
    visits.fetch(f"{site.url}/a.txt")
    assert site.paths() == ["/robots.txt", "/a.txt"]


def test_the_rules_for_this_program_go_before_those_for_all(site: Press) -> None:
    site.put("/robots.txt", "\ufeffUser-agent: paragraph-topics\nAllow: /\n\nUser-agent: *\nDisallow: /\n")
    assert visitor([]).fetch(f"{site.url}/a.txt").content == b"Text."


@pytest.mark.parametrize("status", [404, 403, 410])
def test_without_robots_txt_all_is_allowed(site: Press, status: int) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n", status=status)
    assert visitor([]).fetch(f"{site.url}/a.txt").content == b"Text."


@pytest.mark.parametrize("status", [500, 503])
def test_while_robots_txt_fails_nothing_is_allowed(site: Press, status: int) -> None:
    site.put("/robots.txt", "", status=status)
    visits = visitor([])
    for _ in range(2):
        with pytest.raises(SourceError, match=f"^{site.url}/robots.txt: answered {status} "):
            visits.fetch(f"{site.url}/a.txt")
    assert site.paths() == ["/robots.txt"]


def test_robots_txt_is_heeded_where_a_redirect_leads(site: Press) -> None:
    with press() as other:
        other.put("/robots.txt", "User-agent: *\nDisallow: /\n")
        site.put("/away", "", status=302, location=f"{other.url}/a.txt")
        with pytest.raises(RobotsError, match=f"^{other.url}/a.txt: "):
            visitor([]).fetch(f"{site.url}/away")
        assert other.paths() == ["/robots.txt"]


def test_a_private_address_is_refused_before_anything_is_asked(site: Press) -> None:
    with pytest.raises(SourceError, match="not a public address"):
        Visitor(max_bytes=10_000, wait=lambda seconds: None).fetch(f"{site.url}/a.txt", heed_robots=False)
    assert site.paths() == []


def test_a_page_is_asked_for_by_its_version(site: Press) -> None:
    site.put("/b.txt", "Text.", last_modified="Fri, 27 Feb 2026 10:00:00 GMT")
    for path in ("/a.txt", "/b.txt"):
        first = fetch(site.url + path, max_bytes=100, allow_private=True)
        again = fetch(site.url + path, max_bytes=100, allow_private=True, validators=first.validators)
        assert (first.is_modified, again.is_modified, again.content) == (True, False, b"")
        assert again.validators == first.validators
    assert site.asked[1][1]["if-none-match"] == '"one"'
    assert site.asked[3][1]["if-modified-since"] == "Fri, 27 Feb 2026 10:00:00 GMT"


def test_a_304_that_was_not_asked_for_is_an_error(site: Press) -> None:
    site.put("/304", "", status=304)
    with pytest.raises(StatusError, match="answered 304"):
        fetch(f"{site.url}/304", max_bytes=100, allow_private=True)


@pytest.mark.parametrize("etag", ["x" * 501, '"\u00e9"'])
def test_a_version_that_cannot_be_sent_back_is_none(site: Press, etag: str) -> None:
    site.put("/odd.txt", "Text.", etag=etag)
    assert fetch(f"{site.url}/odd.txt", max_bytes=100, allow_private=True).validators == Validators()


def test_an_error_states_the_status_and_when_to_ask_again(site: Press) -> None:
    site.put("/busy", "", status=429, retry_after="120")
    with pytest.raises(StatusError) as raised:
        fetch(f"{site.url}/busy", max_bytes=100, allow_private=True)
    assert (raised.value.status, raised.value.retry_after) == (429, "120")


@pytest.mark.parametrize(
    ("retry_after", "failures", "expected"),
    [
        ("", 1, 60),
        ("", 2, 120),
        ("", 5, 960),
        ("", 50, 86_400),
        ("120", 1, 120),
        ("30", 3, 240),
        ("Mon, 02 Mar 2026 06:05:00 GMT", 1, 300),
        ("Mon, 02 Mar 2026 05:00:00 GMT", 1, 60),
        ("99999999999", 1, 86_400),
        ("soon", 1, 60),
        ("-5", 1, 60),
    ],
)
def test_what_fails_is_left_alone_longer_and_longer(retry_after: str, failures: int, expected: float) -> None:
    assert wait_after(StatusError("busy", 503, retry_after), failures, NOW) == expected
    assert wait_after(SourceError("timed out"), 2, NOW) == 120
