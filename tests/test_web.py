import gzip
import json
import re
import socketserver
import threading
import time
import zlib
from collections.abc import Iterator
from typing import ClassVar

import pytest
from small_pdf import pdf, shown
from test_documents import PAGE, PARAGRAPHS, RSS

from pipeline.data.sources import read_urls
from pipeline.data.web import Page, _is_public, fetch
from pipeline.errors import SourceError
from pipeline.schema import Article

TEXT = b"Sappers cleared landmines from the field.\n"
HTML = f"<html><body><article>{''.join(f'<p>{p}</p>' for p in PARAGRAPHS)}</article></body></html>".encode()


def reply(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return an answer as it goes over the wire; a header may be anything."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def typed(body: bytes, media_type: str, *headers: str) -> bytes:
    return reply(body, f"Content-Type: {media_type}", *headers)


def deflated(body: bytes, form: int = zlib.MAX_WBITS) -> bytes:
    packing = zlib.compressobj(wbits=form)
    return packing.compress(body) + packing.flush()


JSON_FEED = json.dumps(
    {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_text": TEXT.decode()}]}
).encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = "text/plain; charset=utf-8"
PAGES: dict[str, bytes] = {
    "/page": reply(PAGE.encode()),
    "/feed": reply(RSS.encode()),
    "/once": reply(b"", "Location: page", status="301 Moved"),
    "/file": reply(b"", "Location: file:///etc/hostname", status="302 Found"),
    "/nowhere": reply(b"", status="302 Found"),
    "/private": reply(b"", "Location: ftp://me:secret@example.org/", status="302 Found"),
    "/far": reply(b"", "Location: /новости/бакы?q=ə b".encode().decode("latin-1"), status="302 Found"),
    "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/%D0%B1%D0%B0%D0%BA%D1%8B?q=%C9%99%20b": typed(TEXT, PLAIN),
    "/a%20page": typed(TEXT, PLAIN),
    "/big": reply(b"x" * 3000),
    "/plain": typed(TEXT, PLAIN),
    "/chunked": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(TEXT), TEXT),
    "/until-close": b"HTTP/1.0 200 OK\r\n\r\n" + TEXT,
    "/short": reply(TEXT, length=1000),
    "/short-page": typed(HTML, "text/html").replace(b"Content-Length: ", b"Content-Length: 9"),
    "/chunk-cut": CHUNKED + b"100\r\n" + TEXT,
    "/no-last-chunk": CHUNKED + b"%x\r\n%s\r\n" % (len(TEXT), TEXT),
    "/headers-cut": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/nothing": b"",
    "/not-http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "/gzip": typed(gzip.compress(TEXT), PLAIN, "Content-Encoding: gzip"),
    "/x-gzip": typed(gzip.compress(TEXT), PLAIN, "Content-Encoding: X-GZip"),
    "/members": typed(gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), PLAIN, "Content-Encoding: gzip"),
    "/padded": typed(gzip.compress(TEXT) + bytes(9), PLAIN, "Content-Encoding: gzip"),
    "/deflate": typed(deflated(TEXT), PLAIN, "Content-Encoding: deflate"),
    "/raw-deflate": typed(deflated(TEXT, -15), PLAIN, "Content-Encoding: deflate"),
    "/twice": typed(gzip.compress(deflated(TEXT)), PLAIN, "Content-Encoding: deflate, gzip"),
    "/identity": typed(TEXT, PLAIN, "Content-Encoding: identity"),
    "/gzip-chunked": CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    + b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(TEXT)), gzip.compress(TEXT)),
    "/gzip-cut": typed(gzip.compress(TEXT)[:-9], PLAIN, "Content-Encoding: gzip"),
    "/deflate-cut": typed(deflated(TEXT)[:-5], PLAIN, "Content-Encoding: deflate"),
    "/gzip-not": typed(TEXT, PLAIN, "Content-Encoding: gzip"),
    "/gzip-broken": typed(gzip.compress(TEXT)[:-8] + bytes(8), PLAIN, "Content-Encoding: gzip"),
    "/bomb": typed(gzip.compress(bytes(10_000_000)), PLAIN, "Content-Encoding: gzip"),
    "/bombs": typed(gzip.compress(b"x" * 1500) * 2, PLAIN, "Content-Encoding: gzip"),
    "/brotli": typed(TEXT, PLAIN, "Content-Encoding: br"),
    "/zstd": typed(TEXT, PLAIN, "Content-Encoding: gzip, zstd"),
    "/partial": reply(TEXT, status="206 Partial Content"),
    "/no-reason": reply(b"", status="503"),
    "/article.txt": typed(HTML, "text/html"),
    "/article.pdf": typed(HTML, "text/html; charset=utf-8"),
    "/article.jsonl": typed(HTML, "text/html"),
    "/raw/page.html": typed(TEXT, PLAIN),
    "/raw/tags": typed(HTML, "text/plain"),
    "/upper.txt": typed(HTML, "Text/HTML;Charset=UTF-8"),
    "/xhtml": typed(HTML, "application/xhtml+xml"),
    "/unknown.html": typed(HTML, "application/octet-stream"),
    "/unknown": typed(HTML, "application/octet-stream"),
    "/strange": typed(HTML, "nonsense"),
    "/page.txt": typed(HTML, "application/octet-stream"),
    "/untyped.pdf": reply(HTML),
    "/feed.md": reply(RSS.encode()),
    "/feed.html": typed(RSS.encode(), "text/html"),
    "/feed.txt": typed(RSS.encode(), "application/rss+xml"),
    "/feed.xml": typed(RSS.encode(), "text/xml; charset=utf-8"),
    "/feed.json": typed(JSON_FEED, "application/feed+json"),
    "/json-feed": typed(JSON_FEED, "application/json"),
    "/plain-feed.json": typed(JSON_FEED, "text/plain"),
    "/pdf-as-page": typed(pdf(shown([PARAGRAPHS[0]])), "text/html; charset=utf-8"),
    "/xml-page": typed(HTML, "application/xml"),
    "/sitemap.xml": typed(b"<?xml version='1.0'?><urlset><url>x</url></urlset>", "application/xml"),
    "/1251": typed("Сапёры очистили поле.".encode("cp1251"), "text/plain; charset=windows-1251"),
    "/1251-html": typed(
        HTML.decode().replace("Clearance", "Сапёры").encode("cp1251"), 'text/html; charset="windows-1251"'
    ),
    "/lying": typed(HTML.decode().replace("Clearance", "Ёлка").encode(), "text/html; charset=windows-1252"),
    "/latin-1": typed("“Café”".encode("cp1252"), "text/plain; charset=ISO-8859-1"),
    "/utf-16": typed("Café".encode("utf-16"), "text/plain; charset=utf-16"),
    "/no-charset": typed("Café".encode("latin-1"), "text/plain"),
    "/odd-charset": typed("Café".encode(), "text/plain; charset=nonsense"),
    "/hex": typed("Café".encode(), "text/plain; charset=hex"),
    "/wrong-charset": typed(b"caf\x81\x98", "text/plain; charset=windows-1252"),
    "/csv": typed(b"text\na\n", "text/csv; charset=utf-8"),
    "/json": typed(b'{"text": "a"}', "application/json"),
    "/ndjson": typed(b'{"text": "a"}\n', "application/x-ndjson"),
    "/ld": typed(b"{}", "application/ld+json"),
    "/parquet": typed(b"PAR1PAR1", "application/octet-stream"),
    "/rows.csv": typed(b"text\na\n", "text/plain"),
    "/rows.csv.gz": typed(gzip.compress(b"text\na\n"), "application/octet-stream"),
    "/rows.jsonl?x=1": reply(b'{"text": "a"}\n'),
    "/plain-json": typed(b'\xef\xbb\xbf {"text": "a"}\n{"text": "b"}\n', "text/plain"),
    "/array": reply(b'[\n{"text": "a"}\n]'),
    "/bracket": typed(b"[The minister] spoke.", "text/plain"),
    "/xlsx": typed(b"PK", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "/image": typed(b"\x89PNG", "image/png"),
    "/svg": typed(b"<svg/>", "image/svg+xml"),
    "/style": typed(b"a {}", "text/css"),
}


