"""The service under a public name and path, as a proxy sends requests on: with the path or without it."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ports import free_port
from serving import ARTICLE, Service, serving
from test_pages import form

NGINX = shutil.which("nginx")
PUBLIC = {"host": "topics.example.org", "x_forwarded_proto": "https"}
OPTIONS = [
    "--root-path",
    "/topics/",
    "--allowed-host",
    "Topics.Example.org",
    "--allowed-host",
    "\u0442\u0435\u043c\u0430.example:8443",
]
DOCS = Path(__file__).parents[1] / "docs" / "serve.md"


@pytest.fixture(scope="module")
def published(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service for a proxy; its address ends in the root path."""
    with serving(small_model, tmp_path_factory.mktemp("published"), *OPTIONS) as running:
        yield running


@pytest.fixture(scope="module", params=["path", "no path"])
def proxied(published: Service, request: pytest.FixtureRequest) -> Service:
    """Give the service as a proxy asks it that keeps the path, and one that takes it away."""
    assert published.url.endswith("/topics")
    return published if request.param == "path" else replace(published, url=published.url.removesuffix("/topics"))


@pytest.mark.parametrize("path", ["/", "/?example=0", "/label", "/review", "/model", "/corrections", "/docs"])
def test_every_address_of_a_page_has_the_path(proxied: Service, path: str) -> None:
    reply = proxied.ask(path, **PUBLIC)
    assert reply.status == 200
    found = re.findall(r'(?:href|src|action|formaction)="(/[^"]*)"', reply.body.decode())
    assert found
    assert [address for address in found if not address.startswith("/topics/")] == []
    for address in found:
        if not address.endswith(("form=jsonl", "form=csv", "form=html", "form=xlsx", "/undo")):  # they take forms
            assert proxied.ask(address.removeprefix("/topics"), **PUBLIC).status == 200, address


def test_the_script_asks_below_the_path(proxied: Service) -> None:
    assert '<html lang="en" data-root="/topics">' in proxied.ask("/", **PUBLIC).body.decode()
    script = proxied.ask("/static/page.js", **PUBLIC).body.decode()
    assert re.findall(r"fetch\(`([^`?]+)", script) == [
        "${root}/fragment",
        "${root}${path}",
        "${root}/download",
    ]


def test_redirects_and_the_description_have_the_path(published: Service, proxied: Service) -> None:
    description = proxied.ask("/openapi.json", **PUBLIC).json()
    assert description["servers"] == [{"url": "/topics"}]
    assert "/v1/predict" in description["paths"]
    bare = replace(published, url=published.url.removesuffix("/topics"))
    assert bare.ask("/topics", **PUBLIC).status == 200
    assert proxied.ask("/favicon.ico", **PUBLIC).headers["content-type"] == "image/svg+xml"


def test_the_api_and_the_form_work_under_the_public_name(proxied: Service) -> None:
    own = {**PUBLIC, "origin": "https://topics.example.org"}
    assert proxied.ask("/v1/predict", {"texts": [ARTICLE]}, **own).status == 200
    assert b"Sappers" in proxied.ask("/", form(article=ARTICLE), **own).body
    assert proxied.send("HEAD", "/", **PUBLIC).status == 200
    wrong = proxied.ask("/v1/predict", **PUBLIC)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    shown = proxied.ask("/nowhere", accept="text/html", **PUBLIC)
    assert (shown.status, b'href="/topics/"' in shown.body) == (404, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "topics.example.org"}, 200),
        ({"host": "TOPICS.example.org."}, 200),
        ({"host": "topics.example.org:443"}, 200),
        ({"host": "xn--80ajvw.example:8443"}, 200),
        ({"host": "127.0.0.1:8000"}, 200),
        ({"host": "127.0.0.1:8000", "origin": "https://topics.example.org"}, 200),
        ({"host": "127.0.0.1:8000", "origin": "https://xn--80ajvw.example:8443"}, 200),
        ({"host": "topics.example.org", "origin": "https://topics.example.org"}, 200),
        ({"host": "topics.example.org", "origin": "null", "sec_fetch_site": "same-origin"}, 200),
        ({"host": "example.org"}, 400),
        ({"host": "evil.topics.example.org"}, 400),
        ({"host": "topics.example.org.evil.example"}, 400),
        ({"host": ""}, 400),
        ({"host": "topics.example.org", "origin": "https://evil.example"}, 403),
        ({"host": "topics.example.org", "origin": "https://topics.example.org:444"}, 403),
        ({"host": "topics.example.org", "origin": "https://xn--80ajvw.example"}, 403),
        ({"host": "topics.example.org", "origin": "null"}, 403),
        ({"host": "topics.example.org", "sec_fetch_site": "cross-site"}, 403),
        ({"host": "topics.example.org", "sec_fetch_site": "same-site"}, 403),
        ({"host": "evil.example", "x_forwarded_host": "topics.example.org"}, 400),
    ],
)
def test_only_the_names_that_were_given_are_accepted(published: Service, headers: dict, status: int) -> None:
    assert published.ask("/v1/predict", {"texts": [ARTICLE]}, **headers).status == status


def test_a_service_for_others_takes_any_name_unless_one_is_given(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    options = ["--host", "0.0.0.0", "--token-file", str(tmp_path / "token")]
    token = {"authorization": "Bearer secret"}
    with serving(small_model, tmp_path, *options) as running:
        assert running.ask("/v1/topics", host="any.example", **token).status == 200
    with serving(small_model, tmp_path, *options, "--allowed-host", "topics.example.org") as running:
        assert running.ask("/v1/topics", host="any.example", **token).status == 400
        assert running.ask("/v1/topics", host="topics.example.org", **token).status == 200
        assert running.ask("/healthz", host="127.0.0.1:8000").status == 200


@pytest.mark.skipif(not NGINX, reason="no proxy: apt-get install nginx-light")
def test_the_configuration_in_the_docs_works(published: Service, tmp_path: Path) -> None:
    (server,) = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    port = free_port()
    upstream = published.url.removeprefix("http://").removesuffix("/topics")
    server = server.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};").replace("127.0.0.1:8000", upstream)
    server = re.sub(r"ssl_.*;", "", server)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; daemon off; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {folders} {server} }}"
    )
    process = subprocess.Popen([NGINX, "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.PIPE, text=True)
    try:
        through = Service(f"http://127.0.0.1:{port}/topics", published.process, tmp_path)
        _wait(port)
        own = {"host": "topics.example.org", "origin": "https://topics.example.org"}
        assert b"Sappers" in through.ask("/", form(article=ARTICLE), **own).body
        assert through.ask("/v1/predict", {"article": ARTICLE}, **own).status == 200
        assert through.ask("/static/page.js", **own).status == 200
    finally:
        process.terminate()
        process.wait(timeout=20)
        assert process.stderr
        process.stderr.close()


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
