"""A site on this machine: pages, feeds and robots.txt that a test may change, and what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Press:
    """What the site has: by path a status, headers and a body."""

    url: str
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, path: str, body: str, *, status: int = 200, **headers: str) -> None:
        """Publish a page; with an `etag`, it is answered with 304 where it is asked with it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = "text/plain" if path.endswith(".txt") else "application/rss+xml" if "<rss" in body else "text/html"
        self.pages[path] = (status, {"content-type": kind, **named}, body.encode())

    def paths(self) -> list[str]:
        """List what was asked for, and forget it."""
        found = [path for path, _ in self.asked]
        self.asked.clear()
        return found


@contextmanager
def press() -> Iterator[Press]:
    """Run a site until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = site.pages.get(self.path, (404, {}, b"no such page"))
            stated = {self.headers.get("if-none-match"), self.headers.get("if-modified-since")} - {None}
            if status == 200 and stated & {headers.get("etag"), headers.get("last-modified")}:
                status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        site = Press(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


def page(title: str, *paragraphs: str, date: str = "2026-02-27") -> str:
    """Make a page of an article."""
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    head = f'<title>{title}</title><meta property="article:published_time" content="{date}">'
    return f"<html><head>{head}</head><body><article><h1>{title}</h1>{body}</article></body></html>"


def feed(title: str, *entries: tuple[str, str, str]) -> str:
    """Make a feed of entries: title, link, text."""
    items = "".join(
        f"<item><title>{name}</title><link>{link}</link><pubDate>Fri, 27 Feb 2026 10:00:00 GMT</pubDate>"
        f"<description>{text}</description></item>"
        for name, link, text in entries
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'
