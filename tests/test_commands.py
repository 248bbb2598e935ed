"""Help is complete, readable and quick, and docs/commands.md is what it prints."""

import re
import resource
import runpy
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import support

from pipeline.__main__ import main

DOCS = Path(__file__).parents[1] / "docs"
HEAVY = {
    "numpy",
    "pydantic",
    "sklearn",
    "pandas",
    "mlflow",
    "scipy",
    "pyarrow",
    "trafilatura",
    "fastapi",
    "jinja2",
}


def commands(command: click.Command = main, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield above, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from commands(inner, *above, name)


COMMANDS = dict(commands())


def test_the_page_of_commands_is_what_help_prints() -> None:
    printed = runpy.run_path(str(DOCS / "commands.py"))["content"]()
    assert printed == (DOCS / "commands.md").read_text(encoding="utf-8"), "run: python docs/commands.py"


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name and not COMMANDS[name].deprecated], ids=" ".join
)
def test_a_list_of_commands_has_whole_sentences(name: tuple[str, ...]) -> None:
    line = COMMANDS[name].get_short_help_str(200)
    assert line.endswith(".")
    assert len(line) <= 58


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_rendered_help_is_complete_and_readable(name: tuple[str, ...]) -> None:
    command = COMMANDS[name]
    with click.Context(command, info_name=" ".join(("topics", *name)), terminal_width=100) as context:
        rendered = command.get_help(context)
    assert "\\" not in rendered
    assert "\b" not in rendered
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    examples = re.findall(r"^  .*(topics [^|>)\n]*)", rendered.partition("\nExamples:\n")[2], re.MULTILINE)
    if not isinstance(command, click.Group):
        assert examples
    for example in examples:
        _accept(example.split("#")[0].split())


def _accept(words: list[str]) -> None:
    """Parse an example's words as the command line would."""
    command: Any = main
    arguments = [word.strip("'\"") for word in words[1:]]
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), arguments.pop(0))
    command.make_context("example", arguments).close()


@pytest.mark.parametrize(("old", "new"), [("census", "statistics"), ("curve", "learning-curve")])
def test_old_names_work_hidden_and_name_the_new_ones(old: str, new: str, tmp_path: Path) -> None:
    assert f"\n  {old} " not in support.run("--help").stdout
    assert f"\n  {new} " in support.run("--help").stdout
    missing = tmp_path / "none.yaml"
    under_old, under_new = (support.run(name, "--config", missing) for name in (old, new))
    warning, error = under_old.stderr.splitlines()
    assert f"use '{new}'" in warning
    assert f"{error}\n" == under_new.stderr
    assert under_old.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["predict"], "no SOURCES and no --url"),
        (["predict", "x", "--format", "xml"], "'xml' is not one of"),
        (["predict", "x", "--workers", "0"], "0 is not in the range"),
        (["evaluate", "--model", "x"], "--model and --output need --data"),
    ],
)
def test_wrong_usage_says_what_is_wrong(arguments: list[str], message: str) -> None:
    done = support.run(*arguments)
    assert (done.returncode, message in done.stderr, done.stdout) == (2, True, ""), done.stderr


def test_help_is_quick_and_imports_nothing_large() -> None:
    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert support.run(*arguments).stdout.startswith("Usage: ")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert statistics.median(seconds("predict", "--help") for _ in range(5)) < 0.4
    done = support.run("--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {name.partition(".")[0] for name in re.findall(r"\|\s+([\w.]+)$", done.stderr, re.MULTILINE)}
    assert "click" in imported
    assert not imported & HEAVY


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(shell: str) -> None:
    script = support.run("completion", shell).stdout
    assert "_TOPICS_COMPLETE" in script
    assert f"{shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("topics predict --format ", ["text", "jsonl", "csv", "parquet", "xlsx", "html"]),
        ("topics predict --threshold ", ["precision", "balanced", "recall"]),
        ("topics cen", []),
    ],
)
def test_completion_knows_the_values_of_options(words: str, expected: list[str]) -> None:
    completing = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_TOPICS_COMPLETE": "bash_complete"}
    done = subprocess.run(
        ["topics"], env={**support.ENVIRONMENT, **completing}, capture_output=True, text=True, check=True
    )
    assert [line.rpartition(",")[2] for line in done.stdout.split()] == expected
