import asyncio
import signal
import subprocess
import sys
import time

import pytest

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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_to_the_group_leave_the_work_alone(number: signal.Signals) -> None:
    assert gathered(Workers(1, 60, warming), (signal.raise_signal, number)) == [None]


def test_a_process_outlives_a_killed_service_not_for_long() -> None:
    code = "from pipeline.serve.workers import _working; _working(1, pow, (7, 10**9))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGALRM
