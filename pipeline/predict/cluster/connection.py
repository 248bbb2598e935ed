"""Reach a Dask scheduler, or start one with workers on this machine."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from pipeline.errors import ClusterError, MissingExtraError

LOCAL = "local"
_SILENT = logging.CRITICAL  # what befalls workers is reported by this package, in a line
_REPLACED_WITHIN = "300 s"  # Dask's own 15 s are too short for a process to start on a busy machine


@dataclass(frozen=True)
class Cluster:
    """Where work is done.

    Parameters
    ----------
    scheduler : str
        The address of a scheduler, or `local`.
    workers : int, default 1
        Processes of the local cluster, one thread each.
    patience : float, default 300
        Seconds to wait for a scheduler that was lost, or for workers where there are none.

    """

    scheduler: str
    workers: int = 1
    patience: float = 300.0

    @property
    def is_local(self) -> bool:
        """Whether this command starts the workers itself."""
        return self.scheduler == LOCAL

    @contextmanager
    def connected(self, *, timeout: float = 10.0) -> Iterator[Any]:
        """Connect a client, which is the default one meanwhile.

        Parameters
        ----------
        timeout : float
            Seconds to wait for the scheduler.

        Yields
        ------
        distributed.Client

        Raises
        ------
        ClusterError
            Where no scheduler answers.

        """
        distributed = _distributed()
        if self.is_local:
            with _local(distributed, self.workers) as cluster, distributed.Client(cluster) as client:
                yield client
            return
        try:
            client = distributed.Client(self.scheduler, timeout=timeout)
        except (OSError, ValueError) as error:
            raise ClusterError(f"{self.scheduler}: no Dask scheduler answers: {_said(error)}") from None
        with client:
            yield client


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise MissingExtraError("--scheduler", "dask") from None
    for name in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(_SILENT)
    return distributed


@contextmanager
def _local(distributed: Any, workers: int) -> Iterator[Any]:
    import dask

    with _deaf_to_terminal():
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_port=0,
            dashboard_address="127.0.0.1:0",  # there is a page in any case: let it be on a free port
            silence_logs=_SILENT,
        )
    with dask.config.set({"distributed.deploy.lost-worker-timeout": _REPLACED_WITHIN}), cluster:
        yield cluster


@contextmanager
def _deaf_to_terminal() -> Iterator[None]:
    """Block what a terminal tells every process in threads that start here, and in all that they start.

    The first process ends the others; a worker that ended by itself would be started again, with a traceback.
    """
    resource_tracker.ensure_running()  # it would unblock signals when it starts with the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _said(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())
