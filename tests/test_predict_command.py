import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from serving import ARTICLE
from test_documents import PAGE
from test_web import site  # noqa: F401  # a fixture

ESCAPE = "\x1b["
HEAVY = ["sklearn", "pandas", "mlflow", "scipy", "matplotlib", "pyarrow", "trafilatura", "fastapi", "jinja2"]


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "a.txt").write_text(ARTICLE)
    (folder / "b.html").write_text(PAGE)
    (folder / "c.txt").write_bytes(b"caf\xe9")
    return folder


def test_a_folder_is_answered_and_what_cannot_be_read_is_told(
    topics_command: Callable, small_model: Path, news: Path
) -> None:
    done = topics_command("predict", news, "--model", small_model)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["source"].rpartition("/")[2] for row in rows] == ["a.txt"] * 3 + ["b.html"] * 3
    assert rows[3]["title"] == "Mines cleared"
    assert (done.returncode, done.stderr) == (
        1,
        f"error: {news}/c.txt: not UTF-8 at byte 4; convert it to UTF-8\n",
    )


def test_an_address_is_read_when_asked_for_by_name(
    topics_command: Callable,
    small_model: Path,
    site: str,  # noqa: F811
) -> None:
    page = f"{site}/page"
    done = topics_command("predict", "--url", page, "--allow-private", "--model", small_model)
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == {page}
    refused = topics_command("predict", "--url", page, "--model", small_model)
    assert (refused.returncode, "private network" in refused.stderr) == (1, True)
    assert topics_command("predict", "--model", small_model).returncode == 2


def test_a_report_is_written_whole(
    topics_command: Callable, small_model: Path, news: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    options = ["--model", small_model, "--format", "html", "--output", out]
    assert topics_command("predict", news / "a.txt", news / "b.html", *options).returncode == 0
    assert out.read_text().count("<article ") == 2
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["report.html"]


def on_a_terminal(model: Path, article: Path, **env: str) -> str:
    """Run predict with a terminal of 40 columns as standard output."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "predict", str(article), "--model", str(model)]
    process = subprocess.Popen(command, stdout=theirs, env={**os.environ, "COLUMNS": "40", **env})
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux tells the end of a terminal so
        pass
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def test_a_terminal_gets_colours_that_fit_and_a_pipe_gets_none(
    topics_command: Callable, small_model: Path, news: Path
) -> None:
    shown = on_a_terminal(small_model, news / "a.txt")
    assert f"{ESCAPE}38;2;213;94;0m" in shown
    plain = on_a_terminal(small_model, news / "a.txt", NO_COLOR="1")
    assert ESCAPE not in plain
    assert max(map(len, plain.splitlines())) <= 40 + len(str(news))
    piped = topics_command("predict", news / "a.txt", "--model", small_model, "--format", "text")
    assert ESCAPE not in piped.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(topics_command: Callable, shell: str) -> None:
    done = topics_command("completion", shell)
    assert (done.returncode, "_TOPICS_COMPLETE" in done.stdout) == (0, True)


def test_completion_knows_formats(topics_command: Callable) -> None:
    words = {"COMP_WORDS": "topics predict --format ", "COMP_CWORD": "3"}
    command = [str(Path(sys.executable).with_name("topics"))]
    env = {**os.environ, **words, "_TOPICS_COMPLETE": "bash_complete"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert [line.rpartition(",")[2] for line in done.stdout.split()] == ["text", "jsonl", "csv", "parquet", "html"]


@pytest.mark.parametrize(
    ("arguments", "heavy"), [(["--help"], [*HEAVY, "numpy", "pydantic"]), (["predict"], HEAVY)]
)
def test_what_a_command_does_not_need_it_does_not_import(
    small_model: Path, news: Path, arguments: list[str], heavy: list[str]
) -> None:
    more = [str(news / "a.txt"), "--model", str(small_model)] if arguments == ["predict"] else []
    code = "import sys, pipeline.__main__ as m\ntry: m.main()\nfinally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, *more], capture_output=True, text=True, check=True
    )
    assert set(done.stderr.split()) & set(heavy) == set()
