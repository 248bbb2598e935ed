import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from serving import Service, serving

from pipeline.serve.refusal import RefusedError
from pipeline.serve.workers import Workers

ENDLESS = pow, 7, 10**9  # minutes in one step that lets no other thread of its process work


def warming() -> tuple:
    return pow, 2, 10


def gathered(workers: Workers, *calls: tuple) -> list:
    """Do work at once, and end the processes."""

    async def run() -> list:
        found = await asyncio.gather(*(workers.run(*call) for call in calls), return_exceptions=True)
        await workers.close()
        return found

    return asyncio.run(run())


def test_what_is_computed_comes_back() -> None:
    assert gathered(Workers(2, 60, warming), (pow, 2, 10), (sorted, [2, 1])) == [1024, [1, 2]]


def test_endless_work_is_ended_and_holds_up_nobody() -> None:
    started = time.monotonic()
    first, second, third = gathered(Workers(3, 8, warming), ENDLESS, ENDLESS, (pow, 2, 10))
    assert [(error.status, error.detail) for error in (first, second)] == [
        (413, "exceeds the limit of 8 seconds")
    ] * 2
    assert third == 1024
    assert time.monotonic() - started < 30


def test_a_process_that_was_ended_is_replaced() -> None:
    async def run() -> list:
        workers = Workers(1, 5, warming)
        await workers.start()
        found = await asyncio.gather(workers.run(*ENDLESS), return_exceptions=True)
        await workers.start()
        found.append(await workers.run(pow, 2, 10))
        await workers.close()
        return found

    refused, found = asyncio.run(run())
    assert (refused.status, found) == (413, 1024)


def test_errors_come_back_as_they_are() -> None:
    (wrong, refused) = gathered(Workers(1, 60, warming), (int, "x"), (refuse,))
    assert isinstance(wrong, ValueError)
    assert isinstance(refused, RefusedError)
    assert (refused.status, refused.detail, str(refused)) == (415, "no", "no")


def refuse() -> None:
    raise RefusedError(415, "no")


def test_a_process_that_dies_is_an_answer_too() -> None:
    (found,) = gathered(Workers(1, 60, warming), (signal.raise_signal, signal.SIGKILL))
    assert isinstance(found, RefusedError)
    assert (found.status, found.detail) == (503, "the process that worked on this request died; try again")


def test_processes_that_something_else_ended_are_replaced_and_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "pipeline.serve")

    async def run() -> list[int]:
        workers = Workers(2, 60, warming)
        counts = [workers.alive()]
        await workers.start()
        counts.append(workers.alive())
        for process in await asyncio.gather(*(workers.run(identify, 0.2) for _ in range(2))):
            os.kill(process, signal.SIGKILL)
        while workers.alive():
            await asyncio.sleep(0.01)
        watching = asyncio.create_task(workers.watch(0.05))
        while workers.alive() < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        watching.cancel()
        counts.append(await workers.run(pow, 2, 10))
        await workers.close()
        return counts

    assert asyncio.run(asyncio.wait_for(run(), 60)) == [0, 2, 1024]
    assert caplog.messages == [
        "no process that predicts is alive; starting others",
        "processes that predict are alive again",
    ]


def identify(seconds: float) -> int:
    """Take so long that two of these are done by two processes."""
    time.sleep(seconds)
    return os.getpid()


def test_a_service_is_not_ready_while_no_process_lives(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        assert until(running, 200)["run_id"] == "run-one"
        assert b"\ntopics_workers 2.0\n" in running.ask("/metrics").body
        for process in children(running.process.pid):
            os.kill(process, signal.SIGKILL)
        detail = "not ready: no process that predicts is alive; others are starting"
        assert until(running, 503) == {"detail": detail}
        assert running.ask("/healthz").status == 200
        assert until(running, 200)["run_id"] == "run-one"
        assert running.ask("/v1/predict", {"texts": ["a"]}).status == 200
        running.wait_for("no process that predicts is alive", "processes that predict are alive again")


def test_a_process_that_dies_as_the_service_starts_is_replaced(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        while not (started := children(running.process.pid)):
            time.sleep(0.001)
        for process in started:
            os.kill(process, signal.SIGKILL)
        assert until(running, 200)["run_id"] == "run-one"
        while b"\ntopics_workers 2.0\n" not in running.ask("/metrics").body:
            time.sleep(0.05)
        assert not [line for line in running.lines() if "Traceback" in line or "error: Appl" in line]


def until(running: Service, status: int) -> dict:
    end = time.monotonic() + 30
    while (reply := running.ask("/readyz")).status != status:
        assert time.monotonic() < end, reply
    return reply.json()


def children(process: int) -> list[int]:
    return [child.pid for child in psutil.Process(process).children()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_to_the_group_leave_the_work_alone(number: signal.Signals) -> None:
    assert gathered(Workers(1, 60, warming), (signal.raise_signal, number)) == [None]


def test_a_process_outlives_a_killed_service_not_for_long() -> None:
    code = "from pipeline.serve.workers import _working; _working(1, pow, (7, 10**9))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGALRM
