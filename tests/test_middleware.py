import base64
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest
from serving import ARTICLE, Reply, Service, serving

JSON = "application/json"
RIGHT = {"authorization": "Bearer a secret"}


@pytest.fixture(scope="module")
def strict(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service with narrow limits and a token."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "token").write_text("a secret\n")
    limits = ["--max-body", "20000", "--max-texts", "5", "--max-seconds", "20", "--max-requests", "4"]
    with serving(small_model, folder, *limits, "--token-file", str(folder / "token")) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service that waits for a request for a second."""
    with serving(small_model, tmp_path_factory.mktemp("impatient"), "--max-seconds", "1") as running:
        yield running


def ask(service: Service, data: object, **headers: str) -> tuple[int, str]:
    reply = service.ask("/v1/predict", data, **{**RIGHT, **headers})
    return reply.status, reply.json().get("detail", "")


def connected(service: Service) -> socket.socket:
    host, port = service.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def raw(service: Service, *pieces: bytes) -> bytes:
    """Send bytes as they are, and read until the service closes."""
    with connected(service) as connection:
        for piece in pieces:
            connection.sendall(piece)
        got = b""
        while piece := connection.recv(65536):
            got += piece
    return got


HEAD = (
    b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a secret\r\n"
    b"Content-Type: application/json\r\n"
)


@pytest.mark.parametrize(
    ("data", "status", "problem"),
    [
        (b"{", 422, "JSON"),
        (b"", 422, "required"),
        (b"\xff\xfe\xff", 400, "parsing the body"),
        (b"[" * 19_000, 400, "parsing the body"),
        (b'{"texts": [1]}', 422, "string"),
        (b'{"texts": "a"}', 422, "list"),
        (b'{"texts": ["a"], "article": "a"}', 422, "not permitted"),
        (b'{"texts": ["a"], "explain": 1}', 422, "boolean"),
        (b'{"texts": ["a\\u0000"]}', 422, "pattern"),
        (b'{"texts": ["\\ud800"]}', 422, "string"),
        (b'{"texts": [NaN]}', 422, "string"),
        (b'{"article": "a\\u0000"}', 422, "pattern"),
        (json.dumps({"texts": ["a"] * 6}).encode(), 413, "exceed the limit of 5"),
        (json.dumps({"article": "a\n\n" * 6}).encode(), 413, "exceed the limit of 5"),
        (json.dumps({"texts": ["a" * 30_000]}).encode(), 413, "exceeds the limit of 20000 bytes"),
    ],
)
def test_what_is_wrong_is_said_and_is_no_server_error(
    strict: Service, data: bytes, status: int, problem: str
) -> None:
    got, detail = ask(strict, data, content_type=JSON)
    assert (got, problem in detail) == (status, True), detail


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/corrections"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("", "content-type: none, expected application/json"),
        ("text/plain", "content-type: text/plain, expected application/json"),
        ("application/x-www-form-urlencoded", "content-type: application/x-www-form-urlencoded, expected "),
    ],
)
def test_a_body_of_another_type_is_refused_by_its_name(service: Service, path: str, kind: str, said: str) -> None:
    reply = service.ask(path, b'{"texts": ["a"]}', content_type=kind)
    assert (reply.status, reply.json()["detail"].startswith(said)) == (415, True)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
def test_json_by_any_of_its_types_is_read(service: Service, kind: str) -> None:
    assert service.ask("/v1/predict", b'{"texts": ["a"]}', content_type=kind).status == 200


def test_a_compressed_body_is_refused_as_such(service: Service) -> None:
    body = gzip.compress(b'{"texts": ["a"]}')
    reply = service.ask("/v1/predict", body, content_type=JSON, content_encoding="gzip")
    expected = {"detail": "content-encoding: expected a request that is not compressed"}
    assert (reply.status, reply.json()) == (415, expected)


def test_after_a_request_that_was_ended_others_are_answered_again(small_model: Path, tmp_path: Path) -> None:
    """A new process takes longer to start than this limit."""
    article = "\n\n".join(f"{i} " + "landmines and peace talks in the field " * 20 for i in range(1000))
    with serving(small_model, tmp_path, "--max-seconds", "0.5", "--workers", "1") as running:
        assert running.ask("/v1/predict", {"article": article, "explain": True}).status == 413
        end, status = time.monotonic() + 120, 0
        while status != 200 and time.monotonic() < end:
            status = running.ask("/v1/predict", {"texts": ["Sappers cleared landmines."]}).status
        assert status == 200


def test_two_heavy_requests_do_not_hold_up_others(small_model: Path, tmp_path: Path) -> None:
    hostile = {"texts": ["a" + "\u0301\u0316" * 30_000 + " landmines" * 60_000], "explain": True}
    with serving(small_model, tmp_path, "--max-seconds", "10", "--workers", "3") as running:
        assert running.ask("/healthz").status == 200
        started = time.monotonic()
        replies: list[int] = []
        asking = [
            threading.Thread(target=lambda: replies.append(running.ask("/v1/predict", hostile).status))
            for _ in range(2)
        ]
        for thread in asking:
            thread.start()
        for _ in range(3):
            assert running.ask("/v1/predict", {"texts": [ARTICLE], "explain": True}).status == 200
            assert running.ask("/healthz").status == 200
        for thread in asking:
            thread.join()
        assert set(replies) <= {200, 413}
        assert time.monotonic() - started < 60


def test_a_paragraph_of_ten_megabytes_is_refused(service: Service) -> None:
    reply = service.ask("/v1/predict", {"texts": ["landmines " * 1_000_000]})
    assert (reply.status, reply.json()) == (413, {"detail": "exceeds the limit of 1000000 bytes"})


def test_the_largest_body_is_answered(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--max-seconds", "50") as running:
        reply = running.ask("/v1/predict", {"texts": ["landmines " * 99_000], "explain": True})
        assert reply.status == 200


def test_what_takes_too_long_to_answer_is_given_up(small_model: Path, tmp_path: Path) -> None:
    article = "\n\n".join(f"{i} " + "landmines and peace talks in the field " * 20 for i in range(1000))
    with serving(small_model, tmp_path, "--max-seconds", "0.5") as running:
        reply = running.ask("/v1/predict", {"article": article, "explain": True})
        assert (reply.status, "exceeds the limit of 0.5 seconds" in reply.json()["detail"]) == (413, True)
        assert running.ask("/healthz").status == 200


def test_a_body_in_chunks_is_counted_too(strict: Service) -> None:
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    answer = raw(strict, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, chunk, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"Content-Length: 100\r\n\r\n", b"{"),
        (HEAD[:20],),
        (b"",),
    ],
    ids=["body", "headers", "nothing"],
)
def test_a_slow_client_is_told_so_and_left(impatient: Service, pieces: tuple[bytes, ...]) -> None:
    assert raw(impatient, *pieces).startswith(b"HTTP/1.1 408 ")


def test_a_second_request_may_not_dawdle_either(impatient: Service) -> None:
    connection = HTTPConnection(impatient.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/healthz")
    with connection.getresponse() as first:
        assert (first.status, first.read()) == (200, b'{"status":"ok"}')
    connection.sock.sendall(b"GET /healthz HT")
    assert connection.sock.recv(65536).startswith(b"HTTP/1.1 408 ")
    connection.close()


def test_a_client_that_leaves_is_no_error(strict: Service) -> None:
    with connected(strict) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    assert ask(strict, {"texts": []})[0] == 200


def test_too_many_at_once_are_told_to_wait(strict: Service) -> None:
    with ExitStack() as waiting:
        for _ in "four":
            waiting.enter_context(connected(strict)).sendall(HEAD + b"Content-Length: 9\r\n\r\n")
        reply = until(strict, 429)
        assert strict.ask("/healthz").status == 200
    assert "retry-after" in {name.lower() for name in reply.headers}
    until(strict, 200)


def until(service: Service, status: int) -> Reply:
    """Ask until the status is so."""
    end = time.monotonic() + 60
    while (reply := service.ask("/v1/predict", {"texts": []}, **RIGHT)).status != status:
        assert time.monotonic() < end, reply
        time.sleep(0.02)
    return reply


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer wrong", 401),
        ("Bearer a secret", 200),
        ("Basic " + base64.b64encode(b"anybody:a secret").decode(), 200),
        ("Basic " + base64.b64encode(b"anybody:wrong").decode(), 401),
        ("Basic \u00e4", 401),
    ],
)
def test_a_token_is_asked_for(strict: Service, authorization: str, status: int) -> None:
    assert strict.ask("/v1/topics", authorization=authorization.encode().decode("latin-1")).status == status
    assert strict.ask("/").status == 401
    assert strict.ask("/healthz").status == 200


def test_wrong_tokens_are_counted_and_slowed_and_the_right_one_is_not(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    with serving(small_model, tmp_path, "--token-file", str(tmp_path / "token")) as running:
        assert timed(running, "Bearer secret")[0] == 200
        wrong = [timed(running, f"Bearer {guess}") for guess in ("a", "b", "")]
        guessing = [threading.Thread(target=timed, args=(running, "Bearer wrong")) for _ in range(20)]
        for thread in guessing:
            thread.start()
        running.wait_for_metric("topics_wrong_tokens_total 23.0", authorization="Bearer secret")
        missing, right = timed(running, ""), timed(running, "Bearer secret")
        assert any(thread.is_alive() for thread in guessing), (
            "who sends no wrong token does not wait as guesses do"
        )
        for thread in guessing:
            thread.join()
        running.wait_for_metric("topics_wrong_tokens_total 23.0", authorization="Bearer secret")
    for (status, seconds), least in zip(wrong, (0.1, 0.2, 0.4), strict=True):
        assert (status, seconds >= least) == (401, True)
    assert (missing[0], right[0]) == (401, 200)


def test_guesses_in_parallel_are_refused_unread(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    replies: list[tuple[int, float]] = []
    with serving(small_model, tmp_path, "--token-file", str(tmp_path / "token")) as running:
        for _ in range(3):
            timed(running, "Bearer wrong")
        guessing = [
            threading.Thread(target=lambda: replies.append(timed(running, "Bearer wrong"))) for _ in range(24)
        ]
        for thread in guessing:
            thread.start()
        for thread in guessing:
            thread.join()
        assert timed(running, "Bearer secret")[0] == 200
    statuses = [status for status, _ in replies]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) >= 16
    assert all(seconds >= 0.8 for status, seconds in replies if status == 401)


def timed(service: Service, authorization: str) -> tuple[int, float]:
    started = time.monotonic()
    headers = {"authorization": authorization} if authorization else {}
    return service.ask("/v1/topics", **headers).status, time.monotonic() - started


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 400),
        ({"host": "["}, 400),
        ({"origin": "https://evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_cannot_use_a_local_service(service: Service, headers: dict, status: int) -> None:
    assert service.ask("/v1/predict", {"texts": [ARTICLE]}, **headers).status == status
