"""Processes that read, predict and render for the service, each for one request at a time.

A thread would hold up all others while it computes, and could not be ended; a process can, by its request's limit.
"""

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from pipeline.serve.logs import Fault
from pipeline.serve.refusal import RefusedError

T = TypeVar("T")
_SPARE_SECONDS = 2
_USE_SECONDS = 120  # anyio ends processes that have been idle for 300
_ENDING = "AnyIO process pool shutdown task"


class Workers:
    """So many processes, kept; one that was killed is replaced.

    Parameters
    ----------
    most : int
        Processes.
    seconds : float
        For one request, with the wait for a free process; a process that needs longer is killed.
    first : callable
        Returns the work that a new process does first, and its arguments: it imports and loads what requests need.

    """

    def __init__(self, most: int, seconds: float, first: Callable[[], tuple[Callable[..., object], Any]]) -> None:
        self._most, self._seconds, self._first = most, seconds, first
        self._limiter = CapacityLimiter(most)
        self._starting: set[asyncio.Task[None]] = set()
        self._processes: set[int] = set()

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Do work in a process of its own.

        Parameters
        ----------
        work : callable
            A function of a module.
        *arguments : object
            They and the result are pickled.

        Returns
        -------
        object
            What `work` returns; what it raises is raised.

        Raises
        ------
        RefusedError
            With status 413 where it takes too long, and 503 where the process dies.

        """
        try:
            with anyio.fail_after(self._seconds):
                return await self._call(math.ceil(self._seconds) + _SPARE_SECONDS, work, *arguments)
        except TimeoutError:
            self._replace()
            raise RefusedError(413, f"exceeds the limit of {self._seconds:g} seconds") from None
        except BrokenWorkerProcess:
            self._replace()
            raise RefusedError(503, "the process that worked on this request died; try again") from None

    async def start(self) -> None:
        """Start all processes that do not run yet; they have no limit, as they have everything to import.

        One that dies meanwhile is left to `watch`.
        """
        starting = (self._call(0, *self._first()) for _ in range(self._most))
        for error in await asyncio.gather(*starting, return_exceptions=True):
            if isinstance(error, BaseException) and not isinstance(error, BrokenWorkerProcess):
                raise error

    def alive(self) -> int:
        """Count the processes that live; those that still start are not among them."""
        self._processes = {process for process in self._processes if _lives(process)}
        return len(self._processes)

    async def watch(self, seconds: float) -> None:
        """Keep all processes alive: replace those that something else ended, looking every so many seconds."""
        fault, used_at = Fault("processes that predict are alive again"), time.monotonic()
        while True:
            await asyncio.sleep(seconds)
            alive = self.alive()
            if alive:
                fault.end()
            else:
                fault.begin("no process that predicts is alive; starting others")
            if not self._starting and (alive < self._most or time.monotonic() - used_at > _USE_SECONDS):
                used_at = time.monotonic()
                self._replace()

    def _replace(self) -> None:
        """Start another process beside the requests: one of theirs could be over before it has started."""
        task = asyncio.create_task(self.start())
        self._starting.add(task)
        task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        if not task.cancelled():
            task.exception()  # the next request that needs the process meets it as well, and says so

    async def _call(self, seconds: int, work: Callable[..., T], *arguments: object) -> T:
        try:
            process, result = await to_process.run_sync(
                _working, seconds, work, arguments, cancellable=True, limiter=self._limiter
            )
        except ProcessLookupError:  # it died as it started, and anyio would end it
            raise BrokenWorkerProcess from None
        self._processes.add(process)
        return result

    async def close(self) -> None:
        """End the processes, and wait until they have ended; anyio would do so later, and not wait for all."""
        await asyncio.gather(*self._starting, return_exceptions=True)  # half a start leaves a process behind
        ending = [task for task in asyncio.all_tasks() if task.get_name() == _ENDING]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


def _working(seconds: int, work: Callable[..., T], arguments: tuple[object, ...]) -> tuple[int, T]:
    """Work, and return this process and the result.

    Signals to the whole group are the service's to obey, which then ends its processes.
    The alarm, where there is a limit, ends a process whose service was killed.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(seconds)
    try:
        return os.getpid(), work(*arguments)
    finally:
        signal.alarm(0)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
