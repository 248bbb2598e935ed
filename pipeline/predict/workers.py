"""Map a function over many items in processes: in order, and a few items ahead."""

import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from queue import SimpleQueue
from socket import SO_SNDBUF, SOL_SOCKET, socket, socketpair
from threading import Thread
from traceback import format_exc
from typing import Any, TypeVar

from pipeline.errors import OutputError

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 3  # items a process has before it and behind it: enough that none waits, few enough for the memory
_HELD = 1 << 20  # bytes of results that a process gets rid of before it is its turn
# Forked processes begin at once and share what is opened already; elsewhere than on Linux libraries forbid it.
_CONTEXT = get_context("fork") if sys.platform == "linux" else get_context("spawn")


@contextmanager
def mapping(
    work: Callable[[Item], Result], workers: int
) -> Iterator[Callable[[Iterable[Item]], Iterator[Result]]]:
    """Map a function over items, in their order, by some processes.

    The processes begin here: enter this before anything starts a thread, which a forked process would lack.

    Parameters
    ----------
    work : callable
        Of one item.
    workers : int
        Processes; with one, the work is done in this process.

    Yields
    ------
    callable
        Items to results, like `map`.

    Raises
    ------
    OutputError
        Where a process dies.

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
        self._socket, others = socketpair()
        others.setsockopt(SOL_SOCKET, SO_SNDBUF, _HELD)
        self._process = _CONTEXT.Process(target=_serve, args=(work, others, self._socket), daemon=True)
        self._process.start()
        others.close()
        self._results = self._socket.makefile("rb")

    def give(self, item: Any) -> None:
        """Hand over an item."""
        with _told_when_dead():
            self._socket.sendall(pickle.dumps(item))

    def take(self) -> Any:
        """Wait for the next result."""
        with _told_when_dead():
            result = pickle.load(self._results)
        if isinstance(result, _Failure):
            raise result.error
        return result

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self._results.close()
        self._socket.close()


@contextmanager
def _told_when_dead() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError, pickle.UnpicklingError):  # before a message, in writing, amid a message
        raise OutputError("worker process died; rerun with --resume, or with fewer workers") from None


def _serve(work: Callable[[Any], Any], own: socket, first: socket) -> None:
    first.close()  # so that the end of the first process is the end of the items
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal tells every process; the first one ends the others
    items: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_receive, args=(own, items), daemon=True).start()
    with suppress(ConnectionError):  # nobody takes results any more
        while True:
            own.sendall(pickle.dumps(_done(work, items.get())))


def _receive(own: socket, items: "SimpleQueue[Any]") -> None:
    """Take items at once, so that who gives them never waits; without the first process end this one."""
    with suppress(EOFError, ConnectionError), own.makefile("rb") as given:
        while True:
            items.put(pickle.load(given))
    os._exit(1)


def _done(work: Callable[[Any], Any], item: Any) -> Any:
    try:
        return work(item)
    except Exception as error:
        error.add_note(f"in a worker process:\n{format_exc()}")
        return _Failure(error)
