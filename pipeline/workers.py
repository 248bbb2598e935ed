"""Map a function over many items in processes: in order, and a few items ahead."""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Thread
from traceback import format_exc
from typing import Any, TypeVar

from pipeline.errors import OutputError

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 3  # items a process has before it and behind it: enough that none waits, few enough for the memory
_PIPE = 1 << 20  # bytes of results that a process need not wait with until it is its turn
# Forked processes begin at once and share what is opened already; elsewhere than on Linux libraries forbid it.
_CONTEXT = get_context("fork") if sys.platform == "linux" else get_context("spawn")


@contextmanager
def mapping(
    work: Callable[[Item], Result], workers: int
) -> Iterator[Callable[[Iterable[Item]], Iterator[Result]]]:
    """Give a `map` of `work` over so many processes; with one worker it runs in this process.

    The processes begin here: enter this before anything starts a thread, which a forked process would lack. Raises
    OutputError where a process ends early.
    """
    if workers == 1:
        yield partial(map, work)
        return
    with ExitStack() as stack:
        yield partial(_in_order, [stack.enter_context(closing(_Worker(work))) for _ in range(workers)])


def _in_order(workers: list["_Worker"], items: Iterable[Any]) -> Iterator[Any]:
    """Let the processes take turns: each gives its results in order, so that taking them in turn keeps it."""
    turns = zip(cycle(workers), items, strict=False)
    busy: deque[_Worker] = deque()

    def give(most: int) -> None:
        for worker, item in islice(turns, most):
            worker.give(item)
            busy.append(worker)

    give(len(workers) * _AHEAD)
    while busy:
        yield busy.popleft().take()
        give(1)


class _Failure:
    """An error of the work, to be raised where the results are taken."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Worker:
    """A process that does the work, item after item."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        tasks, self._given = _CONTEXT.Pipe(duplex=False)
        self._taken, results = _CONTEXT.Pipe(duplex=False)
        _widen(results)
        self._process = _CONTEXT.Process(target=_serve, args=(work, tasks, results), daemon=True)
        self._process.start()
        tasks.close()
        results.close()

    def give(self, item: Any) -> None:
        """Hand over an item."""
        with _told_when_ended():
            self._given.send(item)

    def take(self) -> Any:
        """Wait for the next result."""
        with _told_when_ended():
            result = self._taken.recv()
        if isinstance(result, _Failure):
            raise result.error
        return result

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()


@contextmanager
def _told_when_ended() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        raise OutputError("a worker process ended early; go on with --resume, or with fewer workers") from None


def _widen(results: Connection) -> None:
    if sys.platform == "linux":
        with suppress(OSError):  # a limit of the system: the process waits more often
            fcntl(results, F_SETPIPE_SZ, _PIPE)


def _serve(work: Callable[[Any], Any], tasks: Connection, results: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    given: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_receive, args=(tasks, given), daemon=True).start()
    with suppress(ConnectionError):  # nobody takes results any more
        while True:
            results.send(_done(work, given.get()))


def _receive(tasks: Connection, given: "SimpleQueue[Any]") -> None:
    """Take tasks at once, so that who gives them never waits; without the first process end this one."""
    first = parent_process()
    assert first
    with suppress(EOFError):
        while tasks in wait([tasks, first.sentinel]):
            given.put(tasks.recv())
    os._exit(1)


def _done(work: Callable[[Any], Any], item: Any) -> Any:
    try:
        return work(item)
    except Exception as error:
        error.add_note(f"in a worker process:\n{format_exc()}")
        return _Failure(error)
