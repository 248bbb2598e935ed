"""Tables are predicted on row by row, whatever stops the command or is wrong with a row."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import support
from serving import with_distinct_points
from small_model import GAS, MINES, TEXTS, saved

from pipeline.errors import BundleError, OutputError, SourceError
from pipeline.model.bundle import load_bundle, save_bundle
from pipeline.predict.batch import Job, Kept, PartFile, predict_table
from pipeline.predict.output import Format


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = saved(tmp_path_factory.mktemp("model"))
    bundle = with_distinct_points(load_bundle(path, mapped=False))
    save_bundle(path, bundle)
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that takes some seconds: 360,000 rows, with texts whose second line looks like a row of CSV."""
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    lines = "".join(json.dumps({"text": f"{text}\n999,gas,0.5\n"}) + "\n" for text in TEXTS)
    path.write_text(lines * 6000, encoding="utf-8")
    return path


def command(model: Path, *arguments: object) -> list[str]:
    return support.command("predict", "--model", model, *arguments)


def predict(model: Path, *arguments: object, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
    return support.run("predict", "--model", model, *arguments, stdin=stdin)


def predicted(model: Path, table: Path, output: Path, **options: Any) -> bytes:
    """Predict in this process and return the output's content."""
    form: Format = options.pop("form", "jsonl")
    job = Job(str(table), options.pop("column", "text"), model, form, **options)
    predict_table(job, output, resume=False, progress=lambda done, total: None)
    return output.read_bytes()


def json_lines(path: Path, texts: list[object]) -> Path:
    return support.write_rows(path, [{"text": text} for text in texts])


def test_every_row_is_predicted_in_order(model: Path, tmp_path: Path) -> None:
    done = predict(model, json_lines(tmp_path / "t.jsonl", list(TEXTS)))
    rows = support.json_lines(done.stdout)
    scorer = load_bundle(model).scorer
    assert [row["row"] for row in rows] == list(range(1, 61))
    assert [row["topics"] for row in rows[:3]] == [["mine_action"], ["energy, security"], []]
    for row, scores in zip(rows, scorer.scores(TEXTS).tolist(), strict=True):
        assert list(row["scores"].values()) == pytest.approx(scores, abs=1e-6)
        margins = [score - threshold for score, threshold in zip(scores, scorer.thresholds, strict=True)]
        assert list(row["margins"].values()) == pytest.approx(margins, abs=1e-6)
    assert done.stderr.startswith("60 rows in ")


def test_all_kinds_of_table_give_the_same(model: Path, tmp_path: Path) -> None:
    texts = ['One "quoted"\nline of gas', *TEXTS]
    support.write_rows(tmp_path / "t.jsonl", [{"id": n, "text": text} for n, text in enumerate(texts)])
    pq.write_table(pa.table({"id": list(range(61)), "text": texts}), tmp_path / "t.parquet")
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *([n, text] for n, text in enumerate(texts))])
    found = [predicted(model, tmp_path / f"t.{kind}", tmp_path / "out") for kind in ("jsonl", "parquet", "csv")]
    assert len(found[0].splitlines()) == 61
    assert found[0] == found[1]
    assert found[0] == found[2].replace(b'"id": "', b'"id": ').replace(b'", "topics"', b', "topics"')
    piped = predict(model, "-", "--text-column", "text", stdin=(tmp_path / "t.jsonl").read_bytes())
    assert piped.stdout.encode() == found[0]


@pytest.mark.parametrize("source", ["jsonl", "csv", "parquet"])
def test_any_table_gives_any_machine_format(model: Path, tmp_path: Path, source: str) -> None:
    rows = [{"id": "a", "text": MINES, "n": "1"}, {"id": "b", "text": "nothing", "n": "2"}]
    table = tmp_path / f"t.{source}"
    if source == "jsonl":
        support.write_rows(table, rows)
    elif source == "csv":
        table.write_text(f"id,text,n\na,{MINES.replace(',', '')},1\nb,nothing,2\n")
    else:
        pq.write_table(pa.Table.from_pylist(rows), table)
    for ending in ("jsonl", "csv", "parquet"):
        done = predict(model, table, "--keep", "n", "--output", tmp_path / f"out.{ending}")
        assert done.returncode == 0, done.stderr
    lines = support.json_lines((tmp_path / "out.jsonl").read_text())
    with (tmp_path / "out.csv").open(newline="") as file:
        records = list(csv.DictReader(file))
    columns = pq.read_table(tmp_path / "out.parquet").to_pylist()
    for line, record, row in zip(lines, records, columns, strict=True):
        assert (line["row"], line["id"], line["n"]) == (row["row"], row["id"], row["n"])
        assert (str(line["row"]), line["id"], line["n"]) == (record["row"], record["id"], record["n"])
        assert line["topics"] == row["topics"]
        assert " ".join(line["topics"]) == record["topics"]
        for name, column in (("scores", "mine_action"), ("margins", "mine_action_margin")):
            assert line[name]["mine_action"] == pytest.approx(row[column], abs=1e-6)
            assert line[name]["mine_action"] == float(record[column])


