"""The command line: `topics ...`, or `python -m pipeline ...`."""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import GateError, TopicsError

if TYPE_CHECKING:
    from pipeline.streams import Job

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment, as YAML.",
)
MODEL = click.option(
    "--model",
    default="models",
    show_default=True,
    type=click.Path(path_type=Path),
    help="A bundle file, or an output folder: its champion, or its candidate as long as there is no champion.",
)


class OneLineErrors(click.Group):
    """Print an expected error as one line, and an interruption as one word."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit 1 on an expected error, 130 on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except TopicsError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted; what was there before is unchanged", err=True)
            ctx.exit(130)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paragraph-topics", prog_name="topics")
def main() -> None:
    """Say which of your topics each paragraph of the news addresses.

    Exit status: 0 done; 1 an error, told in one line; 2 wrong usage; 130 interrupted.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow reads it once, when it is imported


@main.command("train")
@CONFIG
def train_command(config: Path) -> None:
    """Train on the labelled paragraphs, track the run, and register the model as candidate.

    Example: topics train --config configs/default.yaml
    """
    from rich.console import Console
    from rich.progress import Progress

    from pipeline.config import read_config
    from pipeline.train import train

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cross-validating and fitting", total=None)
        train(
            read_config(config),
            say=click.echo,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


@main.command("evaluate")
@CONFIG
@click.option(
    "--data", "data", multiple=True, help="Labelled JSON lines to measure on, not the test side; no gate."
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="With --data: a bundle file or output folder (default: the config's output folder).",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True
)
def evaluate_command(config: Path, data: tuple[str, ...], model: Path | None, form: str) -> None:
    """Score the candidate on the test side; make it champion if it passes the gate, else exit 1.

    With --data, score the model in use on any labelled file instead, and move nothing.

    Example: topics evaluate --data mine.jsonl --format markdown
    """
    from pipeline.bundle import load_bundle
    from pipeline.config import read_config
    from pipeline.evaluate import evaluate_candidate, evaluate_file

    settings = read_config(config)
    failures: list[str] = []
    if data:
        found = evaluate_file(list(data), load_bundle(_bundle_path(model or Path(settings.output))))
    elif model:
        raise click.UsageError("--model goes with --data; the test side is for the registered candidate")
    else:
        found, failures = evaluate_candidate(settings)
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form]())
    if failures:
        raise GateError(f"the candidate stays candidate: {'; '.join(failures)}")
    if not data:
        click.echo("gate passed: the candidate is champion now", err=True)


@main.command("predict")
@click.argument("sources", nargs=-1, required=True)
@MODEL
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl", "csv"]),
    help="Default: text on a terminal, else jsonl.",
)
@click.option("--text-column", help="The column of a table that has the text. [default: text]")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes for a table."
)
@click.option("--resume", is_flag=True, help="Go on with a table whose --output was interrupted.")
@click.option("--explain", is_flag=True, help="Add the terms that made each given topic's score.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file to write, whole or not at all, instead of standard output.",
)
def predict_command(
    *,
    sources: tuple[str, ...],
    model: Path,
    form: str | None,
    text_column: str | None,
    workers: int,
    resume: bool,
    explain: bool,
    output: Path | None,
) -> None:
    """Label every paragraph of the SOURCES: text files, folders of them, or - for standard input.

    A table (.jsonl, .csv or .parquet; with --text-column also JSON lines on standard input) gets one answer a row.

    A source that cannot be read is one line on standard error; the others are answered, and the exit status is 1.

    Examples: topics predict article.txt --explain;  cat article.txt | topics predict - --format csv
    """
    from pipeline.bundle import load_bundle
    from pipeline.predict import predict_all
    from pipeline.render import rendered
    from pipeline.sources import read
    from pipeline.tables import is_table

    if text_column or any(map(is_table, sources)):
        if len(sources) > 1 or explain or form == "text":
            raise click.UsageError("a table is labelled by itself, as jsonl or csv, without --explain")
        from pipeline.streams import Job

        job = Job(sources[0], text_column or "text", _bundle_path(model), form or "jsonl", workers)
        _label_table(job, output, resume=resume)
        return
    if resume or workers > 1:
        raise click.UsageError("--workers and --resume are for a table")
    bundle = load_bundle(_bundle_path(Path(model)))
    errors: list[TopicsError] = []

    def complain(error: TopicsError) -> None:
        errors.append(error)
        click.echo(f"error: {error}", err=True)

    form = form or ("text" if output is None and sys.stdout.isatty() else "jsonl")
    rows = predict_all(read(sources), bundle, explained=explain, complain=complain)
    _write(rendered(rows, form, bundle.topics, width=_width(), style=_style), output)
    if errors:
        raise click.exceptions.Exit(1)


def _label_table(job: "Job", output: Path | None, *, resume: bool) -> None:
    from pipeline.streams import label_table

    if resume and output is None:
        raise click.UsageError("--resume goes with --output")
    summary = label_table(job, output, resume=resume, shown=sys.stderr.isatty())
    click.echo(summary.as_text(), err=True)
    if summary.errors:
        raise click.exceptions.Exit(1)


def _bundle_path(model: Path) -> Path:
    if not model.is_dir():
        return model
    champion = model / "champion.safetensors"
    return champion if champion.exists() else model / "candidate.safetensors"


def _write(pieces: Iterable[str], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from pipeline.files import writing_whole

    with writing_whole(output) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100)


def _style(text: str, colour: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return click.style(text, fg=(red, green, blue), bold=True)


if __name__ == "__main__":
    main(prog_name="topics")