class Site(socketserver.StreamRequestHandler):
    """A site that sends the bytes of PAGES, and keeps what it was asked."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        if self.rfile.peek(1)[:1] == b"\x16":  # TLS
            self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        request = b""
        while not request.endswith(b"\r\n\r\n") and (line := self.rfile.readline()):
            request += line
        self.asked.append(request.decode("latin-1"))
        path = request.split()[1].decode()
        if path.startswith("/trickle"):
            self.trickle(path)
        elif path.startswith("/loop"):
            self.wfile.write(reply(b"", f"Location: /loop{len(path)}", status="302 Found"))
        elif path.startswith("/to/"):
            self.wfile.write(reply(b"", f"Location: {path.removeprefix('/to/')}", status="302 Found"))
        else:
            self.wfile.write(PAGES.get(path, reply(b"no", status="404 Not Found")))

    def trickle(self, path: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if path == "/trickle" else b"X: "))
        for _ in range(1000):
            self.wfile.write(b"x")
            time.sleep(0.1)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # a client that gives up on /trickle is what is tested
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def get(url: str, **options: float) -> Page:
    return fetch(url, max_bytes=2000, allow_private=True, **options)


def read(url: str) -> Article:
    (article,) = read_urls([url], allow_private=True)
    assert isinstance(article, Article), article
    return article


def problem(url: str) -> str:
    (error,) = read_urls([url], allow_private=True)
    assert isinstance(error, SourceError), error
    assert str(error).startswith(f"{url}: ")
    return str(error).removeprefix(f"{url}: ")


def test_a_page_is_read_and_redirects_are_followed(site: str) -> None:
    article = read(f"{site}/once")
    assert (article.source, article.title) == (f"{site}/once", "Mines cleared")
    assert article.text == "\n\n".join(PARAGRAPHS)
    assert all(f"\r\nHost: {site.removeprefix('http://')}\r\n" in request for request in Site.asked[-2:])


@pytest.mark.parametrize("path", ["/feed", "/feed.html", "/feed.txt", "/feed.xml", "/feed.md"])
def test_a_feed_is_read_entry_by_entry(site: str, path: str) -> None:
    found = [article.source for article in read_urls([site + path], allow_private=True)]
    assert found == [f"{site}{path}#1", f"{site}{path}#3"]


@pytest.mark.parametrize("path", ["/feed.json", "/json-feed", "/plain-feed.json"])
def test_a_feed_of_json_is_no_table(site: str, path: str) -> None:
    article = read(site + path)
    assert (article.source, article.text) == (f"{site}{path}#1", TEXT.decode().strip())


def test_a_pdf_is_read_as_one_though_the_server_says_a_page(site: str) -> None:
    assert read(f"{site}/pdf-as-page").text == PARAGRAPHS[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/loop", "more than 5 redirects"),
        ("/file", "not an http or https address: file:"),
        ("/big", "exceeds the 0 MB limit"),
        ("/missing", "answered 404 Not Found"),
        ("/partial", "answered 206 Partial Content"),
        ("/nowhere", "answered 302 Found"),
        ("/no-reason", "answered 503$"),
        ("/short", "cut short, or not HTTP: "),
        ("/short-page", "cut short, or not HTTP: "),
        ("/chunk-cut", "cut short, or not HTTP: "),
        ("/no-last-chunk", "cut short, or not HTTP: "),
        ("/headers-cut", "cut short, or not HTTP: "),
        ("/nothing", "cut short, or not HTTP: "),
        ("/not-http", "cut short, or not HTTP: "),
        ("/gzip-cut", "compressed content is cut short"),
        ("/deflate-cut", "compressed content is cut short"),
        ("/gzip-not", "not valid gzip: "),
        ("/gzip-broken", "not valid gzip: "),
        ("/bomb", "exceeds the 0 MB limit"),
        ("/bombs", "exceeds the 0 MB limit"),
        ("/brotli", "compressed as 'br', expected gzip or deflate"),
        ("/zstd", "compressed as 'zstd', expected gzip or deflate"),
    ],
)
def test_a_bad_answer_is_one_line(site: str, path: str, expected: str) -> None:
    with pytest.raises(SourceError, match=f"{re.escape(site + path)}: {expected}") as raised:
        get(site + path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "path",
    [
        "plain",
        "chunked",
        "until-close",
        "gzip",
        "x-gzip",
        "members",
        "padded",
        "deflate",
        "raw-deflate",
        "twice",
        "identity",
        "gzip-chunked",
    ],
)
def test_whatever_the_transfer_the_content_is_the_same(site: str, path: str) -> None:
    assert get(f"{site}/{path}").content == TEXT


def test_only_compression_that_can_be_read_is_asked_for(site: str) -> None:
    get(f"{site}/plain")
    assert "\r\nAccept-Encoding: gzip, deflate\r\n" in Site.asked[-1]


@pytest.mark.parametrize("path", ["/trickle", "/trickle-headers"])
def test_a_trickling_server_is_left_in_time(site: str, path: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match="timed out"):
        get(site + path, seconds=0.4)
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    "path", ["/новости/бакы?q=ə b", "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/бакы?q=%C9%99%20b#end", "/far"]
)
def test_an_international_address_is_encoded_as_browsers_do(site: str, path: str) -> None:
    assert read(site + path).source == site + path
    assert get(site + path).content == TEXT


@pytest.mark.parametrize("path", ["/a page", "/a%20page", "\\a page", "/a page#b c"])
def test_blanks_and_backslashes_are_encoded_as_browsers_do(site: str, path: str) -> None:
    (article,) = read_urls([f" {site}{path[:3]}\n{path[3:]}\n"], allow_private=True)
    assert isinstance(article, Article)
    assert (article.source, article.text) == (site + path, TEXT.decode())


def test_an_international_host_is_resolved_by_its_ascii_name(site: str) -> None:
    url = f"{site}/plain".replace("127.0.0.1", "\uff4cocal\uff28ost")
    assert get(url).content == TEXT
    assert f"\r\nHost: localhost:{site.rpartition(':')[2]}\r\n" in Site.asked[-1]


@pytest.mark.parametrize(
    "path",
    [
        "article.txt",
        "article.pdf",
        "article.jsonl",
        "raw/tags",
        "upper.txt",
        "xhtml",
        "unknown.html",
        "unknown",
        "strange",
        "page.txt",
        "untyped.pdf",
        "xml-page",
    ],
)
def test_a_page_is_html_whatever_its_address_ends_in(site: str, path: str) -> None:
    assert read(f"{site}/{path}").text == "\n\n".join(PARAGRAPHS)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/raw/page.html", TEXT.decode()),
        ("/bracket", "[The minister] spoke."),
        ("/1251", "Сапёры очистили поле."),
        ("/latin-1", "“Café”"),
        ("/utf-16", "Café"),
        ("/odd-charset", "Café"),
        ("/hex", "Café"),
    ],
)
def test_text_is_read_in_the_charset_that_the_server_names(site: str, path: str, text: str) -> None:
    assert read(site + path).text == text


def test_a_page_is_read_in_the_charset_that_the_server_names(site: str) -> None:
    assert "Сапёры" in read(f"{site}/1251-html").text
    assert "Ёлка" in read(f"{site}/lying").text  # it cannot be in that charset


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/no-charset", "not UTF-8 at byte 4"),
        ("/wrong-charset", "not windows-1252 at byte 4, though the server says so"),
        ("/sitemap.xml", "XML that is neither a page nor a feed"),
        ("/csv", "a table (text/csv); download it, and name the file as SOURCE"),
        ("/json", "a table (application/json); "),
        ("/ndjson", "a table (application/x-ndjson); "),
        ("/ld", "a table (application/ld+json); "),
        ("/xlsx", "a table (application/vnd."),
        ("/parquet", "a table (application/octet-stream); "),
        ("/rows.csv", "a table (text/plain); "),
        ("/rows.csv.gz", "a table (application/octet-stream); "),
        ("/rows.jsonl?x=1", "a table; download it, and name the file as SOURCE"),
        ("/plain-json", "a table (text/plain); "),
        ("/array", "a table; "),
        ("/image", "the server sent image/png, expected a page, document or feed"),
        ("/svg", "the server sent image/svg+xml, expected "),
        ("/style", "the server sent text/css, expected "),
    ],
)
def test_what_is_no_article_is_refused_in_one_line(site: str, path: str, expected: str) -> None:
    assert problem(site + path).startswith(expected)


def test_a_login_is_sent_to_its_own_origin_and_never_shown(site: str) -> None:
    host = site.removeprefix("http://")
    login = "\r\nAuthorization: Basic bWU6c2VjcmV0IQ==\r\n"
    article = read(f"http://me:secret%21@{host}/once")
    assert article.source == f"{site}/once"
    assert [login in request for request in Site.asked[-2:]] == [True, True]
    elsewhere = site.replace("127.0.0.1", "localhost")
    assert get(f"http://me:secret%21@{host}/to/{elsewhere}/plain").content == TEXT
    assert [login in request for request in Site.asked[-2:]] == [True, False]


@pytest.mark.parametrize("path", ["/missing", "/loop", "/short", "/private", "/image", "/csv", "/no-charset"])
def test_no_error_shows_the_password(site: str, path: str) -> None:
    (error,) = read_urls([site.replace("//", "//me:secret@") + path], allow_private=True)
    assert isinstance(error, SourceError)
    assert str(error).startswith(f"{site}{path}: ")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "url", ["http://me:sec/ret@host/", "ftp://me:secret@host/", "me:secret@host", "http://me:secret@host:99999/"]
)
def test_not_even_one_of_no_address(url: str) -> None:
    with pytest.raises(SourceError, match=r"^host.*: not an http or https address: host") as raised:
        get(url)
    assert "ret" not in str(raised.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fec0::1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "2130706433",
        "\uff11\uff12\uff17.0.0.1",
        "%6c%6fcalhost",
        "me:secret@127.0.0.1",
    ],
)
def test_private_addresses_are_refused_unless_allowed(host: str) -> None:
    with pytest.raises(SourceError, match=r"is not a public address|cannot be resolved"):
        fetch(f"http://{host}:9/", max_bytes=10)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_told_from_private_ones(address: str) -> None:
    assert _is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "http://a b/",
        "http://[",
        "http://h:99999/",
        "",
        "example.org",
        "http://h:port/",
        "http://h:0/",
        "http://\ud800/",
        "http://xn--\u00e4/",
        "http://a%00b/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="not an http or https address"):
        get(url)


def test_nobody_listening_is_one_line() -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        get("http://127.0.0.1:9/")


def test_no_secure_connection_is_one_line(site: str) -> None:
    with pytest.raises(SourceError, match="no secure connection"):
        get(site.replace("http:", "https:") + "/plain")
