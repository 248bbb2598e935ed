"""The service's log: one line a request, one format for all that is said, nothing that misleads."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ARTICLE, Service, serving

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LIBRARIES = """
import asyncio, logging, sys, warnings
from pipeline.serve import logs

logs.set_up(sys.argv[1])
warnings.warn("old\\n2026-01-01 forged", stacklevel=1)
logging.getLogger("uvicorn.error").warning("Unsupported upgrade request.")

async def fail(scope, receive, send):
    raise ValueError("\\x1b[31m\\n2026-01-01 forged")

scope = {"type": "http", "method": "GET", "path": "/a", "raw_path": b"/a", "client": ("192.0.2.1", 5)}
try:
    asyncio.run(logs.AccessLog(fail, probes=False)(scope, None, None))
except ValueError:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=True)
"""


def sent(service: Service, data: bytes) -> bytes:
    """Send bytes as they are, and read until the service closes."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return got


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def test_a_request_is_one_line_with_what_operators_ask_for(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        reply = running.ask("/v1/predict?token=hidden", {"article": ARTICLE})
        running.send("HEAD", "/")
        running.ask("/%0anowhere%20")
        first, *lines = running.wait_for("nowhere")
    assert re.fullmatch(rf"{TIME} serving on {running.url}", first)
    predicted, head, nowhere = lines
    size = len(reply.body)
    assert re.fullmatch(rf"{TIME} 127\.0\.0\.1 POST /v1/predict 200 \d+\.\d ms {size} bytes", predicted)
    assert re.fullmatch(rf"{TIME} 127\.0\.0\.1 HEAD / 200 \d+\.\d ms 0 bytes", head)
    assert re.fullmatch(rf"{TIME} 127\.0\.0\.1 GET /%0anowhere%20 404 \d+\.\d ms \d+ bytes", nowhere)


def test_json_has_the_same_in_fields(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--log", "json") as running:
        running.ask("/v1/predict", b"{", content_type="application/json")
        first, row = [json.loads(line) for line in running.wait_for("/v1/predict")]
    assert (first["level"], first["message"]) == ("info", f"serving on {running.url}")
    assert re.fullmatch(TIME, row.pop("time"))
    assert row.pop("milliseconds") > 0
    assert row.pop("bytes") > 10
    expected = {"level": "info", "client": "127.0.0.1", "method": "POST", "path": "/v1/predict", "status": 422}
    assert row == expected


def test_off_logs_no_request_and_the_rest(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--log", "off") as running:
        running.ask("/v1/topics")
        sent(running, b"not HTTP\r\n\r\n")
        running.process.terminate()
        running.process.wait(timeout=20)
        (line,) = running.lines()
    assert "serving on" in line


@pytest.mark.parametrize(("options", "logged"), [([], 0), (["--log-probes"], 3)])
def test_probes_are_logged_if_asked_for(
    small_model: Path, tmp_path: Path, options: list[str], logged: int
) -> None:
    with serving(small_model, tmp_path, "--root-path", "/topics", *options) as running:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert running.ask(path).status == 200
        running.ask("/v1/topics")
        lines = running.wait_for("/v1/topics")
    assert len([line for line in lines if re.search("healthz|readyz|metrics", line)]) == logged


def test_a_probe_that_fails_is_logged(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        assert running.ask("/healthz", host="evil.example").status == 400
        assert " GET /healthz 400 " in running.wait_for("/healthz")[1]


def test_what_is_no_request_is_one_line_too(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--max-seconds", "2") as running:
        assert sent(running, b"not HTTP\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert sent(running, b"GET /late HTTP/1.1\r\n").startswith(b"HTTP/1.1 408 ")
        assert sent(running, b"").startswith(b"HTTP/1.1 408 ")
        sent(running, get("/last"))
        _, wrong, late, last = running.wait_for("/last")
    assert re.fullmatch(rf"{TIME} 127\.0\.0\.1 - - 400 0\.0 ms 30 bytes", wrong)
    assert re.fullmatch(rf"{TIME} 127\.0\.0\.1 - - 408 2000\.0 ms 58 bytes", late)
    assert " GET /last 404 " in last


def test_a_password_in_an_address_is_not_logged(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        sent(running, get("http://me:hidden@localhost/there?a=hidden"))
        assert " GET http://localhost/there 404 " in running.wait_for("/there")[1]


def test_the_client_is_whom_a_trusted_proxy_names(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        sent(running, get("/a", "X-Forwarded-For: 192.0.2.7"))
        assert " 127.0.0.1 GET /a " in running.wait_for("/a")[1]
    with serving(small_model, tmp_path, "--trusted-proxy", "127.0.0.0/8") as running:
        sent(running, get("/a", "X-Forwarded-For: 192.0.2.7"))
        sent(running, get("/b", "X-Forwarded-For: \x9b31m\x85forged"))
        _, named, forged = running.wait_for("/b")
    assert " 192.0.2.7 GET /a " in named
    assert " \\x9b31m\\x85forged GET /b " in forged


def test_what_libraries_log_is_in_the_same_format() -> None:
    warned, upgrade, request, error, *traceback = logged("plain")
    assert re.fullmatch(rf"{TIME} warning: .*UserWarning: old\\n2026-01-01 forged.*", warned)
    assert re.fullmatch(rf"{TIME} warning: Unsupported upgrade request\.", upgrade)
    assert re.fullmatch(rf"{TIME} 192\.0\.2\.1 GET /a 500 \d+\.\d ms 0 bytes", request)
    assert re.fullmatch(rf"{TIME} error: Exception in ASGI application", error)
    assert traceback[0] == "  | Traceback (most recent call last):"
    assert traceback[-2:] == ["  | ValueError: \\x1b[31m", "  | 2026-01-01 forged"]


def test_a_traceback_is_part_of_its_line_in_json() -> None:
    _, _, request, error = map(json.loads, logged("json"))
    assert (request["status"], request["path"]) == (500, "/a")
    assert (error["level"], error["message"]) == ("error", "Exception in ASGI application")
    assert error["traceback"].endswith("ValueError: \x1b[31m\n2026-01-01 forged")


def logged(kind: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", LIBRARIES, kind], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()
