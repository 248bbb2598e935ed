"""What a worker does with a partition: read it, predict, and publish predictions and a record of them."""

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import BundleError, OutputError, SourceError, TopicsError
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.batch import Job, predict_table
from pipeline.predict.cluster.plan import Partition
from pipeline.predict.cluster.store import (
    Store,
    digest,
    file_system,
    is_local,
    open_store,
    reason,
    scratch,
    version_of,
)

_OF_THE_TASK = ("source", "model", "workers", "before")  # what the task has itself, or predictions do not show
_BLOCK = 1 << 20
_FOOTER, _PADDING = 8, 100  # bytes: what ends a Parquet file; what old writers left out of a chunk's length


@dataclass(frozen=True)
class Task:
    """A partition's addresses, and what to do; it is all that travels to a worker.

    Parameters
    ----------
    partition : Partition
    job : Job
        Its source is that of the partition.
    model_sha256 : str
        Of the model that the client means.
    output : str
        The address of the folder to write to.
    run : str
        The client's own name, below which attempts lie.

    """

    partition: Partition
    job: Job
    model_sha256: str
    output: str
    run: str


@dataclass(frozen=True)
class Record:
    """What is known of published predictions; it lies beside them.

    Parameters
    ----------
    source : str
    row_group : int or None
    rows_before : int
    source_sha256 : str
        Of the file, or of the row group's bytes and their place.
    source_version, version : str or None
        What an object store calls this content of the source, and of the predictions.
    model_sha256 : str
    settings : dict
        The options that predictions depend on.
    rows, errors : int
    first_error : str
    sha256 : str
        Of the predictions.
    size : int
        Their bytes.

    """

    source: str
    row_group: int | None
    rows_before: int
    source_sha256: str
    source_version: str | None
    model_sha256: str
    settings: dict[str, Any]
    rows: int
    errors: int
    first_error: str
    sha256: str
    size: int
    version: str | None = None

    def as_json(self) -> bytes:
        """Return the record as a file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


@dataclass(frozen=True)
class Outcome:
    """What became of a partition: a record, or one line on why there is none.

    Parameters
    ----------
    record : Record or None
    skipped : bool
        Whether the predictions were there already.
    error : str
    fatal : bool
        Whether other partitions will fail, too.

    """

    record: Record | None = None
    skipped: bool = False
    error: str = ""
    fatal: bool = False


def settings_of(job: Job) -> dict[str, Any]:
    """Return the options that predictions depend on, as JSON has them."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(replace(job, model=""))))  # type: ignore[arg-type]
    return {name: value for name, value in found.items() if name not in _OF_THE_TASK}


def predict_partition(task: Task) -> Outcome:
    """Predict on a partition, unless that is done already.

    Any number of attempts may do so at once: each writes a file of its own, and all of them the same.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Outcome
        An error is returned, not raised: exceptions of other libraries do not all survive the way to the client.

    """
    source = task.partition.source
    try:
        return _predict_partition(task)
    except SourceError as error:
        return Outcome(error=str(error))
    except OutputError as error:  # a value that has no place in the format concerns this file alone
        return Outcome(error=f"{source}: {error}", fatal=isinstance(error.__context__, OSError))
    except TopicsError as error:
        return Outcome(error=str(error), fatal=True)
    except MemoryError:
        return Outcome(error=f"{source}: too large for the memory of worker {socket.gethostname()}")
    except Exception as error:  # what a reader makes of a strange file
        return Outcome(error=f"{source}: cannot be read: {type(error).__name__}: {reason(error)}")


def _predict_partition(task: Task) -> Outcome:
    store = open_store(task.output)
    published = _published(task, store)
    if published:
        return Outcome(published, skipped=True)
    bundle = _model(str(task.job.model), task.model_sha256)
    with store.attempt(task.run) as folder, _source(task.partition) as source:
        written = folder / f"predictions{Path(task.partition.output).suffix}"
        record = _predicted(task, bundle, source, written)
        source.check()
        record = replace(record, version=store.publish(written, task.partition.output))
        note = folder / "record.json"
        note.write_bytes(record.as_json())
        store.publish(note, task.partition.record)
    return Outcome(record)


def _predicted(task: Task, bundle: Bundle, source: "LocalSource", written: Path) -> Record:
    partition = task.partition
    job = replace(task.job, source=str(source.path), workers=1, before=partition.rows_before)
    try:
        summary = predict_table(job, written, resume=False, progress=lambda *_: None, bundle=bundle)
    except SourceError as error:
        raise SourceError(str(error).replace(str(source.path), partition.source)) from None
    with written.open("rb") as file:
        sha256 = digest(file)
    return Record(
        source=partition.source,
        row_group=partition.row_group,
        rows_before=partition.rows_before,
        source_sha256=source.sha256,
        source_version=source.version,
        model_sha256=task.model_sha256,
        settings=settings_of(task.job),
        rows=summary.rows,
        errors=summary.errors,
        first_error=summary.first_error.replace(str(source.path), partition.source),
        sha256=sha256,
        size=written.stat().st_size,
    )


@lru_cache(maxsize=1)
def _model(path: str, sha256: str) -> Bundle:
    """Load the model once in a process; raise BundleError where it is not the client's."""
    where = f"worker {socket.gethostname()}"
    try:
        with Path(path).open("rb") as file:
            found = digest(file)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read by {where}: {reason(error)}") from None
    if found != sha256:
        raise BundleError(f"{path}: {where} has another model there: SHA-256 {found[:12]}, expected {sha256[:12]}")
    return load_bundle(Path(path), mapped=False)


