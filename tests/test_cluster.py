"""Many tables are predicted on by a cluster as by one process, whatever befalls workers, scheduler and client."""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import support
from small_model import GAS, MINES, SPORT, TEXTS, saved

from pipeline.errors import ClusterError, OutputError, SourceError
from pipeline.predict.batch import Job, predict_table
from pipeline.predict.cluster.connection import Cluster
from pipeline.predict.cluster.partition import Outcome, Task, predict_partition
from pipeline.predict.cluster.plan import Partition, plan
from pipeline.predict.cluster.run import Total
from pipeline.predict.cluster.store import LocalFolder, open_store
from pipeline.predict.output import Format


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight equal tables of 60,000 rows: work of some seconds, so that it can be met half done."""
    folder = tmp_path_factory.mktemp("tables")
    (first,) = write_many(folder, 1, rows=60_000)
    for n in range(1, 8):
        shutil.copy(first, folder / f"{n:02}.jsonl")
    return folder


@pytest.fixture(scope="module")
def predictions(model: Path, tables: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Predict on one of the tables, without a cluster."""
    return one_process(model, tables / "00.jsonl", tmp_path_factory.mktemp("expected") / "out")


class Processes:
    """A scheduler on a free port, and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.port = 0
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        self.file.unlink(missing_ok=True)
        place = ["--host", "127.0.0.1", "--port", self.port, "--no-dashboard"]
        self.scheduler = self._start("scheduler", *place, "--scheduler-file", self.file)
        wait_until(lambda: self.file.exists() and self.file.read_text().rstrip().endswith("}"))
        self.port = int(json.loads(self.file.read_text())["address"].rpartition(":")[2])

    def start_worker(self) -> None:
        own = ["--nthreads", 1, "--no-dashboard", "--local-directory", self.folder / "scratch"]
        before = self._registered()
        self.workers.append(self._start("worker", self.address, *own))
        wait_until(lambda: self._registered() > before)

    def _registered(self) -> int:
        return (self.folder / "log").read_bytes().count(b"Registered to:")

    def _start(self, *arguments: object) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "dask", *map(str, arguments)]
        log = (self.folder / "log").open("ab")
        with log:
            return subprocess.Popen(command, env=support.ENVIRONMENT, stdout=log, stderr=log)

    def kill(self) -> None:
        """End all, the scheduler first: the loss of a worker is nobody's to tell then."""
        for process in filter(None, [self.scheduler, *self.workers]):
            for started in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    started.kill()
            process.kill()
            process.wait()
        self.workers, self.scheduler = [], None


@contextmanager
def processes(folder: Path, *, workers: int) -> Iterator[Processes]:
    found = Processes(folder)
    try:
        found.start_scheduler()
        for _ in range(workers):
            found.start_worker()
        yield found
    finally:
        found.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with processes(tmp_path_factory.mktemp("cluster"), workers=2) as found:
        yield found


@contextmanager
def started(command: list[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """Start a command, and end it where the test fails."""
    options = {"env": support.ENVIRONMENT, "stderr": subprocess.PIPE, "text": True, **options}
    with subprocess.Popen(command, **options) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_until(ready: Callable[[], object], running: "subprocess.Popen[str] | None" = None) -> None:
    """Wait for what happens before a command ends."""
    deadline = time.monotonic() + 120
    while not ready():
        assert running is None or running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)


def arguments(model: Path, output: object, scheduler: str, *more: object) -> list[object]:
    return ["predict", "--model", model, "--output", output, "--scheduler", scheduler, *more]


def one_process(model: Path, table: Path, output: Path, **options: Any) -> bytes:
    """Predict on a table in this process, without a cluster."""
    form: Format = options.pop("form", "jsonl")
    predict_table(Job(str(table), "text", model, form, **options), output, resume=False, progress=lambda *_: None)
    return output.read_bytes()


def write_many(folder: Path, files: int, *, rows: int) -> list[Path]:
    texts = [{"id": n, "text": f"{TEXTS[n % len(TEXTS)]} {n}"} for n in range(rows)]
    return [support.write_rows(folder / f"{n:02}.jsonl", [{"n": n, **row} for row in texts]) for n in range(files)]


def write_row_groups(path: Path, *, rows: int, group: int) -> Path:
    texts = [None if n == rows - 3 else f"{TEXTS[n % len(TEXTS)]} {n}" for n in range(rows)]
    day = pa.array([n * 86_400_000_000 for n in range(rows)], pa.timestamp("us", "UTC"))
    kind = pa.array([("a", "b")[n % 2] for n in range(rows)]).dictionary_encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": texts, "day": day, "kind": kind}), path, row_group_size=group)
    return path


def visible(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "_manifest.json").read_bytes())
    return found


