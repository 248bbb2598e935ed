"""Label the archive anew where the service has loaded another model, in a process that yields to requests."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.archive.database import open_archive
from pipeline.archive.relabel import is_current
from pipeline.errors import ArchiveError
from pipeline.serve.logs import LOG
from pipeline.serve.reloading import LoadedModel

_NICENESS = 10  # lets every request go first
_END_SECONDS = 5.0
_RETRY_SECONDS = 60.0  # after what failed


@contextmanager
def relabelling(archive: Path, model: Callable[[], LoadedModel], seconds: float) -> Iterator[None]:
    """Look every so many seconds whether the model is another one, and label the archive with it then.

    The answers of the model before are shown until all is done; what a service that ends leaves undone, the next
    one does.

    Parameters
    ----------
    archive : Path
        There need be none yet.
    model : callable
        Returns the model in use.
    seconds : float

    """
    ended = threading.Event()
    working = threading.Thread(target=_work, args=(archive, model, seconds, ended), daemon=True)
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join(_END_SECONDS)


def _work(archive: Path, model: Callable[[], LoadedModel], seconds: float, ended: threading.Event) -> None:
    done, pause = "", seconds
    while not ended.wait(pause):
        used = model()  # held, as its file is deleted with it
        if used.sha256 == done or not archive.exists():
            continue
        try:
            is_done = _is_current(archive, used) or _relabel(archive, used, ended)
        except (ArchiveError, OSError) as error:
            LOG.warning(f"the archive is not labelled anew: {error}")
            is_done = False
        done, pause = (used.sha256, seconds) if is_done else ("", max(seconds, _RETRY_SECONDS))


def _is_current(archive: Path, used: LoadedModel) -> bool:
    with open_archive(archive) as database:
        return is_current(database, used.sha256)


def _relabel(archive: Path, used: LoadedModel, ended: threading.Event) -> bool:
    command = [sys.executable, "-m", "pipeline", "relabel", "--model", str(used.path), "--archive", str(archive)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        said, status = _outcome(process, ended)
    if status == 0:
        LOG.info(f"archive: {said}")
    elif not ended.is_set():
        LOG.warning(f"the archive is not labelled anew: {said}")
    return status == 0


def _outcome(process: "subprocess.Popen[str]", ended: threading.Event) -> tuple[str, int]:
    """Wait for a process, and end it where the service ends."""
    while True:
        try:
            said, _ = process.communicate(timeout=0.2)
        except subprocess.TimeoutExpired:
            if ended.is_set():
                process.terminate()
        else:
            return said.strip().rpartition("\n")[2], process.returncode
