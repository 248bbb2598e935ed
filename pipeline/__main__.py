"""The command line: `topics ...`, or `python -m pipeline ...`."""

import os
import shutil
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import click

from pipeline.commands import MODEL, completion_command, corrections_group, serve_command
from pipeline.errors import GateError, SourceError, TopicsError

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment, as YAML.",
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
    from pipeline.predict import bundle_path

    settings = read_config(config)
    failures: list[str] = []
    if data:
        found = evaluate_file(list(data), load_bundle(bundle_path(model or Path(settings.output))))
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
@click.argument("sources", nargs=-1, type=click.Path())
@click.option("--url", "urls", multiple=True, help="Read the page, document or feed at this address, too.")
@click.option("--allow-private", is_flag=True, help="Let --url read from private networks and this machine.")
@MODEL
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl", "csv", "parquet", "html"]),
    help="Default: text on a terminal, else jsonl.",
)
@click.option("--explain", is_flag=True, help="Add what made the score of each topic given and each near miss.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file to write, whole or not at all, instead of standard output.",
)
def predict_command(  # noqa: PLR0917  # click passes options by name
    sources: tuple[str, ...],
    urls: tuple[str, ...],
    allow_private: bool,  # noqa: FBT001
    model: Path,
    form: str | None,
    explain: bool,  # noqa: FBT001
    output: Path | None,
) -> None:
    r"""Label every paragraph of the SOURCES: files, folders, patterns, or - for standard input.

    Text, Markdown, HTML, RSS and Atom are read, and PDF and DOCX with the extra `documents`. A source that cannot
    be read is one line on standard error; the others are answered, and the exit status is 1.

    \b
    Examples:
      topics predict article.txt --explain
      topics predict saved-page.html --format html --output topics.html
      topics predict 'news/**/*.html' reports/ --format csv > topics.csv
      topics predict --url https://example.org/news/42
      cat article.txt | topics predict - | jq .topics
    """
    from pipeline.bundle import load_bundle
    from pipeline.predict import bundle_path, predict_all
    from pipeline.render import rendered
    from pipeline.sources import read, read_urls

    if not sources and not urls:
        raise click.UsageError("say what to label: SOURCES, or --url")
    bundle = load_bundle(bundle_path(model))
    errors: list[SourceError] = []

    def complain(error: SourceError) -> None:
        errors.append(error)
        click.echo(f"error: {error}", err=True)

    form = form or ("text" if output is None and sys.stdout.isatty() else "jsonl")
    articles = chain(read(sources), read_urls(urls, allow_private=allow_private))
    rows = predict_all(articles, bundle, explained=explain or form == "html", complain=complain)
    _write(rendered(rows, form, bundle.topics, width=_width(), style=_style), output)
    if errors:
        raise click.exceptions.Exit(1)


for command in (serve_command, corrections_group, completion_command):
    main.add_command(command)


def _write(pieces: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from pipeline.files import writing_whole

    with writing_whole(output) as part, part.open("wb") as file:
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
