"""The client of a batch prediction: hand out partitions until each is published, then publish the manifest."""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.errors import BundleError, ClusterError, OutputError, TopicsError
from pipeline.model.bundle import load_bundle
from pipeline.predict.article import at_point
from pipeline.predict.batch import Job
from pipeline.predict.cluster.connection import Cluster
from pipeline.predict.cluster.partition import Outcome, Task, predict_partition, settings_of
from pipeline.predict.cluster.plan import Partition, plan
from pipeline.predict.cluster.store import Store, digest, open_store, reason

MANIFEST = "_manifest.json"
RESUBMISSIONS = 10  # of a partition whose workers died; Dask itself tries one four times before it says so
_IN_FLIGHT = 1000  # tasks that the scheduler knows of: it keeps all of them in memory
_PAUSE, _LOOK = 0.05, 2.0  # seconds between looks at what is done, and at whether there are workers
Progress = Callable[[int, int | None], None]


class LostError(Exception):
    """The scheduler has gone, and with it what it knew of the tasks."""


@dataclass
class Total:
    """What a run published, found published and failed to read."""

    partitions: int = 0
    skipped: int = 0
    rows: int = 0
    predicted: int = 0
    errors: int = 0
    first_error: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def as_text(self) -> str:
        """Return the summary as one line."""
        skipped = f", {self.skipped:,} of {self.partitions:,} files published before" if self.skipped else ""
        errors = f"; {self.errors:,} rows with an error, the first on {self.first_error}" if self.errors else ""
        failed = f"; {len(self.failed):,} files that cannot be read" if self.failed else ""
        speed = self.predicted / max(self.seconds, 1e-3)
        return f"{self.predicted:,} rows in {self.seconds:.1f} s, {speed:,.0f} rows/s{skipped}{errors}{failed}"


def predict_files(job: Job, sources: Sequence[str], output: str, cluster: Cluster, progress: Progress) -> Total:
    """Predict on every row of many tables, on a cluster.

    Parameters
    ----------
    job : Job
        Its source is not used.
    sources : sequence of str
        Files, folders and patterns, or their addresses.
    output : str
        The folder to write to, or its address; what it has for the same model, options and content is kept.
    cluster : Cluster
    progress : callable
        `(done, total)`, in partitions.

    Returns
    -------
    Total

    Raises
    ------
    SourceError, BundleError, OutputError, ClusterError

    """
    started = time.perf_counter()
    at_point(load_bundle(job.model), job.point)  # an error in it is reported before anything starts
    sha256 = _digest(job.model)
    store = open_store(output)
    partitions = plan(sources, store.address, ending=f".{job.form}")
    run = uuid4().hex
    tasks = [Task(partition, job, sha256, store.address, run) for partition in partitions]
    settings = {"model_sha256": sha256, "settings": settings_of(job)}
    with _Work(tasks, cluster, progress).connected() as work, store.claimed(run, json.dumps(settings)):
        store.remove(MANIFEST)
        outcomes = work.done()
        total = _total(partitions, outcomes)
        _check(store, partitions, outcomes)
        _publish(store, run, _manifest(job.model, settings, partitions, outcomes, total))
    total.seconds = time.perf_counter() - started
    return total


def _digest(model: Path) -> str:
    try:
        with model.open("rb") as file:
            return digest(file)
    except OSError as error:
        raise BundleError(f"{model}: cannot be read: {reason(error)}") from None


