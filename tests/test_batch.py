"""Tables are labelled through the real command line, row by row, whatever stops it or is wrong with a row."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_model import GAS, MINES, TEXTS, saved

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model"))


def command(model: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipeline", "predict", "--model", str(model), *map(str, arguments)]


def predict(model: Path, *arguments: object, given: str | None = None) -> Run:
    return subprocess.run(command(model, *arguments), input=given, capture_output=True, text=True, check=False)


def json_lines(path: Path, texts: list[object]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def test_every_row_is_answered_in_order(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS)
    run = predict(model, table)
    assert run.returncode == 0
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert [row["row"] for row in rows] == list(range(1, 61))
    assert [row["topics"] for row in rows[:3]] == [["mine_action"], ["energy, security"], []]
    assert list(rows[0]["scores"]) == ["mine_action", "energy, security"]


def test_all_kinds_of_table_get_the_same_answers(model: Path, tmp_path: Path) -> None:
    texts = ['One "quoted"\nline of gas', *TEXTS]
    json_lines(tmp_path / "t.jsonl", list(texts))
    pq.write_table(pa.table({"id": list(range(61)), "text": texts}), tmp_path / "t.parquet")
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *([n, text] for n, text in enumerate(texts))])
    found = [predict(model, tmp_path / f"t.{kind}").stdout for kind in ("jsonl", "parquet", "csv")]
    assert len(found[0].splitlines()) == 61
    assert found[0] == found[1] == found[2]
    piped = predict(model, "-", "--text-column", "text", given=(tmp_path / "t.jsonl").read_text("utf-8"))
    assert piped.stdout == found[0]


def test_csv_answers_name_their_columns(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES, None])
    rows = list(csv.reader(predict(model, table, "--format", "csv").stdout.splitlines()))
    assert rows[0] == ["row", "topics", "mine_action", "energy, security", "error"]
    assert rows[1][:2] == ["1", "mine_action"]
    assert rows[2] == ["2", "", "", "", "line 2: no text in text"]


def test_bad_rows_are_told_and_counted(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    bad = b'{"text": \n\n{"body": "x"}\n[1]\n{"text": 3}\n{"text": "\xff"}\n'
    table.write_bytes(b'\xef\xbb\xbf{"text": "gas"}\n' + bad + b'{"text": ""}')
    run = predict(model, table)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1
    assert [row.get("error") for row in rows] == [
        None,
        "not JSON in UTF-8",
        "an empty line",
        "no text in text",
        "not a JSON object",
        "text is not text",
        "not JSON in UTF-8",
        None,
    ]
    assert [row["line"] for row in rows if "error" in row] == [2, 3, 4, 5, 6, 7]
    assert "8 rows" in run.stderr
    assert "6 with an error, the first on line 2: not JSON in UTF-8" in run.stderr


def test_bad_rows_of_csv_and_parquet_keep_their_place(model: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'id,text\n1,"two\nlines"\n2\n3,caf\xe9\n4,gas\n')
    rows = [json.loads(line) for line in predict(model, tmp_path / "t.csv").stdout.splitlines()]
    assert [(row["row"], row.get("line"), row.get("error")) for row in rows] == [
        (1, None, None),
        (2, 4, "no text in text"),
        (3, 5, "not UTF-8"),
        (4, None, None),
    ]
    pq.write_table(pa.table({"text": [GAS, None, MINES]}), tmp_path / "t.parquet")
    rows = [json.loads(line) for line in predict(model, tmp_path / "t.parquet").stdout.splitlines()]
    assert [row.get("error") for row in rows] == [None, "no text in text", None]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b\n1,2\n", "no column 'text', found a, b; see --text-column"),
        ("t.parquet", "none", "not a Parquet file"),
        ("missing.jsonl", None, "no such file"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(
    model: Path, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    run = predict(model, tmp_path / name, "--output", tmp_path / "out.jsonl")
    assert (run.returncode, len(run.stderr.splitlines())) == (1, 1)
    assert message in run.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_two_workers_write_what_one_writes(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", [*(TEXTS * 200), None])
    for workers in (1, 2):
        assert predict(model, table, "--workers", workers, "--output", tmp_path / f"{workers}").returncode == 1
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert len((tmp_path / "1").read_bytes().splitlines()) == 12001


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX systems")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_table_that_can_be_read_only_once_is_read_once(model: Path, tmp_path: Path, workers: int) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS * 200)
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", table, pipe]) as writer:
        found = predict(model, pipe, "--workers", workers).stdout
    assert writer.returncode == 0
    assert found == predict(model, table).stdout


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_interrupted_job_goes_on_without_loss_or_double_rows(model: Path, tmp_path: Path, form: str) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS * 2000)
    output, part = tmp_path / "out", tmp_path / ".out.part"
    arguments = [table, "--format", form, "--output", output]
    with subprocess.Popen(command(model, *arguments), stderr=subprocess.DEVNULL) as begun:
        while not (part.exists() and part.stat().st_size > 100_000):
            time.sleep(0.001)
        begun.send_signal(signal.SIGKILL)
    assert not output.exists()
    os.truncate(part, part.stat().st_size - 7)
    resumed = predict(model, *arguments, "--resume")
    assert "of an earlier run kept" in resumed.stderr
    predict(model, table, "--format", form, "--output", tmp_path / "whole")
    assert output.read_bytes() == (tmp_path / "whole").read_bytes()
    assert not part.exists()


def test_ctrl_c_ends_every_process_and_leaves_a_part_to_go_on_with(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS * 16000)
    output, part = tmp_path / "out", tmp_path / ".out.part"
    arguments = [table, "--workers", 2, "--output", output]
    with subprocess.Popen(command(model, *arguments), stderr=subprocess.PIPE, text=True) as begun:
        while not (part.exists() and part.stat().st_size):
            time.sleep(0.001)
        begun.send_signal(signal.SIGINT)
        assert begun.communicate()[1] == "interrupted; what was there before is unchanged\n"
    assert begun.returncode == 130
    assert predict(model, *arguments, "--resume").returncode == 0
    assert [json.loads(line)["row"] for line in output.read_bytes().splitlines()] == list(range(1, 960_001))


def test_no_worker_outlives_a_killed_parent(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", TEXTS * 16000)
    part, arguments = tmp_path / ".out.part", [table, "--workers", 2, "--output", tmp_path / "out"]
    with subprocess.Popen(command(model, *arguments), stderr=subprocess.DEVNULL, start_new_session=True) as begun:
        while not (part.exists() and part.stat().st_size):
            time.sleep(0.001)
        begun.kill()
    deadline = time.monotonic() + 60
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(begun.pid, 0)
            time.sleep(0.01)


def test_a_part_of_another_table_is_not_gone_on_with(model: Path, tmp_path: Path) -> None:
    table = json_lines(tmp_path / "t.jsonl", [MINES])
    (tmp_path / ".out.part").write_text('{"row": 1, "topics": []}\n')
    (tmp_path / ".out.part.json").write_text('{"source": "another"}')
    run = predict(model, table, "--resume", "--output", tmp_path / "out")
    assert run.returncode == 1
    assert "begin anew without --resume" in run.stderr


def test_a_line_longer_than_the_limit_is_an_error_of_its_own(model: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_bytes(b'{"text": "' + b"a" * 21_000_000 + b'"}\n{"text": "gas"}\n')
    rows = [json.loads(line) for line in predict(model, table).stdout.splitlines()]
    assert [row.get("error") for row in rows] == ["longer than 20 MB", None]


def test_tables_and_articles_do_not_mix(model: Path, tmp_path: Path) -> None:
    run = predict(model, tmp_path / "a.csv", tmp_path / "b.txt")
    assert run.returncode == 2
    assert "a table is labelled by itself" in run.stderr