def test_parquet_keeps_the_types_of_its_columns(model: Path, tmp_path: Path) -> None:
    schema = pa.schema(
        [
            ("id", pa.int16()),
            ("text", pa.string()),
            ("day", pa.timestamp("us", "UTC")),
            ("price", pa.decimal128(6, 2)),
            ("tags", pa.list_(pa.string())),
            ("topics", pa.dictionary(pa.int32(), pa.string())),
            ("raw", pa.binary()),
        ]
    )
    day = datetime(2025, 3, 4, 5, tzinfo=UTC)
    rows = [
        {
            "id": 7,
            "text": MINES,
            "day": day,
            "price": Decimal("1.50"),
            "tags": ["x"],
            "topics": "a",
            "raw": b"\xff",
        },
        {"id": 8, "text": None, "day": None, "price": None, "tags": None, "topics": None, "raw": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "t.parquet")
    predicted(model, tmp_path / "t.parquet", tmp_path / "out.parquet", form="parquet", keep=("all",))
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("id").type == pa.int16()
    assert found.schema.field("input_topics").type == schema.field("topics").type
    for name in ("text", "day", "price", "tags", "raw"):
        assert found.schema.field(name).type == schema.field(name).type
        assert found.column(name).to_pylist() == [row.get(name) for row in rows]
    assert found.column("topics").to_pylist() == [["mine_action"], None]
    assert found.column("mine_action").to_pylist()[1] is None
    assert found.column("error").to_pylist() == [None, "line 2: no text in column 'text'"]
    (first, second) = predicted(model, tmp_path / "t.parquet", tmp_path / "out", keep=("all",)).splitlines()
    shown = {name: json.loads(first)[name] for name in ("day", "price", "raw", "input_topics")}
    assert shown == {"day": "2025-03-04 05:00:00+00:00", "price": "1.50", "raw": "ff", "input_topics": "a"}
    assert json.loads(second) == {"row": 2, "id": 8, "line": 2, "error": "no text in column 'text'"}


def test_strange_values_are_carried_as_valid_json_and_text(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"text": "\\ud800 gas", "%s": NaN, "deep": [1e999, {"a": null}], "half": "\\ud800"}\n')
    (line,) = predicted(model, table, tmp_path / "out", keep=("all",)).splitlines()
    assert b"NaN" not in line
    assert json.loads(line)["deep"] == [None, {"a": None}]
    assert json.loads(line)["half"] == json.loads(line)["text"][0] == "\ud800"
    predicted(model, table, tmp_path / "out.parquet", form="parquet", keep=("all",))
    assert pq.read_table(tmp_path / "out.parquet").column("half").to_pylist() == ["\\ud800"]


def test_csv_names_its_columns_and_quotes_what_needs_it(model: Path, tmp_path: Path) -> None:
    support.write_rows(
        tmp_path / "t.jsonl", [{"text": MINES, "note": 'a "b",\r\nc'}, {"text": None, "note": None}]
    )
    content = predicted(model, tmp_path / "t.jsonl", tmp_path / "out", form="csv", keep=("note", "text"))
    header, first, second = csv.reader(content.decode().splitlines(keepends=True))
    assert header[:2] == ["row", "topics"]
    assert header[2:] == [
        "mine_action",
        "energy, security",
        "mine_action_margin",
        "energy, security_margin",
        "note",
        "text",
        "error",
    ]
    assert (first[:2], first[-3:]) == (["1", "mine_action"], ['a "b",\r\nc', MINES, ""])
    assert second == ["2", *[""] * 7, "line 2: no text in column 'text'"]


def test_the_operating_point_decides_and_its_margins_are_given(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", list(TEXTS))
    for point, thresholds in load_bundle(model).scorer.points.items():
        rows = support.json_lines(predicted(model, table, tmp_path / "out", point=point).decode())
        for row in rows:
            assert row["topics"] == [topic for topic, margin in row["margins"].items() if margin >= 0]
            difference = row["scores"]["mine_action"] - row["margins"]["mine_action"]
            assert difference == pytest.approx(thresholds[0], abs=2e-6)
    by_command = predict(model, table, "--threshold", "recall").stdout.encode()
    assert by_command == predicted(model, table, tmp_path / "out", point="recall")
    assert by_command != predicted(model, table, tmp_path / "out")
    with pytest.raises(BundleError, match="no operating point 'none', expected one of precision, "):
        predicted(model, table, tmp_path / "never", point="none")
    assert not (tmp_path / "never").exists()


def test_unreadable_rows_are_reported_and_counted(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    bad = b'{"text": \n\n{"body": "x"}\n[1]\n{"text": 3}\n{"text": "\xff"}\n'
    table.write_bytes(b'\xef\xbb\xbf{"text": "gas"}\n' + bad + b'{"text": ""}\n{"text": "\xc9\x99"}')
    done = predict(model, table)
    rows = support.json_lines(done.stdout)
    assert done.returncode == 1
    assert [row.get("error") for row in rows] == [
        None,
        "not JSON: Expecting value at character 10",
        "no text in column 'text'",
        "not a JSON object",
        "'text' is not text",
        "not UTF-8",
        None,
        None,
    ]
    assert [row["line"] for row in rows if "error" in row] == [2, 4, 5, 6, 7]
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "8 rows" in done.stderr
    assert (
        f"5 rows with an error, the first in {table}, line 2: not JSON: Expecting value at character 10"
        in done.stderr
    )


def test_unreadable_rows_of_csv_and_parquet_keep_their_place(model: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'id,text\n1,"two\nlines"\n2\n3,caf\xe9\n4,caf\xc3\xa9\n')
    rows = support.json_lines(predicted(model, tmp_path / "t.csv", tmp_path / "out").decode())
    assert [(row["row"], row.get("line"), row.get("error")) for row in rows] == [
        (1, None, None),
        (2, 4, "no text in column 'text'"),
        (3, 5, "not UTF-8"),
        (4, None, None),
    ]
    pq.write_table(pa.table({"text": [GAS, None, MINES]}), tmp_path / "t.parquet")
    rows = support.json_lines(predicted(model, tmp_path / "t.parquet", tmp_path / "out").decode())
    assert [row.get("error") for row in rows] == [None, "no text in column 'text'", None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b\n1,2\n", "no column 'text', found a, b; see --text-column"),
        ("t.csv", "text\n1\n", "no column 'more', found text"),
        ("t.parquet", "none", "not a Parquet file"),
        ("missing.jsonl", None, "no such file"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(
    model: Path, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=message):
        predicted(model, tmp_path / name, tmp_path / "out.jsonl", keep=("more",))
    assert not (tmp_path / "out.jsonl").exists()
    done = predict(model, tmp_path / name, "--keep", "more")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def several(folder: Path) -> list[Path]:
    """Write three tables with different columns, and one row that cannot be read."""
    (folder / "a.csv").write_text(f'id,text\n1,{GAS}\n2,"Open\n')
    support.write_rows(folder / "b.jsonl", [{"text": MINES, "source": "agency"}, {"text": "nothing", "n": 3}])
    pq.write_table(pa.table({"text": [MINES], "n": [7]}), folder / "c.parquet")
    return [folder / name for name in ("a.csv", "b.jsonl", "c.parquet")]


@pytest.mark.parametrize("workers", [1, 2])
def test_several_tables_are_one_output_whose_rows_name_their_table(
    model: Path, tmp_path: Path, workers: int
) -> None:
    first, *more = map(str, several(tmp_path))
    options: dict[str, Any] = {"keep": ("all",), "workers": workers, "more": tuple(more)}
    rows = support.json_lines(predicted(model, Path(first), tmp_path / "out", **options).decode())
    assert [(row["source"].rpartition("/")[2], row["row"], row["id"], row.get("topics")) for row in rows] == [
        ("a.csv", 1, "1", ["energy, security"]),
        ("a.csv", 2, None, None),
        ("b.jsonl", 1, None, ["mine_action"]),
        ("b.jsonl", 2, None, []),
        ("c.parquet", 1, None, ["mine_action"]),
    ]
    assert [(row.get("input_source"), row.get("n"), row.get("text")) for row in rows[2:]] == [
        ("agency", None, MINES),
        (None, 3, "nothing"),
        (None, 7, MINES),
    ]
    assert rows[1]["error"] == "quote not closed"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_several_tables_give_any_machine_format(model: Path, tmp_path: Path, form: Format) -> None:
    first, *more = map(str, several(tmp_path))
    content = predicted(model, Path(first), tmp_path / "out", form=form, more=tuple(more))
    if form == "csv":
        found = list(csv.DictReader(content.decode().splitlines()))
    else:
        found = pq.read_table(tmp_path / "out").to_pylist()
    assert [(Path(row["source"]).name, str(row["row"])) for row in found] == [
        ("a.csv", "1"),
        ("a.csv", "2"),
        ("b.jsonl", "1"),
        ("b.jsonl", "2"),
        ("c.parquet", "1"),
    ]
    assert [bool(row["error"]) for row in found] == [False, True, False, False, False]


def test_a_column_of_several_types_in_several_tables_becomes_text(model: Path, tmp_path: Path) -> None:
    for name, value in (("a", 7), ("b", "x")):
        pq.write_table(pa.table({"text": [GAS], "n": [value], "m": [1]}), tmp_path / f"{name}.parquet")
    options: dict[str, Any] = {"form": "parquet", "keep": ("n", "m"), "more": (str(tmp_path / "b.parquet"),)}
    predicted(model, tmp_path / "a.parquet", tmp_path / "out", **options)
    found = pq.read_table(tmp_path / "out")
    assert (found.column("n").to_pylist(), found.column("m").to_pylist()) == (["7", "x"], [1, 1])


def test_a_column_that_one_of_several_tables_lacks_is_one_line(model: Path, tmp_path: Path) -> None:
    first, *more = map(str, several(tmp_path))
    with pytest.raises(SourceError, match=r"b\.csv: no column 'text', found body"):
        (tmp_path / "b.csv").write_text("body\na\n")
        predicted(model, Path(first), tmp_path / "out", more=(*more, str(tmp_path / "b.csv")))
    assert not (tmp_path / "out").exists()


def test_the_first_error_of_several_tables_is_told_with_its_table(model: Path, tmp_path: Path) -> None:
    done = predict(model, *several(tmp_path))
    assert done.returncode == 1
    assert f"1 rows with an error, the first in {tmp_path}/a.csv, line 3: quote not closed" in done.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_two_workers_write_what_one_writes(model: Path, tmp_path: Path, form: Format) -> None:
    rows = [{"id": n, "text": text} for n, text in enumerate([*(TEXTS * 100), None])]
    table = support.write_rows(tmp_path / "t.jsonl", rows)
    one, two = (predicted(model, table, tmp_path / "out", form=form, workers=n, keep=("text",)) for n in (1, 2))
    assert one == two
    assert len(one) > 30_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX systems")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_table_that_can_be_read_only_once_is_read_once(model: Path, tmp_path: Path, workers: int) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS * 200)
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", table, pipe]) as writer:
        found = predicted(model, pipe, tmp_path / "one", workers=workers)
    assert writer.returncode == 0
    assert found == predicted(model, table, tmp_path / "two")


@contextmanager
def begun(
    model: Path, *arguments: object, journal: Path, lines: int = 2, **options: Any
) -> "Iterator[subprocess.Popen[str]]":
    """Start a command, and wait for lines of its journal: the job, and one for each chunk of rows."""
    with subprocess.Popen(command(model, *arguments), stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            deadline = time.monotonic() + 120
            while not (journal.exists() and journal.read_text().count("\n") >= lines):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.001)
            yield process
        finally:
            process.kill()


@contextmanager
def endless(line: str) -> "Iterator[IO[bytes]]":
    """Repeat a line for ever: a job that reads this is at work until a signal ends it."""
    with subprocess.Popen(["yes", line], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield process.stdout  # closed on the way out, which ends `yes`


def noted_rows(journal: Path) -> int:
    """Return how many rows are complete, as the last whole line of a journal says."""
    rows: int = json.loads(journal.read_text().split("\n")[-2])[0]
    return rows


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_interrupted_job_resumes_without_loss_or_double_rows(
    model: Path, large: Path, tmp_path: Path, form: str
) -> None:
    output, part, journal = (tmp_path / name for name in ("out", ".out.part", ".out.part.journal"))
    arguments = [large, "--format", form, "--keep", "text", "--output", output]
    with begun(model, *arguments, journal=journal, lines=4) as killed:
        killed.kill()
    assert not output.exists()
    os.truncate(part, part.stat().st_size - 7)
    resumed = predict(model, *arguments, "--resume", "--workers", 2)
    assert int(re.findall(r"resumed after ([\d,]+) rows", resumed.stderr)[0].replace(",", "")) > 1000
    predict(model, large, "--format", form, "--keep", "text", "--workers", 2, "--output", tmp_path / "complete")
    assert output.read_bytes() == (tmp_path / "complete").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["complete", "out"]


def test_ctrl_c_ends_every_process_and_leaves_a_part_to_resume(model: Path, tmp_path: Path) -> None:
    output, journal, line = tmp_path / "out", tmp_path / ".out.part.journal", json.dumps({"text": MINES})
    arguments = ["-", "--text-column", "text", "--workers", 2, "--output", output]
    with (
        endless(line) as table,
        begun(model, *arguments, journal=journal, lines=3, stdin=table, start_new_session=True) as first,
    ):  # both workers have answered
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does: every process of the group hears it
        assert first.communicate()[1] == "interrupted; existing files are unchanged\n"
    assert first.returncode == 130
    rows = noted_rows(journal) + 1000
    assert predict(model, *arguments, "--resume", stdin=f"{line}\n".encode() * rows).returncode == 0
    assert [json.loads(line)["row"] for line in output.read_bytes().splitlines()] == list(range(1, rows + 1))


def processes(group: int) -> list[str]:
    """List the processes of a group, on systems with /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = stat.read_text().partition(" ")
            if rest.rpartition(")")[2].split()[2] == str(group):
                found.append(pid)
    return found


def test_no_worker_outlives_a_killed_parent(model: Path, tmp_path: Path) -> None:
    arguments = ["-", "--text-column", "text", "--workers", 2, "--output", tmp_path / "out"]
    journal = tmp_path / ".out.part.journal"
    with (
        endless(json.dumps({"text": MINES})) as table,
        begun(model, *arguments, journal=journal, stdin=table, start_new_session=True) as killed,
    ):
        if Path("/proc/self/stat").exists():
            assert len(processes(killed.pid)) == 3
        killed.kill()
    deadline = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(killed.pid, 0)
            time.sleep(0.01)


@pytest.mark.parametrize("journal", ['{"source": "another"}\n1 20\n', "", None])
def test_a_part_without_its_journal_is_not_resumed(model: Path, tmp_path: Path, journal: str | None) -> None:
    job = Job(str(json_lines(tmp_path / "t.jsonl", [MINES])), "text", model, "jsonl")
    (tmp_path / ".out.part").write_text('{"row": 1, "topics": []}\n')
    if journal is not None:
        (tmp_path / ".out.part.journal").write_text(journal)
    with pytest.raises(OutputError, match="part of another job; rerun without --resume"):
        predict_table(job, tmp_path / "out", resume=True, progress=lambda done, total: None)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "another.jsonl"},
        {"column": "body"},
        {"model": Path("another")},
        {"form": "csv"},
        {"keep": ("text",)},
        {"point": "recall"},
        {"encoding": "cp1251"},
        {"sheet": "News"},
        {},
        {"workers": 2},
    ],
    ids=str,
)
def test_a_part_is_resumed_by_the_same_job_alone(model: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    job = Job(str(json_lines(tmp_path / "t.jsonl", [MINES])), "text", model, "jsonl")
    with suppress(KeyboardInterrupt), PartFile(tmp_path / "out", job).opened(b"header", resume=False):
        raise KeyboardInterrupt
    resumed = PartFile(tmp_path / "out", replace(job, **change)).opened(b"header", resume=True)
    if change and "workers" not in change:
        with pytest.raises(OutputError, match="part of another job; rerun without --resume"):
            resumed.__enter__()
    else:
        with resumed as sink:
            assert sink.kept == Kept()
        assert (tmp_path / "out").read_bytes() == b"header"


def test_a_part_with_content_has_a_job_at_every_moment(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, journal = tmp_path / ".out.part", tmp_path / ".out.part.journal"
    job, before, begun_with = Job("-", "text", model, "jsonl"), Path.open, []

    def noting(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> IO[Any]:
        if (path, mode) == (journal, "w"):
            begun_with.append(part.stat().st_size)
        return before(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", noting)
    for resume in (False, True):
        with (
            suppress(KeyboardInterrupt),
            PartFile(tmp_path / "out", job).opened(b"header", resume=resume),
        ):
            assert json.loads(journal.read_text())["source"] == "-"
            raise KeyboardInterrupt
        assert part.read_bytes() == b"header"
    assert begun_with == [0, 0]


def test_a_resumed_run_counts_the_errors_before_it(model: Path, tmp_path: Path) -> None:
    journal = tmp_path / ".out.part.journal"
    arguments = ["-", "--text-column", "text", "--output", tmp_path / "out"]
    with endless('{"text": null}') as table, begun(model, *arguments, journal=journal, stdin=table) as first:
        first.kill()
    rows = noted_rows(journal)
    resumed = predict(model, *arguments, "--resume", stdin=b'{"text": null}\n' * rows + b'{"text": "Gas."}\n' * 10)
    assert resumed.returncode == 1
    errors = f"{rows:,} rows with an error, the first in -, line 1: no text"
    assert f"resumed after {rows:,} rows; {errors}" in resumed.stderr


@pytest.mark.parametrize("signalled", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_ends_a_table_in_one_line_with_a_part_to_resume(
    model: Path, tmp_path: Path, signalled: signal.Signals, workers: int
) -> None:
    arguments = ["-", "--text-column", "text", "--workers", workers, "--output", tmp_path / "out"]
    journal = tmp_path / ".out.part.journal"
    with (
        endless(json.dumps({"text": MINES})) as table,
        begun(model, *arguments, journal=journal, stdin=table) as first,
    ):
        first.send_signal(signalled)
        assert first.communicate()[1] == "interrupted; existing files are unchanged\n"
    assert first.returncode == 128 + signalled
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.part", ".out.part.journal"]


@pytest.mark.parametrize("resume", [[], ["--resume"]], ids=["anew", "resumed"])
def test_of_two_runs_to_one_output_the_second_is_refused(model: Path, tmp_path: Path, resume: list[str]) -> None:
    output, rows, line = tmp_path / "out.jsonl", 100_000, '{"text": "Of gas."}'
    arguments, journal = ["-", "--text-column", "text", "--output", output], tmp_path / ".out.jsonl.part.journal"
    held = ["sh", "-c", f"yes '{line}' | head -n {rows}; read _"]  # the table ends once this hears so
    with (
        subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as table,
        begun(model, *arguments, journal=journal, stdin=table.stdout) as first,
    ):
        second = predict(model, *arguments, *resume, stdin=line.encode())
        assert table.stdin
        table.stdin.close()
        assert first.communicate()[1].startswith(f"{rows:,} rows in ")
    assert (second.returncode, second.stderr) == (1, f"error: {output}: another process is writing it\n")
    assert first.returncode == 0
    assert [json.loads(line)["row"] for line in output.read_bytes().splitlines()] == list(range(1, rows + 1))
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize(
    "noted",
    [
        "",
        "x",
        "[1]",
        '[9999, 10, 0, ""]',
        '[1, 5, 0, ""]',
        '[true, 9, 0, ""]',
        '[1, -3, 0, ""]',
        "[1,2,3,4,5]",
        "{}",
    ],
)
def test_a_damaged_journal_costs_what_it_no_longer_says(model: Path, tmp_path: Path, noted: str) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES, GAS])
    job = Job(str(table), "text", model, "jsonl")
    part, journal = tmp_path / ".out.part", tmp_path / ".out.part.journal"
    part.write_bytes(b'{"row"}\n{"ro')
    journal.write_bytes(
        json.dumps(PartFile(tmp_path / "out", job).job).encode() + b"\n" + noted.encode() + b"\n\xff"
    )
    summary = predict_table(job, tmp_path / "out", resume=True, progress=lambda done, total: None)
    assert (summary.resumed, summary.rows) == (0, 2)
    assert (tmp_path / "out").read_bytes() == predicted(model, table, tmp_path / "anew")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_table_goes_through_a_pipe_and_a_link(model: Path, tmp_path: Path, form: Format) -> None:
    table = json_lines(tmp_path / "t.jsonl", list(TEXTS))
    expected = predicted(model, table, tmp_path / "expected", form=form)
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        done = predict(model, table, "--format", form, "--output", tmp_path / "pipe")
        assert (done.returncode, reader.communicate()[0]) == (0, expected)
    (tmp_path / "link").symlink_to("real")
    assert predict(model, table, "--format", form, "--output", tmp_path / "link").returncode == 0
    assert (tmp_path / "real").read_bytes() == expected
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("output", ["t.jsonl", "link", "hard", "model.safetensors"])
def test_a_table_is_not_written_over_what_is_read(model: Path, tmp_path: Path, output: str) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES])
    before = table.read_bytes()
    (tmp_path / "link").symlink_to("t.jsonl")
    (tmp_path / "hard").hardlink_to(table)
    (tmp_path / "model.safetensors").write_bytes(model.read_bytes())
    done = predict(tmp_path / "model.safetensors", table, "--format", "jsonl", "--output", tmp_path / output)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "is the same file as the source" in done.stderr
    with table.open("ab") as appending:  # else it would read what it writes, without end
        done = subprocess.run(command(model, table), stdout=appending, stderr=subprocess.PIPE, check=False)
    assert done.stderr.startswith(b"error: standard output: is the same file as the source")
    assert (table.read_bytes(), (tmp_path / "model.safetensors").read_bytes()) == (before, model.read_bytes())


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_output_that_is_a_folder_leaves_nothing(model: Path, tmp_path: Path, form: str) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES])
    (tmp_path / "folder").mkdir()
    done = predict(model, table, "--format", form, "--output", tmp_path / "folder")
    assert (done.returncode, done.stderr) == (
        1,
        f"error: {tmp_path / 'folder'}: cannot be written: Is a directory\n",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "t.jsonl"]


def test_a_pipe_cannot_be_resumed(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES])
    done = predict(model, table, "--output", os.devnull, "--resume")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot be resumed" in done.stderr


def test_a_line_longer_than_the_limit_is_an_error_of_its_own(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_bytes(b'{"text": "' + b"a" * 21_000_000 + b'"}\n{"text": "gas"}\n')
    rows = support.json_lines(predicted(model, table, tmp_path / "out").decode())
    assert [row.get("error") for row in rows] == ["exceeds the 20 MB limit", None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.csv", "b.txt"], "a.csv is a table: use one command for it and one for b.txt"),
        (
            ["a.csv", "--url", "https://example.org/"],
            "a.csv is a table: use one command for it and one for https://example.org/",
        ),
        (["a.csv", "b.csv", "--resume", "--output", "x.csv"], "--resume needs a single table, found 2"),
        (
            ["a.csv", "--encoding", "klingon"],
            "Invalid value for '--encoding': no encoding 'klingon', expected such as windows-1251",
        ),
        (
            ["a.csv", "--encoding", "base64"],
            "Invalid value for '--encoding': no encoding 'base64', expected such as windows-1251",
        ),
        (["a.csv", "--explain"], "predictions for a table are jsonl, csv or parquet, without --explain"),
        (["a.csv", "--output", "x.html"], "predictions for a table are jsonl, csv or parquet, without --explain"),
        (["a.csv", "--resume"], "--resume needs --output, as jsonl or csv"),
        (["a.csv", "--resume", "--output", "x.parquet"], "--resume needs --output, as jsonl or csv"),
        (["a.txt", "--keep", "id"], "--workers, --resume, --keep, --encoding and --sheet need a table"),
        (["a.txt", "--encoding", "cp1251"], "--workers, --resume, --keep, --encoding and --sheet need a table"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    model: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = support.run("predict", "--model", model, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: {message}")
    assert list(tmp_path.iterdir()) == []
