import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_documents import PAGE, PARAGRAPHS, RSS

from pipeline.data.sources import read_urls
from pipeline.data.web import fetch
from pipeline.errors import SourceError
from pipeline.schema import Article


class Site(BaseHTTPRequestHandler):
    """A site with a page, a feed, and the ways in which a site can be bad."""

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        if self.path == "/trickle":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.1)
        elif self.path.startswith("/loop"):
            self.answer(302, b"", Location=f"/loop{len(self.path)}")
        elif self.path == "/once":
            self.answer(301, b"", Location="page")
        elif self.path == "/file":
            self.answer(302, b"", Location="file:///etc/hostname")
        elif self.path == "/big":
            self.answer(200, b"x" * 3000)
        elif self.path == "/packed":
            self.answer(200, b"x", **{"Content-Encoding": "gzip"})
        elif self.path in ("/page", "/feed"):
            self.answer(200, (PAGE if self.path == "/page" else RSS).encode())
        else:
            self.answer(404, b"no")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    Site.hosts = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.handle_error = lambda *_: None  # a client that gives up on /trickle is what is tested
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def get(url: str, **options: float) -> bytes:
    return fetch(url, max_bytes=2000, allow_private=True, **options)


def test_a_page_is_read_and_redirects_are_followed(site: str) -> None:
    (article,) = read_urls([f"{site}/once"], allow_private=True)
    assert isinstance(article, Article)
    assert (article.source, article.title) == (f"{site}/once", "Mines cleared")
    assert article.text == "\n\n".join(PARAGRAPHS)
    assert set(Site.hosts) == {site.removeprefix("http://")}


def test_a_feed_is_read_entry_by_entry(site: str) -> None:
    found = [article.source for article in read_urls([f"{site}/feed"], allow_private=True)]
    assert found == [f"{site}/feed#1", f"{site}/feed#3"]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/loop", "more than 5 redirects"),
        ("/file", "not an http or https address: file:"),
        ("/big", "exceeds the 0 MB limit"),
        ("/packed", "compressed content unasked"),
        ("/missing", "answered 404"),
    ],
)
def test_a_bad_answer_is_one_line(site: str, path: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        get(site + path)


def test_a_trickling_server_is_left_in_time(site: str) -> None:
    with pytest.raises(SourceError, match="timed out"):
        get(f"{site}/trickle", seconds=0.4)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "2130706433",
    ],
)
def test_private_addresses_are_refused_unless_allowed(host: str) -> None:
    with pytest.raises(SourceError, match=r"is not a public address|cannot be resolved"):
        fetch(f"http://{host}:9/", max_bytes=10)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "http://", "http://a b/", "http://[", "http://h:99999/"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="not an http or https address"):
        get(url)


def test_nobody_listening_is_one_line() -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        get("http://127.0.0.1:9/")
