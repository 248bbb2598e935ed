"""The command that labels: articles, addresses and tables in, answers out."""

import os
import shutil
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import MODEL
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.predict.batch import Job


@click.command("predict")
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
@click.option("--text-column", help="The column of a table that has the text. [default: text]")
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes for a table."
)
@click.option("--resume", is_flag=True, help="Go on with a table whose --output was interrupted.")
@click.option("--explain", is_flag=True, help="Add what made the score of each topic given and each near miss.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="A file to write, whole or not at all, instead of standard output.",
)
def predict_command(
    *,
    sources: tuple[str, ...],
    urls: tuple[str, ...],
    allow_private: bool,
    model: Path,
    form: str | None,
    text_column: str | None,
    workers: int,
    resume: bool,
    explain: bool,
    output: Path | None,
) -> None:
    r"""Label every paragraph of the SOURCES: files, folders, patterns, or - for standard input.

    Text, Markdown, HTML, RSS and Atom are read, and PDF and DOCX with the extra `documents`. A table (.jsonl, .csv
    or .parquet; with --text-column also JSON lines on standard input) gets one answer a row. A source that cannot
    be read is one line on standard error; the others are answered, and the exit status is 1.

    \b
    Examples:
      topics predict article.txt --explain
      topics predict saved-page.html --format html --output topics.html
      topics predict 'news/**/*.html' reports/ --format csv > topics.csv
      topics predict --url https://example.org/news/42
      topics predict rows.csv --text-column body --workers 2 --output labelled.jsonl
      cat article.txt | topics predict - | jq .topics
    """
    from pipeline.predict.article import bundle_path
    from pipeline.predict.tables import is_table

    if not sources and not urls:
        raise click.UsageError("say what to label: SOURCES, or --url")
    if text_column or any(map(is_table, sources)):
        if len(sources) > 1 or urls or explain or form not in (None, "jsonl", "csv"):
            raise click.UsageError("a table is labelled by itself, as jsonl or csv, without --explain")
        from pipeline.predict.batch import Job

        job = Job(sources[0], text_column or "text", bundle_path(model), form or "jsonl", workers)
        _label_table(job, output, resume=resume)
        return
    if resume or workers > 1:
        raise click.UsageError("--workers and --resume are for a table")
    form = form or ("text" if output is None and sys.stdout.isatty() else "jsonl")
    _label_articles(sources, urls, bundle_path(model), form, output, allow_private=allow_private, explain=explain)


def _label_articles(
    sources: tuple[str, ...],
    urls: tuple[str, ...],
    model: Path,
    form: str,
    output: Path | None,
    *,
    allow_private: bool,
    explain: bool,
) -> None:
    from pipeline.data.sources import read, read_urls
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import predict_all
    from pipeline.predict.output import rendered

    bundle = load_bundle(model)
    errors: list[SourceError] = []

    def complain(error: SourceError) -> None:
        errors.append(error)
        click.echo(f"error: {error}", err=True)

    pages = read_urls(urls, allow_private=allow_private) if urls else ()  # HTTP is imported only for addresses
    articles = chain(read(sources), pages)
    rows = predict_all(articles, bundle, explained=explain or form == "html", complain=complain)
    _write(rendered(rows, form, bundle.topics, width=_width(), style=_style), output)
    if errors:
        raise click.exceptions.Exit(1)


def _label_table(job: "Job", output: Path | None, *, resume: bool) -> None:
    from pipeline.predict.batch import label_table

    if resume and output is None:
        raise click.UsageError("--resume goes with --output")
    summary = label_table(job, output, resume=resume, shown=sys.stderr.isatty())
    click.echo(summary.as_text(), err=True)
    if summary.errors:
        raise click.exceptions.Exit(1)


def _write(pieces: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from pipeline.files import atomic_path

    with atomic_path(output) as part, part.open("wb") as file:
        file.writelines(pieces)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100)


def _style(text: str, colour: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return click.style(text, fg=(red, green, blue), bold=True)
