"""Start and end of `topics serve`."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
import support
from serving import Service, serving

DOCS = Path(__file__).parents[1] / "docs" / "serve.md"
REQUEST = {"texts": ["landmines"]}


@pytest.mark.parametrize(
    ("options", "status", "problem"),
    [
        (["--model", "missing"], 1, "no trained model here"),
        (["--host", "192.0.2.1", "--insecure"], 1, "cannot listen"),
        (["--host", "0.0.0.0"], 2, "--host 0.0.0.0 lets others reach the service: add --token-file or --insecure"),
        (["--host", "::"], 2, "add --token-file or --insecure"),
        (["--token-file", "missing"], 1, "cannot read the token"),
        (["--port", "99999"], 2, "99999"),
        (
            ["--annotations", "/proc/annotations.sqlite3"],
            1,
            "/proc/annotations.sqlite3: cannot save annotations: ",
        ),
        (["--annotations", __file__], 1, "cannot save annotations: file is not a database"),
        (["--annotations", f"{__file__}/c.sqlite3"], 1, f"annotations: {__file__} is not a folder"),
        (["--annotations", "tests"], 1, "tests: cannot save annotations: expected a file, not a folder"),
        (["--model", "models:/"], 1, "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        (["--trusted-proxy", "proxy.example"], 2, "expected an address or network, such as 10.0.0.0/8"),
        (["--trusted-proxy", "*"], 2, "expected an address or network"),
        (["--log", "xml"], 2, "--log"),
        (["--refresh", "0"], 2, "--refresh"),
        (["--max-seconds", "0"], 2, "--max-seconds"),
        (["--max-seconds", "-1"], 2, "--max-seconds"),
        (["--max-seconds", "nan"], 2, "'nan' is not a number"),
        (["--max-seconds", "inf"], 2, "--max-seconds"),
        (["--max-requests", "0"], 2, "--max-requests"),
        (["--max-body", "-5"], 2, "--max-body"),
        (["--max-texts", "0"], 2, "--max-texts"),
        (["--workers", "0"], 2, "--workers"),
        (["--allowed-host", "https://a.example"], 2, "expected a host's name, such as topics.example.org"),
        (["--allowed-host", "a.example/"], 2, "expected a host's name"),
        (["--allowed-host", "*"], 2, "expected a host's name"),
        (["--allowed-host", ""], 2, "expected a host's name"),
        (["--root-path", "topics"], 2, "expected a path, such as /topics"),
        (["--root-path", "/a//b"], 2, "expected a path, such as /topics"),
        (["--root-path", "/../b"], 2, "expected a path, such as /topics"),
        (["--root-path", '/"><script>'], 2, "expected a path, such as /topics"),
        (["--root-path", "/v1"], 2, "the service has such paths itself"),
    ],
)
def test_a_service_that_cannot_start_says_why(
    small_model: Path, options: list[str], status: int, problem: str
) -> None:
    done = support.run("serve", "--model", small_model, "--port", "0", *options)
    assert (done.returncode, problem in done.stderr, "Traceback" in done.stderr) == (status, True, False)
    assert status == 2 or done.stderr.count("\n") == 1


@pytest.mark.parametrize("signalled", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_what_is_in_flight(small_model: Path, tmp_path: Path, signalled: signal.Signals) -> None:
    replies: list[int] = []
    with serving(small_model, tmp_path, "--max-seconds", "60") as running:
        asking = threading.Thread(target=lambda: replies.append(running.ask("/v1/predict", REQUEST).status))
        with held(running):
            asking.start()
            running.wait_for_metric("topics_requests_running 2.0")
            running.process.send_signal(signalled)
        asking.join()
        assert running.process.wait(timeout=60) == 0
    assert replies == [200]


def test_what_is_in_flight_cannot_hold_up_the_end(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--max-seconds", "15") as running:
        suspend(running)
        asking = [threading.Thread(target=running.ask, args=("/v1/predict", REQUEST)) for _ in range(2)]
        for thread in asking:
            thread.start()
        running.wait_for_metric("topics_requests_running 3.0")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=60) == 0
        allowed = (" POST /v1/predict 413 ", "that predict")  # processes that were ended are replaced to the last
        assert not [line for line in running.lines()[1:] if not any(phrase in line for phrase in allowed)]
        for thread in asking:
            thread.join()


def test_interrupting_the_whole_group_finishes_what_is_in_flight(small_model: Path, tmp_path: Path) -> None:
    replies: list[int] = []
    with serving(small_model, tmp_path, "--max-seconds", "60", start_new_session=True) as running:
        asking = threading.Thread(target=lambda: replies.append(running.ask("/v1/predict", REQUEST).status))
        with held(running):
            asking.start()
            running.wait_for_metric("topics_requests_running 2.0")
            os.killpg(running.process.pid, signal.SIGINT)
        asking.join()
        running.process.wait(timeout=60)
    assert replies == [200]


def test_connections_are_closed_as_the_service_ends(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--max-seconds", "60") as running:
        connection = HTTPConnection(running.url.removeprefix("http://"), timeout=60)
        connection.request("GET", "/healthz")
        with connection.getresponse() as before:
            assert before.headers["connection"] is None
            before.read()
        with held(running):
            connection.request("POST", "/v1/predict", json.dumps(REQUEST), {"content-type": "application/json"})
            running.wait_for_metric("topics_requests_running 2.0")
            running.process.send_signal(signal.SIGTERM)
        with connection.getresponse() as after:
            assert (after.status, after.headers["connection"]) == (200, "close")
            after.read()
        connection.close()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_the_unit_in_the_docs_is_valid_and_its_command_starts(small_model: Path, tmp_path: Path) -> None:
    (unit,) = re.findall(r"```ini\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    program = Path(sys.executable).with_name("topics")
    (tmp_path / "topics.service").write_text(unit.replace("/opt/topics/bin/topics", str(program)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "topics.service"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    (command,) = re.findall(r"ExecStart=\S+ serve ((?:.*\\\n)*.*)\n", unit)
    (tmp_path / "token").write_text("secret")
    for stands, here in (("\\\n", " "), ("%d", str(tmp_path)), ("%S/topics", str(tmp_path))):
        command = command.replace(stands, here)
    options = dict(zip(command.split()[::2], command.split()[1::2], strict=True))
    options |= {"--model": str(small_model), "--port": "0"}
    with serving(small_model, None, *(part for pair in options.items() for part in pair)) as running:
        assert running.ask("/v1/topics", authorization="Bearer secret").status == 200


@contextmanager
def held(running: Service) -> Iterator[None]:
    """Hold the processes that predict still, until the service has noticed the signal that the block sends."""
    processes = suspend(running)
    try:
        yield
        wait_until_refused(running)
        time.sleep(1)  # in which a service that waits for nothing would end
    finally:
        for process in processes:
            process.resume()


def suspend(running: Service) -> list[psutil.Process]:
    """Hold the processes that predict still, once all have started."""
    running.wait_for_metric("topics_workers 2.0")
    processes = psutil.Process(running.process.pid).children(recursive=True)
    for process in processes:
        process.suspend()
    return processes


def wait_until_refused(running: Service) -> None:
    """Wait until the service accepts no new connection, as it does from the begin of its end."""
    host, port = running.url.removeprefix("http://").split(":")
    end = time.monotonic() + 20  # the end waits for 30 seconds at most
    while time.monotonic() < end:
        try:
            socket.create_connection((host, int(port)), timeout=20).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("new connections are still accepted")