def test_many_tables_give_what_one_process_gives(model: Path, tmp_path: Path) -> None:
    tables, output = tmp_path / "in", tmp_path / "out"
    support.write_rows(tables / "a.jsonl", [{"text": text} for text in TEXTS])
    (tables / "deep").mkdir()
    with (tables / "deep" / "b.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], ["x", GAS], ["y", SPORT]])
    (tables / "broken.parquet").write_bytes(b"PAR1 and no more")
    (tables / "body.csv").write_text("body\nOf gas.\n", encoding="utf-8")
    write_row_groups(tables / "deep" / "c.parquet", rows=2600, group=1100)
    pattern = f"{tables}/**/*.*"
    done = support.run(*arguments(model, f"{output}/", "local", pattern, "--workers", 2, "--keep", "all"))
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == f"error: {tables}/body.csv: no column 'text', found body; see --text-column"
    assert lines[1].startswith(f"error: {tables}/broken.parquet: not a Parquet file: ")
    summary = r"2,662 rows in [\d.]+ s, [\d,]+ rows/s; 1 rows with an error, the first on (.*); 2 files that .*"
    assert (
        re.fullmatch(summary, lines[2]).group(1) == f"{tables}/deep/c.parquet, line 2598: no text in column 'text'"
    )  # type: ignore[union-attr]
    names = ["a.jsonl", "deep/b.jsonl", *(f"deep/c-{n:05}.jsonl" for n in range(3))]
    records = [f"{name.rpartition('/')[0]}/_{name.rpartition('/')[2]}.json".lstrip("/") for name in names]
    assert visible(output) == sorted(["_manifest.json", *names, *records])
    expected = tmp_path / "expected"
    for name, table in (("a", "a.jsonl"), ("deep/b", "deep/b.csv"), ("deep/c", "deep/c.parquet")):
        found = b"".join(path.read_bytes() for path in sorted(output.glob(f"{name}*.jsonl")))
        assert found == one_process(model, tables / table, expected, keep=("all",))
    content = manifest(output)
    assert content["total"] == {"files": 7, "failed": 2, "rows": 2662, "errors": 1}
    assert content["model_sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    listed = {entry["source"]: entry for entry in content["files"]}
    assert listed[f"{tables}/a.jsonl"]["sha256"] == hashlib.sha256((output / "a.jsonl").read_bytes()).hexdigest()
    source = hashlib.sha256((tables / "a.jsonl").read_bytes()).hexdigest()
    assert listed[f"{tables}/a.jsonl"]["source_sha256"] == source
    assert listed[f"{tables}/body.csv"]["error"] in lines[0]
    assert [entry["rows"] for entry in content["files"] if "row_group" in entry] == [1100, 1100, 400]


def test_what_is_published_is_skipped_until_something_changes(
    model: Path, cluster: Processes, tmp_path: Path
) -> None:
    tables, output = tmp_path / "in", tmp_path / "out"
    write_many(tables, 3, rows=20)
    command = arguments(model, output, cluster.address, tables)
    assert support.run(*command).returncode == 0
    before = {name: (output / name).stat().st_mtime_ns for name in visible(output)}
    again = support.run(*command)
    assert re.fullmatch(r"0 rows in .*, 3 of 3 files published before\n", again.stderr)
    (tables / "00.jsonl").write_bytes((tables / "00.jsonl").read_bytes().replace(b'"n": 0', b'"n": 7'))
    (output / "01.jsonl").write_bytes((output / "01.jsonl").read_bytes().replace(b'"row": 1,', b'"row": 9,'))
    assert support.run(*command).stderr.endswith(", 1 of 3 files published before\n")
    changed = [name for name in before if (output / name).stat().st_mtime_ns != before[name]]
    assert changed == ["00.jsonl", "01.jsonl", "_00.jsonl.json", "_01.jsonl.json", "_manifest.json"]
    assert (output / "01.jsonl").read_bytes().startswith(b'{"row": 1,')
    other = support.run(*command, "--threshold", "recall")
    assert "published before" not in other.stderr


DEADLY = {  # every death is one that the client hears of
    **support.ENVIRONMENT,
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
}


def test_killed_workers_cost_no_row(model: Path, tables: Path, predictions: bytes, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = support.command(*arguments(model, output, "local", f"{tables}/*.jsonl", "--workers", 2))
    killed = 0
    with started(command, env=DEADLY) as running:
        while killed < 8:
            killed += kill_at_work(running)
            for path in output.glob("*.jsonl"):
                assert path.read_bytes().count(b"\n") == 60_000
        assert running.communicate()[1].startswith("480,000 rows in ")
    assert running.returncode == 0
    check(output, predictions)


def check(output: Path, predictions: bytes) -> None:
    """Hold all that there is of a folder to the predictions on its eight tables."""
    for n in range(8):
        assert (output / f"{n:02}.jsonl").read_bytes() == predictions
    assert len(visible(output)) == 2 * 8 + 1


def begun(output: Path) -> list[Path]:
    """List what attempts are writing, or were when they were killed."""
    return list((output / "_attempts").glob("*/*/.*.part"))


def kill_at_work(running: "subprocess.Popen[str]") -> int:
    """Kill the workers that are amid a table, and return how many; Dask does not replace one that dies at once."""
    found: list[psutil.Process] = []
    wait_until(lambda: found.extend(filter(is_amid_table, workers_of(running.pid))) or found, running)
    for worker in found:
        worker.kill()
        worker.wait(timeout=60)
    return len(found)


def is_amid_table(worker: psutil.Process) -> bool:
    with suppress(psutil.Error, OSError):
        parts = [Path(file.path) for file in worker.open_files() if file.path.endswith(".part")]
        return any(part.stat().st_size > 3_000_000 for part in parts)
    return False


def workers_of(pid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            if "spawn_main" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_lost_scheduler_is_waited_for(model: Path, tables: Path, predictions: bytes, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with processes(tmp_path, workers=1) as cluster:
        command = support.command(*arguments(model, output, cluster.address, tables))
        with started(command) as running:
            wait_until(lambda: (output / "_01.jsonl.json").exists() and begun(output), running)
            cluster.kill()
            assert not (output / "_manifest.json").exists()
            cluster.start_scheduler()
            cluster.start_worker()
            told = running.communicate()[1]
        assert (running.returncode, len(told.splitlines())) == (0, 1), told
    assert manifest(output)["total"]["rows"] == 480_000
    check(output, predictions)


IN_PYTHON = """
import sys
from pathlib import Path
from pipeline.errors import TopicsError
from pipeline.predict.batch import Job
from pipeline.predict.cluster import run
from pipeline.predict.cluster.connection import Cluster

if __name__ == "__main__":
    model, tables, output, address, patience = sys.argv[1:]
    run.RESUBMISSIONS = 1
    job = Job("", "text", Path(model), "jsonl")
    try:
        run.predict_files(job, [tables], output, Cluster(address, patience=float(patience)), lambda *_: None)
    except TopicsError as error:
        print(error)
"""


def in_python(*arguments: object) -> list[str]:
    """Return a command that predicts with another patience, and gives up sooner, than the command line."""
    return [sys.executable, "-c", IN_PYTHON, *map(str, arguments)]


def test_a_partition_that_kills_its_workers_is_given_up(model: Path, tmp_path: Path) -> None:
    tables, output = tmp_path / "in", tmp_path / "out"
    write_many(tables, 1, rows=250_000)
    command = in_python(model, tables, output, "local", 60)
    with started(command, env=DEADLY, stdout=subprocess.PIPE) as running:
        for _ in range(2):
            kill_at_work(running)
        out, err = running.communicate()
    assert (out, err) == (
        f"{tables}/00.jsonl: its workers died again and again; have they enough memory?; "
        "rerun to continue; 0 of 1 published\n",
        "",
    )
    assert visible(output) == []


def test_a_killed_client_is_taken_over_from(model: Path, tables: Path, predictions: bytes, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = arguments(model, output, "local", tables, "--workers", 2)
    with started(support.command(*command)) as running:
        wait_until(lambda: (output / "_00.jsonl.json").exists() and begun(output), running)
        workers = workers_of(running.pid)
        running.kill()
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert (output / "_attempts").exists()
    assert " of 8 files published before" in support.run(*command).stderr
    check(output, predictions)


def test_a_scheduler_that_stays_lost_ends_in_one_line(model: Path, tables: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with processes(tmp_path, workers=1) as cluster:
        command = in_python(model, tables, output, cluster.address, 1)
        with started(command, stdout=subprocess.PIPE) as running:
            wait_until((output / "_02.jsonl.json").exists, running)
            cluster.kill()
            out, err = running.communicate()
    told = re.fullmatch(r"tcp://[\d.:]+: no scheduler for 1 s; rerun to continue; (\d) of 8 published\n", out)
    assert told, out + err
    assert err == ""
    assert 1 <= int(told[1]) <= len(list(output.glob("*.jsonl"))) < 8
    assert not (output / "_manifest.json").exists()
    assert not (output / "_attempts").exists()


def test_no_scheduler_is_one_line_and_changes_nothing(model: Path, tmp_path: Path) -> None:
    support.write_rows(tmp_path / "t.jsonl", [{"text": MINES}])
    done = support.run(*arguments(model, tmp_path / "out", "tcp://127.0.0.1:1", tmp_path / "t.jsonl"))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error: tcp://127.0.0.1:1: no Dask scheduler answers: ")
    assert not (tmp_path / "out").exists()


def test_two_commands_may_write_to_one_folder(model: Path, cluster: Processes, tmp_path: Path) -> None:
    tables, output = tmp_path / "in", tmp_path / "out"
    sources = write_many(tables, 4, rows=4000)
    command = support.command(*arguments(model, output, cluster.address, tables))
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for running in both:
        told = running.communicate()[1]
        assert (running.returncode, len(told.splitlines())) == (0, 1), told
    for source in sources:
        assert (output / source.name).read_bytes() == one_process(model, source, tmp_path / "expected")
    assert manifest(output)["total"] == {"files": 4, "failed": 0, "rows": 16_000, "errors": 0}
    assert len(visible(output)) == 2 * 4 + 1


def test_ctrl_c_ends_every_process_and_leaves_what_is_published(model: Path, tables: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = support.command(*arguments(model, output, "local", tables, "--workers", 2))
    with started(command, start_new_session=True) as running:
        wait_until(lambda: (output / "00.jsonl").exists() and begun(output), running)
        workers = workers_of(running.pid)
        os.killpg(running.pid, signal.SIGINT)
        assert running.communicate()[1] == "interrupted; existing files are unchanged\n"
    assert running.returncode == 130
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    names = visible(output)
    assert "00.jsonl" in names
    assert not [name for name in names if name.startswith(("_attempts", "_manifest"))]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve an object store on a free port; give the environment that leads to it."""
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", "0"], stderr=file, stdout=file)
    try:
        wait_until(lambda: b"Running on" in log.read_bytes())
        port = re.findall(r"Running on http://127.0.0.1:(\d+)", log.read_text())[0]
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        process.kill()
        process.wait()


S3 = """
import json, sys
from pathlib import Path
import s3fs

fs = s3fs.S3FileSystem()
if sys.argv[1] == "put":
    fs.mkdir("s3://news")
    fs.put(sys.argv[2], "s3://news/in", recursive=True)
else:
    fs.get("s3://news/out", sys.argv[2], recursive=True)
"""


def test_an_object_store_is_read_and_written(model: Path, s3: dict[str, str], tmp_path: Path) -> None:
    tables, output = tmp_path / "in", tmp_path / "out"
    (source,) = write_many(tables / "day", 1, rows=300)
    parquet = write_row_groups(tables / "rows.parquet", rows=2600, group=1100)
    (tables / "bad.csv").write_text("body\nOf gas.\n", encoding="utf-8")

    def objects(what: str, folder: Path) -> None:
        environment = {**support.ENVIRONMENT, **s3}
        subprocess.run([sys.executable, "-c", S3, what, str(folder)], env=environment, check=True)

    objects("put", tables)
    command = arguments(model, "s3://news/out", "local", "s3://news/in/**/*", "--keep", "all")
    done = support.run(*command, env=s3)
    objects("get", output)
    first, summary = done.stderr.splitlines()
    assert first == "error: s3://news/in/bad.csv: no column 'text', found body; see --text-column"
    assert summary.startswith("2,900 rows in ")
    assert done.returncode == 1
    expected = tmp_path / "expected"
    assert (output / "day" / "00.jsonl").read_bytes() == one_process(model, source, expected, keep=("all",))
    found = b"".join(path.read_bytes() for path in sorted(output.glob("rows-*.jsonl")))
    assert found == one_process(model, parquet, expected, keep=("all",))
    assert len(visible(output)) == 2 * 4 + 1
    record = json.loads((output / "day" / "_00.jsonl.json").read_bytes())
    assert record["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert record["version"] == f'"{hashlib.md5((output / "day" / "00.jsonl").read_bytes()).hexdigest()}"'
    again = support.run(*command, env=s3)
    assert ", 4 of 5 files published before" in again.stderr


def task_of(model: Path, source: Path, output: Path, run: str, **options: Any) -> Task:
    partition = Partition(str(source), options.pop("name", "t.jsonl"))
    job = Job("", "text", model, "jsonl", **options)
    return Task(partition, job, hashlib.sha256(model.read_bytes()).hexdigest(), str(output), run)


def test_two_attempts_at_once_publish_one_file(model: Path, tmp_path: Path) -> None:
    (source,) = write_many(tmp_path / "in", 1, rows=4000)
    output, run = tmp_path / "out", "a" * 32
    with LocalFolder(output).claimed(run, "job"), ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(predict_partition, [task_of(model, source, output, run)] * 4))
    assert {outcome.record for outcome in outcomes if outcome.record is None} == set()
    assert {outcome.record.sha256 for outcome in outcomes if outcome.record} == {
        hashlib.sha256((output / "t.jsonl").read_bytes()).hexdigest()
    }
    assert (output / "t.jsonl").read_bytes() == one_process(model, source, tmp_path / "expected")
    assert visible(output) == ["_t.jsonl.json", "t.jsonl"]


def test_a_worker_with_another_model_is_told_of(model: Path, tmp_path: Path) -> None:
    (source,) = write_many(tmp_path / "in", 1, rows=3)
    run = "a" * 32
    task = replace(task_of(model, source, tmp_path / "out", run), model_sha256="0" * 64)
    with LocalFolder(tmp_path / "out").claimed(run, "job"):
        other = predict_partition(task)
        missing = predict_partition(replace(task, job=replace(task.job, model=tmp_path / "none")))
    assert other.fatal
    assert missing.fatal
    assert re.fullmatch(
        rf"{model}: worker \S+ has another model there: SHA-256 [0-9a-f]{{12}}, expected 0{{12}}", other.error
    )
    assert re.fullmatch(
        rf"{tmp_path}/none: cannot be read by worker \S+: No such file or directory", missing.error
    )


def test_an_attempt_without_its_client_publishes_nothing(model: Path, tmp_path: Path) -> None:
    (source,) = write_many(tmp_path / "in", 1, rows=3)
    outcome = predict_partition(task_of(model, source, tmp_path / "out", "a" * 32))
    assert outcome.fatal
    assert not (tmp_path / "out").exists()


def test_a_source_that_changes_while_it_is_read_is_not_published(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = write_many(tmp_path / "in", 1, rows=3)
    from pipeline.predict.cluster import partition

    def predict_then_change(*arguments: Any, **options: Any) -> Any:
        summary = predict_table(*arguments, **options)
        source.write_bytes(source.read_bytes().replace(b'"n": 0', b'"n": 7'))
        return summary

    monkeypatch.setattr(partition, "predict_table", predict_then_change)
    with LocalFolder(tmp_path / "out").claimed("a" * 32, "job"):
        outcome = predict_partition(task_of(model, source, tmp_path / "out", "a" * 32))
    assert outcome == Outcome(error=f"{source}: changed while it was being read")
    assert visible(tmp_path / "out") == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"rows": 1}', b"\xff"])
def test_a_damaged_record_is_made_anew(model: Path, tmp_path: Path, content: bytes) -> None:
    (source,) = write_many(tmp_path / "in", 1, rows=3)
    task = task_of(model, source, tmp_path / "out", "a" * 32)
    with LocalFolder(tmp_path / "out").claimed(task.run, "job"):
        first = predict_partition(task)
        assert predict_partition(task) == replace(first, skipped=True)
        (tmp_path / "out" / "_t.jsonl.json").write_bytes(content)
        assert predict_partition(task) == first


def test_only_dead_runs_are_cleaned_up_after(tmp_path: Path) -> None:
    living, dead, own = "a" * 32, "b" * 32, "c" * 32
    (tmp_path / "_attempts" / dead / "x").mkdir(parents=True)
    (tmp_path / "_attempts" / f"{dead}.lock").touch()
    with LocalFolder(tmp_path).claimed(living, "job"):
        with LocalFolder(tmp_path).claimed(own, "job"):
            pass
        assert sorted(path.name for path in (tmp_path / "_attempts").iterdir()) == [living, f"{living}.lock"]
        with (
            pytest.raises(OutputError, match="another command writes to it, with another model or options"),
            LocalFolder(tmp_path).claimed(own, "another job"),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_names_come_from_below_the_fixed_part_of_a_pattern(tmp_path: Path) -> None:
    for name in ("a/x.jsonl", "a/y.csv", "b/x.jsonl", "b/notes.txt", ".hidden/z.csv"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
    folder, output = tmp_path / "in", str(tmp_path / "out")

    def names(*sources: object, ending: str = ".csv") -> list[str]:
        return [partition.output for partition in plan(list(map(str, sources)), output, ending=ending)]

    assert names(folder) == ["a/x.csv", "a/y.csv", "b/x.csv"]
    assert names(f"{folder}/a/*", ending=".jsonl") == ["x.jsonl", "y.jsonl"]
    assert names(f"{folder}/[ab]/x.*") == ["a/x.csv", "b/x.csv"]
    assert names(folder / "a" / "y.csv", f"{folder}/a/*") == ["y.csv", "x.csv"]
    assert names(f"file://{folder}/b/notes.txt") == ["notes.txt.csv"]
    assert names(os.path.relpath(folder / "a")) == ["x.csv", "y.csv"]
    (folder / "b" / "link.csv").symlink_to(folder / "a" / "y.csv")
    (folder / "b" / ".hidden.csv").write_text("text\n")
    assert names(folder / "b") == names(f"{folder}/b/*") == ["link.csv", "x.csv"]


@pytest.mark.parametrize(
    ("sources", "output", "message"),
    [
        (["a/x.jsonl", "b/x.jsonl"], "out", "a/x.jsonl and .*/b/x.jsonl would both be written to x.jsonl; "),
        (["a/x.jsonl", "a/x.csv"], "out", "a/x.jsonl and .*/a/x.csv would both be written to x.jsonl; "),
        (["a"], "a", "a: the source .*/a/x.csv lies in it; write to a folder of its own"),
        (["*/*.jsonl"], ".", ": the source .*/a/x.jsonl lies in it"),
        (["a"], "link", "link: the source .*/a/x.csv lies in it"),
        (["a"], "memory://out", "memory://out: other processes do not see it; use a folder or an object store"),
        (["a"], "http://127.0.0.1/x", "expected a folder or an object store: abfs, "),
        (["a"], "nothing://x", "nothing://x: Protocol not known: nothing"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_starts(
    tmp_path: Path, sources: list[str], output: str, message: str
) -> None:
    for name in ("a/x.jsonl", "a/x.csv", "b/x.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    (tmp_path / "link").symlink_to("a")
    place = output if "://" in output else str(tmp_path / output)
    with pytest.raises(OutputError, match=message):
        plan([str(tmp_path / source) for source in sources], open_store(place).address, ending=".jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "link"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "a SOURCE is empty"),
        ("/no/such/*.csv", r"/no/such/\*.csv: no table is found; expected such as data/\*.jsonl"),
        ("/no/such.csv", "/no/such.csv: no table is found"),
        ("memory://x.csv", "memory://x.csv: other processes do not see it"),
        ("nothing://x.csv", "nothing://x.csv: Protocol not known: nothing"),
    ],
)
def test_a_source_that_stands_for_nothing_is_named(source: str, message: str) -> None:
    with pytest.raises(SourceError, match=f"^{message}"):
        plan([source], "/out", ending=".csv")


def test_parquet_is_written_by_row_groups(model: Path, tmp_path: Path) -> None:
    table = write_row_groups(tmp_path / "t.parquet", rows=25, group=10)
    run, output = "a" * 32, tmp_path / "out"
    job = Job("", "text", model, "parquet", keep=("all",))
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    partitions = plan([str(table)], str(output), ending=".parquet")
    with LocalFolder(output).claimed(run, "job"):
        outcomes = [predict_partition(Task(partition, job, sha256, str(output), run)) for partition in partitions]
    assert [outcome.record.rows for outcome in outcomes if outcome.record] == [10, 10, 5]
    one_process(model, table, tmp_path / "whole.parquet", form="parquet", keep=("all",))
    found = pa.concat_tables(pq.read_table(path) for path in sorted(output.glob("*.parquet")))
    assert found.equals(pq.read_table(tmp_path / "whole.parquet"))
    write_row_groups(table, rows=25, group=12)
    with LocalFolder(output).claimed(run, "job"):
        moved = predict_partition(Task(partitions[1], job, sha256, str(output), run))
    assert moved == Outcome(error=f"{table}: changed while it was being read")


def test_csv_partitions_are_whole_tables(model: Path, tmp_path: Path) -> None:
    table = write_row_groups(tmp_path / "t.parquet", rows=25, group=10)
    run, output = "a" * 32, tmp_path / "out"
    job = Job("", "text", model, "csv")
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    with LocalFolder(output).claimed(run, "job"):
        for partition in plan([str(table)], str(output), ending=".csv"):
            predict_partition(Task(partition, job, sha256, str(output), run))
    parts = [path.read_bytes().splitlines(keepends=True) for path in sorted(output.glob("*.csv"))]
    whole = one_process(model, table, tmp_path / "whole", form="csv").splitlines(keepends=True)
    assert [part[0] for part in parts] == [whole[0]] * 3
    assert [line for part in parts for line in part[1:]] == whole[1:]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["a.csv"], "--scheduler needs SOURCES that are tables, and a folder as --output"),
        (["--output", "out"], "--scheduler needs SOURCES that are tables, and a folder as --output"),
        (["a.csv", "--output", "-"], "--scheduler needs SOURCES that are tables, and a folder as --output"),
        (
            ["a.csv", "--output", "out", "--explain"],
            "--scheduler writes jsonl, csv or parquet, without --explain and --resume",
        ),
        (
            ["a.csv", "--output", "out", "--format", "html"],
            "--scheduler writes jsonl, csv or parquet, without --explain and --resume",
        ),
        (
            ["a.csv", "--output", "out", "--workers", "2"],
            "--workers needs --scheduler local; a scheduler at an address has its own",
        ),
    ],
)
def test_options_that_a_cluster_has_no_use_for_are_wrong_usage(
    model: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    done = support.run("predict", "--model", model, "--scheduler", "tcp://127.0.0.1:1", *more, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: {message}")
    assert list(tmp_path.iterdir()) == []


def test_the_summary_counts_what_was_not_done_again() -> None:
    total = Total(partitions=5, skipped=2, rows=9000, predicted=4000, seconds=2.0, failed={"a": "b"})
    assert total.as_text() == (
        "4,000 rows in 2.0 s, 2,000 rows/s, 2 of 5 files published before; 1 files that cannot be read"
    )


@pytest.mark.parametrize("command", ["train", "search"])
def test_training_has_no_workers_without_a_cluster(command: str, tmp_path: Path) -> None:
    done = support.run(command, "--workers", 2, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith(
        "Error: --workers needs --scheduler local; a scheduler at an address has its own\n"
    )


FOLDS = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import support
from pipeline.data import corpus
from pipeline.steps.experiment import fit, folds_on

if __name__ == "__main__":
    made = support.write_experiment(Path(sys.argv[2]))
    rows = corpus.read_split(made.config, support.TOPICS).train
    with folds_on(sys.argv[3]):
        model = fit(made.config, rows, made.topics, lambda done, total: None).model
        from distributed import get_client
        tasks = get_client().run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    print("batch_of__fold_evidence_1_calls" in tasks, hashlib.sha256(model.oof_scores_.tobytes()).hexdigest())
"""


def test_folds_on_a_cluster_give_the_same_model(cluster: Processes, fitted: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FOLDS, str(Path(__file__).parent), str(tmp_path), cluster.address]
    done = subprocess.run(command, env=support.ENVIRONMENT, capture_output=True, text=True, check=False)
    expected = hashlib.sha256(fitted.model.oof_scores_.tobytes()).hexdigest()
    assert done.stdout == f"True {expected}\n", done.stderr


def test_a_cluster_that_does_not_answer_is_one_error() -> None:
    with (
        pytest.raises(ClusterError, match="no-such-scheme://x: no Dask scheduler answers"),
        Cluster("no-such-scheme://x").connected(timeout=0.1),
    ):
        pass
