import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
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
    """Start the processes, do work in all at once, and end them."""

    async def run() -> list:
        await workers.start()
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
    assert time.monotonic() - started < 60


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
        detail = "not ready: no process that predicts is alive; others are starting"
        assert until(running, 503, lambda: kill_children(running)) == {"detail": detail}
        assert running.ask("/healthz").status == 200
        assert until(running, 200)["run_id"] == "run-one"
        assert running.ask("/v1/predict", {"texts": ["a"]}).status == 200
        running.wait_for("no process that predicts is alive", "processes that predict are alive again")


def test_a_process_that_dies_as_the_service_starts_is_replaced(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        while not kill_children(running):
            time.sleep(0.001)
        assert until(running, 200)["run_id"] == "run-one"
        running.wait_for_metric("topics_workers 2.0")
        assert not [line for line in running.lines() if "Traceback" in line or "error: Appl" in line]


def until(running: Service, status: int, before_each: Callable[[], object] = lambda: None) -> dict:
    """Ask until the status is so; processes that start again could hide for how long they were gone."""
    end = time.monotonic() + 60
    while True:
        before_each()
        reply = running.ask("/readyz")
        if reply.status == status:
            return reply.json()
        assert time.monotonic() < end, reply


def kill_children(running: Service) -> int:
    """Kill the processes that predict, and return how many there were."""
    found = psutil.Process(running.process.pid).children()
    for child in found:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    return len(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_to_the_group_leave_the_work_alone(number: signal.Signals) -> None:
    assert gathered(Workers(1, 60, warming), (signal.raise_signal, number)) == [None]


def test_a_process_outlives_a_killed_service_not_for_long() -> None:
    code = "from pipeline.serve.workers import _working; _working(1, pow, (7, 10**9))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGALRM
