"""Reach a Dask scheduler, or start one with workers on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ClusterError, MissingExtraError

LOCAL = "local"
_SILENT = "critical"  # what befalls workers is reported by this package, in a line


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
        import dask

        with dask.config.set({"logging.distributed": _SILENT}):
            import distributed
    except ModuleNotFoundError:
        raise MissingExtraError("--scheduler", "dask") from None
    return distributed


@contextmanager
def _local(distributed: Any, workers: int) -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        scheduler_port=0,
        dashboard_address=None,
        silence_logs=_SILENT.upper(),
    ) as cluster:
        yield cluster


def _said(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())
