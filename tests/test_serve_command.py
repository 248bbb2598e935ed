"""Start and end of `topics serve`."""

import signal
import threading
import time
from pathlib import Path

import pytest
import support
from serving import serving


@pytest.mark.parametrize(
    ("options", "status", "problem"),
    [
        (["--model", "missing"], 1, "no trained model here"),
        (["--host", "192.0.2.1"], 1, "cannot listen"),
        (["--token-file", "missing"], 1, "cannot read the token"),
        (["--port", "99999"], 2, "99999"),
    ],
)
def test_a_service_that_cannot_start_says_why(
    small_model: Path, options: list[str], status: int, problem: str
) -> None:
    done = support.run("serve", "--model", small_model, "--port", "0", *options)
    assert (done.returncode, problem in done.stderr, "Traceback" in done.stderr) == (status, True, False)


@pytest.mark.parametrize("signalled", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_what_is_in_flight(small_model: Path, tmp_path: Path, signalled: signal.Signals) -> None:
    with serving(small_model, tmp_path) as running:
        replies: list[int] = []
        text = " ".join(f"word{i} landmines" for i in range(20_000))
        asking = threading.Thread(
            target=lambda: replies.append(running.ask("/v1/predict", {"texts": [text], "explain": True}).status)
        )
        asking.start()
        end = time.monotonic() + 10
        while (
            "topics_requests_running 2.0" not in running.ask("/metrics").body.decode() and time.monotonic() < end
        ):
            pass
        running.process.send_signal(signalled)
        asking.join()
        assert running.process.wait(timeout=20) == 0
    assert replies == [200]
