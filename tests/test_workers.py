"""Results come back in order, however processes begin; one that dies is reported."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from small_model import TEXTS, saved

from pipeline.errors import OutputError
from pipeline.model.bundle import load_bundle
from pipeline.predict import workers
from pipeline.predict.batch import ChunkPredictor
from pipeline.predict.output import JsonLinesWriter
from pipeline.predict.tables import Chunk, Columns, Rows
from pipeline.predict.workers import mapping

KILLED = """
import multiprocessing, os, signal, sys, time
from pipeline.predict import workers

workers._CONTEXT = multiprocessing.get_context(sys.argv[1])
with workers.mapping(time.sleep, 2) as answering:
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    results = answering([0, 600, 0, 600])
    next(results)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def slow_at_first(item: int) -> tuple[int, int]:
    time.sleep(0.05 if item < 2 else 0)
    return item, os.getpid()


def leave(item: int) -> int:
    os._exit(item)


def divide(item: int) -> float:
    return 1 / item


def signal_itself(number: int) -> int:
    os.kill(os.getpid(), number)
    return number


def test_results_keep_the_order_of_their_items() -> None:
    with mapping(slow_at_first, 2) as answering:
        found = list(answering(range(40)))
    assert [item for item, _ in found] == list(range(40))
    assert len({process for _, process in found} - {os.getpid()}) == 2


def test_one_worker_is_this_process() -> None:
    with mapping(slow_at_first, 1) as answering:
        assert list(answering([3])) == [(3, os.getpid())]


def test_few_items_are_read_ahead() -> None:
    taken: list[int] = []
    with mapping(slow_at_first, 2) as answering:
        results = answering(taken.append(item) or item for item in range(100))  # type: ignore[func-returns-value]
        next(results)
        assert len(taken) == 6


def test_a_process_that_dies_is_reported() -> None:
    with (
        pytest.raises(OutputError, match="worker process died; rerun with --resume"),
        mapping(leave, 2) as answering,
    ):
        list(answering([1]))


def test_signals_to_all_processes_are_left_to_the_first_one() -> None:
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    with mapping(signal_itself, 2) as answering:
        assert list(answering(signals * 2)) == signals * 2


def test_an_error_in_a_worker_is_raised_here_with_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError) as raised, mapping(divide, 2) as answering:
        list(answering([1, 0]))
    assert "in divide" in raised.value.__notes__[0]


def test_results_and_items_that_no_pipe_holds_do_not_stop_the_work() -> None:
    items = [bytes([item]) * 3_000_000 for item in range(20)]
    with mapping(bytes, 2) as answering:
        assert list(answering(items)) == items


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_processes_end_with_the_first_one(start: str) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED, start], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (-signal.SIGKILL, "")
    deadline = time.monotonic() + 60
    for process in map(int, run.stdout.split()):
        with pytest.raises(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(process, 0)
                time.sleep(0.01)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_model_goes_to_processes_that_begin_in_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    monkeypatch.setattr(workers, "_CONTEXT", get_context(start))
    bundle = load_bundle(saved(tmp_path))
    work = ChunkPredictor(bundle, Columns("text"), {}, JsonLinesWriter(bundle.scorer.topics))
    chunks = [Chunk(row, Rows([text], []), row) for row, text in enumerate(TEXTS[:6], 1)]
    with mapping(work, 2) as answering:
        assert list(answering(chunks)) == list(map(work, chunks))