def _published(task: Task, store: Store) -> Record | None:
    """Return the record of predictions that are complete and up to date."""
    partition = task.partition
    record = record_of(store.read(partition.record))
    if record is None or (record.model_sha256, record.settings, record.row_group, record.rows_before) != (
        task.model_sha256,
        settings_of(task.job),
        partition.row_group,
        partition.rows_before,
    ):
        return None
    current = store.has(partition.output, sha256=record.sha256, version=record.version)
    return record if current and _unchanged(partition, record) else None


def record_of(content: bytes | None) -> Record | None:
    """Read a record; return None where there is none, or not a whole one."""
    try:
        return Record(**json.loads(content or b""))
    except (ValueError, TypeError):
        return None


def _unchanged(partition: Partition, record: Record) -> bool:
    fs, path = file_system(partition.source)
    with _one_line_errors(partition.source):
        version = version_of(fs.info(path))
    if version is not None and version == record.source_version:
        return True
    with _source(partition) as source:
        return source.sha256 == record.source_sha256


@dataclass(frozen=True)
class LocalSource:
    """A partition's rows as a file on this machine.

    Parameters
    ----------
    path : Path
    sha256 : str
    version : str or None
    original : Path or None
        The file that they come from, where it is on this machine.
    state : tuple
        What was known of the original when it was read.

    """

    path: Path
    sha256: str
    version: str | None = None
    original: Path | None = None
    state: tuple[int, ...] = ()

    def check(self) -> None:
        """Raise SourceError where the original has changed since."""
        if self.original and _state(self.original) != self.state:
            raise SourceError(f"{self.original}: changed while it was being read")


def _state(path: Path) -> tuple[int, ...]:
    with _one_line_errors(str(path)):
        found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@contextmanager
def _one_line_errors(address: str) -> Iterator[None]:
    """Raise what a file system raises as a SourceError."""
    try:
        yield
    except TopicsError:
        raise
    except FileNotFoundError:
        raise SourceError(f"{address}: no such file") from None
    except Exception as error:  # whatever a store's library raises
        raise SourceError(f"{address}: cannot be read: {reason(error)}") from None


@contextmanager
def _source(partition: Partition) -> Iterator[LocalSource]:
    """Bring a partition to this machine, and compute its digest; what is here is not copied."""
    fs, path = file_system(partition.source)
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        copy = Path(folder) / Path(path).name
        with _one_line_errors(partition.source):
            original = Path(path) if is_local(fs) else None
            state = _state(original) if original else ()
            version = version_of(fs.info(path))
            if partition.row_group is not None:
                with fs.open(path, "rb", block_size=1 << 22, cache_type="readahead") as file:
                    sha256 = _extract_row_group(file, partition, copy)
            else:
                if original:
                    copy = original
                else:
                    fs.get_file(path, str(copy))
                with copy.open("rb") as file:
                    sha256 = digest(file)
        yield LocalSource(copy, sha256, version, original, state)


def _extract_row_group(file: BinaryIO, partition: Partition, copy: Path) -> str:
    """Write a row group to a Parquet file of its own; return the digest of the footer and of the group's bytes."""
    from pyarrow import ArrowException

    with copy.with_name("sparse").open("w+b") as sparse:
        try:
            footer = _copied(file, sparse, *_footer(file))
            start, end = _place_of(sparse, partition)
            content = _copied(file, sparse, start, end)
            _rewrite(sparse, partition.row_group or 0, copy)
        except (ArrowException, ValueError) as error:
            raise SourceError(f"{partition.source}: damaged Parquet: {reason(error)}") from None
    return hashlib.sha256(f"{footer}{content}".encode()).hexdigest()


def _footer(file: BinaryIO) -> tuple[int, int]:
    """Return where the footer begins and ends."""
    end = file.seek(-_FOOTER, os.SEEK_END) + _FOOTER
    length = int.from_bytes(file.read(4), "little")
    return max(0, end - _FOOTER - length), end


def _copied(file: BinaryIO, sparse: BinaryIO, start: int, end: int) -> str:
    """Copy a range to the same place in another file; return its digest."""
    found = hashlib.sha256()
    file.seek(start)
    sparse.seek(start)
    while block := file.read(min(_BLOCK, end - file.tell())):
        found.update(block)
        sparse.write(block)
    sparse.flush()
    return found.hexdigest()


def _place_of(sparse: BinaryIO, partition: Partition) -> tuple[int, int]:
    """Return where the bytes of the row group begin and end; raise SourceError where it is no longer there."""
    from pyarrow.parquet import ParquetFile

    chosen, metadata = partition.row_group or 0, ParquetFile(sparse).metadata
    groups = [metadata.row_group(number) for number in range(min(chosen + 1, metadata.num_row_groups))]
    if len(groups) <= chosen or sum(group.num_rows for group in groups[:-1]) != partition.rows_before:
        raise SourceError(f"{partition.source}: changed while it was being read")
    columns = [groups[-1].column(number) for number in range(groups[-1].num_columns)]
    starts = [min(filter(None, (column.dictionary_page_offset, column.data_page_offset))) for column in columns]
    ends = [start + column.total_compressed_size for start, column in zip(starts, columns, strict=True)]
    return min(starts), max(ends) + _PADDING


def _rewrite(sparse: BinaryIO, chosen: int, copy: Path) -> None:
    from pyarrow.parquet import ParquetFile, ParquetWriter

    table = ParquetFile(sparse)
    with ParquetWriter(copy, table.schema_arrow, compression="none") as writer:
        for batch in table.iter_batches(row_groups=[chosen], use_threads=False):
            writer.write_batch(batch)