class _Work:
    """Tasks that are done in any order, each at least once, whatever befalls workers and scheduler."""

    def __init__(self, tasks: Sequence[Task], cluster: Cluster, progress: Progress) -> None:
        self.tasks = {task.partition.output: task for task in tasks}
        self.cluster, self.progress = cluster, progress
        self.outcomes: dict[str, Outcome] = {}
        self.deaths: Counter[str] = Counter()
        self.contact = self.looked = time.monotonic()  # when there last were workers; when that was asked
        self.client: Any = None
        self.connection = ExitStack()

    @contextmanager
    def connected(self) -> Iterator["_Work"]:
        """Connect for the first time: where that fails, nothing has been changed."""
        with self.connection:
            self.client = self.connection.enter_context(self.cluster.connected())
            self.contact = time.monotonic()
            yield self

    def done(self) -> dict[str, Outcome]:
        """Return the outcomes of all tasks by their names; raise TopicsError where they cannot all be done."""
        try:
            while True:
                try:
                    self._session()
                    return self.outcomes
                except LostError:
                    self._reconnect()
        except TopicsError as error:
            published = sum(outcome.record is not None for outcome in self.outcomes.values())
            state = f"rerun to continue; {published:,} of {len(self.tasks):,} published"
            raise type(error)(f"{error}; {state}") from None

    def _reconnect(self) -> None:
        """Connect again, unless there was no scheduler for too long."""
        self.connection.close()
        while left := max(0.0, self.contact + self.cluster.patience - time.monotonic()):
            with suppress(ClusterError):
                self.client = self.connection.enter_context(self.cluster.connected(timeout=left))
                return
            time.sleep(_PAUSE)
        raise ClusterError(f"{self.cluster.scheduler}: no scheduler for {self.cluster.patience:.0f} s")

    def _session(self) -> None:
        """Do what is left while the scheduler lives; raise LostError where it does not."""
        try:
            self._hand_out()
        except (LostError, TopicsError):
            raise
        except Exception as error:
            if isinstance(error, OSError) or self.client.status != "running":
                raise LostError from None
            raise

    def _hand_out(self) -> None:
        from distributed import as_completed

        waiting = deque(name for name in self.tasks if name not in self.outcomes)
        ready = as_completed(loop=self.client.loop)
        names: dict[str, str] = {}
        while waiting or names:
            while waiting and len(names) < _IN_FLIGHT:
                future = self._submitted(waiting[0])
                names[future.key] = waiting.popleft()
                ready.add(future)
            batch = ready.next_batch(block=False)
            for future in batch:
                name = names.pop(future.key)
                if not self._settled(name, future):
                    waiting.append(name)
            if not batch:
                self._wait()

    def _submitted(self, name: str) -> Any:
        key = f"predict-{uuid4().hex}"  # a key of its own, as the scheduler remembers what it gave up
        return self.client.submit(predict_partition, self.tasks[name], key=key, pure=False)

    def _settled(self, name: str, future: Any) -> bool:
        """Take a task's outcome; return False where there is none because its workers died."""
        if future.status == "finished":
            self._take(name, future.result())
            return True
        if future.status != "error":
            raise LostError
        self._blame(name, future.exception())
        return False

    def _take(self, name: str, outcome: Outcome) -> None:
        if outcome.fatal:
            raise OutputError(outcome.error)
        self.outcomes[name] = outcome
        self.contact = time.monotonic()
        self.progress(len(self.outcomes), len(self.tasks))

    def _blame(self, name: str, error: BaseException) -> None:
        """Count a death; raise ClusterError after too many, and for any other failure."""
        from distributed.scheduler import KilledWorker

        source = self.tasks[name].partition.source
        if not isinstance(error, KilledWorker):
            said = f"{type(error).__name__}: {reason(error)}"
            raise ClusterError(f"{source}: the worker failed, is this package installed there? {said}")
        self.deaths[name] += 1
        if self.deaths[name] > RESUBMISSIONS:
            raise ClusterError(f"{source}: its workers died again and again; have they enough memory?")

    def _wait(self) -> None:
        """Wait a little; look now and then whether there are scheduler and workers."""
        time.sleep(_PAUSE)
        now = time.monotonic()
        if now < self.looked + _LOOK:
            return
        self.looked = now
        if self.client.status != "running":
            raise LostError
        if self.client.nthreads():
            self.contact = now
        elif now > self.contact + self.cluster.patience:
            raise ClusterError(f"{self.cluster.scheduler}: no worker for {self.cluster.patience:.0f} s")


def _total(partitions: Sequence[Partition], outcomes: dict[str, Outcome]) -> Total:
    total = Total(len(partitions))
    for partition in partitions:
        outcome = outcomes[partition.output]
        record = outcome.record
        if record is None:
            total.failed.setdefault(partition.source, outcome.error)
            continue
        total.rows += record.rows
        total.skipped += outcome.skipped
        total.predicted += 0 if outcome.skipped else record.rows
        total.errors += record.errors
        if record.errors and not total.first_error:
            place = record.first_error.rfind(", line ") + 2  # what precedes it is where the worker read the table
            total.first_error = f"{partition.source}, {record.first_error[place:]}"
    return total


def _check(store: Store, partitions: Sequence[Partition], outcomes: dict[str, Outcome]) -> None:
    """Raise OutputError where what was published is no longer there."""
    sizes = store.sizes()
    for partition in partitions:
        record = outcomes[partition.output].record
        if record and sizes.get(partition.output) != record.size:
            raise OutputError(f"{store.address}/{partition.output}: removed or changed by another process; rerun")


def _manifest(
    model: Path,
    settings: dict[str, Any],
    partitions: Sequence[Partition],
    outcomes: dict[str, Outcome],
    total: Total,
) -> dict[str, Any]:
    return {
        "model": str(model),
        **settings,
        "total": {
            "files": len(partitions),
            "failed": len(total.failed),
            "rows": total.rows,
            "errors": total.errors,
        },
        "files": [_entry(partition, outcomes[partition.output]) for partition in partitions],
    }


def _entry(partition: Partition, outcome: Outcome) -> dict[str, Any]:
    entry: dict[str, Any] = {"source": partition.source}
    if partition.row_group is not None:
        entry |= {"row_group": partition.row_group, "rows_before": partition.rows_before}
    record = outcome.record
    if record is None:
        return {**entry, "error": outcome.error}
    return {
        **entry,
        "source_sha256": record.source_sha256,
        "output": partition.output,
        "sha256": record.sha256,
        "size": record.size,
        "rows": record.rows,
        "errors": record.errors,
    }


def _publish(store: Store, run: str, manifest: dict[str, Any]) -> None:
    with store.attempt(run) as folder:
        file = folder / MANIFEST
        file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        store.publish(file, MANIFEST)
