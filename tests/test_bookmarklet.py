"""The bookmarklet in a real browser: on pages of another origin, with a strict policy, and with a token."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from serving import ARTICLE, Service, serving
from test_page_in_browser import CHROMIUM

pytestmark = pytest.mark.skipif(
    not CHROMIUM and os.environ.get("CI") != "true",
    reason="no browser: apt-get install chromium, or name one in CHROMIUM",
)
PARAGRAPHS = "".join(f"<p>{paragraph} {paragraph}</p>" for paragraph in ARTICLE.split("\n\n"))
NEWS = (
    "<!doctype html><html><head><title>Fields are free</title><script>var hidden = 1;</script></head><body>"
    f"<nav><a href='/'>Home</a></nav><article><h1>Fields are free</h1>{PARAGRAPHS}</article></body></html>"
)
POLICIES = {
    "/open": {},
    "/strict": {"content-security-policy": "default-src 'none'; form-action 'none'; connect-src 'none'"},
    "/apart": {"cross-origin-opener-policy": "same-origin"},
}


class NewsSite(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = NEWS.encode()
        self.send_response(200)
        for name, value in (POLICIES.get(self.path) or {}).items():
            self.send_header(name, value)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve a news site of another origin on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), NewsSite)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "CI needs a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def own_service(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(small_model, tmp_path_factory.mktemp("bookmarklet")) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as made:
        yield made


def bookmark(context: BrowserContext, service: str) -> str:
    """Return the code that the page offers, as a browser keeps it in a bookmark."""
    page = context.new_page()
    page.goto(f"{service}/bookmarklet")
    link = page.get_by_role("link", name="Topics of this page").get_attribute("href") or ""
    page.close()
    assert link.startswith("javascript:")
    return unquote(link.removeprefix("javascript:"))


def clicked(context: BrowserContext, address: str, code: str, *, select: str | None = None) -> Page:
    """Read a page, click the bookmark there, and return the window that opens."""
    news = context.new_page()
    news.goto(address)
    if select:
        news.locator(select).select_text()
    with context.expect_page() as opened:
        news.evaluate(code)
    return opened.value


@pytest.mark.parametrize("path", ["/open", "/strict"])
def test_the_article_of_a_page_is_shown_with_its_topics(
    context: BrowserContext, own_service: Service, site: str, path: str
) -> None:
    page = clicked(context, site + path, bookmark(context, own_service.url))
    expect(page.locator(".paragraph.tinted")).to_have_count(2)
    expect(page).to_have_url(f"{own_service.url}/bookmarklet/receive")
    text = page.get_by_label("Paste an article").input_value()
    assert text.startswith("Fields are free\n\nSappers cleared")
    assert "Home" not in text
    assert "hidden" not in text
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    assert b"mine_action" in waiting.value.path().read_bytes()


def test_only_what_is_selected_is_read(context: BrowserContext, own_service: Service, site: str) -> None:
    code = bookmark(context, own_service.url)
    page = clicked(context, f"{site}/open", code, select="article p:nth-of-type(2)")
    expect(page.locator(".paragraph")).to_have_count(1)
    expect(page.locator(".paragraph")).to_contain_text("peace talks")


def test_a_site_that_keeps_its_windows_apart_is_told(
    context: BrowserContext, own_service: Service, site: str
) -> None:
    page = clicked(context, f"{site}/apart", bookmark(context, own_service.url))
    expect(page.get_by_role("alert")).to_contain_text("the site keeps its windows apart")


def test_a_service_below_a_path_with_a_token_asks_for_it_once(
    browser: Browser, small_model: Path, tmp_path: Path, site: str
) -> None:
    (tmp_path / "token").write_text("a secret\n")
    options = ("--token-file", str(tmp_path / "token"), "--root-path", "/topics")
    with (
        serving(small_model, tmp_path, *options) as running,
        browser.new_context(http_credentials={"username": "any", "password": "a secret"}) as context,
    ):
        code = bookmark(context, running.url)
        assert "a secret" not in code
        page = clicked(context, f"{site}/strict", code)
        expect(page.locator(".paragraph.tinted")).to_have_count(2)


def test_another_window_than_the_opener_cannot_hand_over_a_text(
    context: BrowserContext, own_service: Service, site: str
) -> None:
    context.clock.install(time=0)
    context.clock.pause_at(1)
    news = context.new_page()
    news.goto(f"{site}/open")
    with context.expect_page() as opened:
        news.evaluate(f"window.opened = open('{own_service.url}/bookmarklet/receive', '_blank')")
    page = opened.value
    page.wait_for_load_state()  # or its script would not hear what follows
    expect(page.locator("#waiting")).to_be_visible()
    page.evaluate(  # from this window itself, not from its opener
        "window.postMessage({selected: 'A forged text.', page: '', title: ''}, '*')"
    )
    news.evaluate("window.opened.postMessage('no text', '*')")
    news.evaluate("window.opened.postMessage({selected: 1}, '*')")
    page.clock.run_for(10_000)
    expect(page.locator("#missing")).to_be_visible()
    assert page.locator(".paragraph").count() == 0
    news.evaluate("window.opened.postMessage({selected: 'A text.', page: '', title: ''}, '*')")
    expect(page.locator(".paragraph .text")).to_have_text(["A text."])


def test_another_site_can_neither_post_nor_keep_hold_of_the_window(
    context: BrowserContext, own_service: Service, site: str
) -> None:
    refused = own_service.send("POST", "/bookmarklet/receive", b"article=a", sec_fetch_site="cross-site")
    assert refused.status == 403
    apart = {"cross-origin-opener-policy": "same-origin"}
    assert {name.lower(): value for name, value in own_service.ask("/").headers.items()}.items() >= apart.items()
    shown = own_service.ask("/bookmarklet/receive").headers
    assert {name.lower(): value for name, value in shown.items()}["cross-origin-opener-policy"] == "unsafe-none"
    code = bookmark(context, own_service.url).replace("const opened = open", "const opened = window.kept = open")
    news = context.new_page()
    news.goto(f"{site}/open")
    with context.expect_page() as opened:
        news.evaluate(code)
    expect(opened.value.locator(".paragraph.tinted")).to_have_count(2)
    assert news.evaluate("window.kept.closed")  # the answer cut the tie
