"""Map a function over many items in processes: in order, a few items ahead, and heedful of Ctrl-C."""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, TypeVar

from pipeline.errors import OutputError

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 3  # items a process has before it and behind it: enough that none waits, few enough for the memory
# Forked processes begin at once and share what is opened already; elsewhere than on Linux libraries forbid it.
_START = "fork" if sys.platform == "linux" else "spawn"


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
    with _interrupts_held() as heed, _begun(work, workers) as pool:
        try:
            yield partial(_in_order, pool, workers * _AHEAD, heed)
        except BrokenProcessPool:
            raise OutputError("a worker process ended early; go on with --resume, or with fewer workers") from None


@contextmanager
def _begun(work: Callable[[Item], Result], workers: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, get_context(_START), _begin, (work,))
    try:
        pool.submit(os.getpid).result()  # the first task makes forked processes begin, all of them
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, ahead: int, heed: Callable[[], None], items: Iterable[Item]
) -> Iterator[Any]:
    given = (pool.submit(_do, item) for item in items)
    waiting: deque[Future[Any]] = deque(islice(given, ahead))
    while waiting:
        yield waiting.popleft().result()
        heed()
        waiting.extend(islice(given, 1))


@contextmanager
def _interrupts_held() -> Iterator[Callable[[], None]]:
    """Keep Ctrl-C until it is heeded: raised inside the pool's own locks, it would leave them locked for ever."""
    told: list[int] = []

    def heed() -> None:
        if told:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before)


_works: list[Callable[[Any], Any]] = []  # of a worker process: the one that it does


def _begin(work: Callable[[Any], Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one ends the others
    Thread(target=_end_with_parent, daemon=True).start()
    _works.append(work)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _do(item: Any) -> Any:
    return _works[0](item)
