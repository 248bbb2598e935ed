"""The command that predicts: articles, addresses and tables in, predictions out."""

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import MODEL, SCHEDULER, Command, FilePath, check_workers, progress_bar, tell
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.predict.output import Format

_POINTS = ("precision", "balanced", "recall")


class OperatingPoint(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A model's operating point; other models may have others than the usual ones, so the model is asked."""

    name = "point"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Show the usual points."""
        return f"[{'|'.join(_POINTS)}]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Complete the usual points."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(point) for point in _POINTS if point.startswith(incomplete)]


class OutputPath(FilePath):
    """A file to write; with `--scheduler`, which is parsed before it, the path or the address of a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the path, and leave an address as it is."""
        text = os.fspath(value)
        if ctx is None or not isinstance(ctx.params.get("scheduler"), str):  # what is not given is no None yet
            return super().convert(value, param, ctx)
        if "://" in text:
            return text
        folder = super().convert(text.rstrip("/") or text, param, ctx)
        return None if folder is None else str(folder)


@click.command(
    "predict",
    cls=Command,
    examples=[
        "topics predict article.txt --explain",
        "topics predict saved-page.html --output topics.html",
        "topics predict 'news/**/*.html' reports/ --format csv > topics.csv",
        "topics predict --url https://example.org/news/42 --threshold precision",
        "topics predict rows.csv --text-column body --workers 2 --output predictions.jsonl",
        "topics predict rows.parquet --keep all --output predictions.parquet",
        "cat article.txt | topics predict - | jq .topics",
        "topics predict 'data/**/*.parquet' --output labelled --scheduler local --workers 4",
        "topics predict 's3://news/*.jsonl' --output s3://labelled/news --scheduler tcp://10.0.0.5:8786",
    ],
)
@click.argument("sources", nargs=-1, type=click.Path())
@click.option("--url", "urls", multiple=True, help="Also read the page, document or feed at this address.")
@click.option("--allow-private", is_flag=True, help="Let --url read from private networks and this machine.")
@MODEL
@click.option(
    "--threshold",
    type=OperatingPoint(),
    default="balanced",
    show_default=True,
    help="Operating point: surer topics, a balance, or more topics.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "jsonl", "csv", "parquet", "html"]),
    help="Output format. [default: by the ending of --output, else text on a terminal, else jsonl]",
)
@click.option("--text-column", help="Column of a table that holds the text. [default: text]")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Column of a table to carry through; repeatable; all for every column.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that work on a table."
)
@click.option("--resume", is_flag=True, help="Resume an interrupted --output of a table.")
@click.option("--explain", is_flag=True, help="Explain the scores of assigned topics and near misses.")
@click.option(
    "--output", type=OutputPath(output=True), help="Write atomically to this file; with --scheduler, a folder."
)
@SCHEDULER
def predict_command(scheduler: str | None, **options: Any) -> None:
    """Predict the topics of every paragraph of SOURCES: files, folders, patterns, or - for standard input.

    Text, Markdown and DOCX are supported, and HTML, RSS, Atom and PDF with the extra `documents`. Of a table
    (.jsonl, .csv or .parquet; JSON lines on standard input with --text-column), every row gets a prediction.
    Sources that cannot be read are reported on standard error, and the exit status is 1.

    With --scheduler, SOURCES are any number of tables, also in object stores, and Dask's workers write one file of
    predictions for each of them. Rerun the command to continue one that was stopped.
    """
    if scheduler:
        _predict_on_cluster(scheduler, options)
        return
    from pipeline.predict.tables import is_table

    request = Request(**options)
    if not request.sources and not request.urls:
        raise click.UsageError("no SOURCES and no --url")
    if request.text_column or any(map(is_table, request.sources)):
        _predict_table(request)
    else:
        _predict_articles(request)


@dataclass(frozen=True)
class Request:
    """The arguments and options of `topics predict`."""

    sources: tuple[str, ...]
    urls: tuple[str, ...]
    allow_private: bool
    model: Path
    threshold: str
    form: "Format | None"
    text_column: str | None
    keep: tuple[str, ...]
    workers: int
    resume: bool
    explain: bool
    output: Path | None


def _predict_table(request: Request) -> None:
    form = _form(request) or "jsonl"
    if len(request.sources) > 1 or request.urls:
        raise click.UsageError("a table must be the only source")
    if request.explain or form not in ("jsonl", "csv", "parquet"):
        raise click.UsageError("predictions for a table are jsonl, csv or parquet, without --explain")
    if request.resume and (request.output is None or form == "parquet"):
        raise click.UsageError("--resume needs --output, as jsonl or csv")
    from pipeline.predict.article import bundle_path
    from pipeline.predict.batch import Job, predict_table

    job = Job(
        source=request.sources[0],
        column=request.text_column or "text",
        model=bundle_path(request.model),
        form=form,
        keep=request.keep,
        point=request.threshold,
        workers=request.workers,
    )
    among_rows = request.output is None and sys.stdout.isatty()
    with progress_bar("predicting", hidden=among_rows) as progress:
        summary = predict_table(job, request.output, resume=request.resume, progress=progress)
    tell(summary.as_text())
    if summary.errors:
        raise click.exceptions.Exit(1)


def _predict_on_cluster(scheduler: str, options: dict[str, Any]) -> None:
    form: Format = options["form"] or "jsonl"
    if not options["sources"] or options["output"] is None or options["urls"]:
        raise click.UsageError("--scheduler needs SOURCES that are tables, and a folder as --output")
    if options["explain"] or options["resume"] or form not in ("jsonl", "csv", "parquet"):
        raise click.UsageError("--scheduler writes jsonl, csv or parquet, without --explain and --resume")
    check_workers(scheduler, options["workers"])
    from pipeline.predict.article import bundle_path
    from pipeline.predict.batch import Job
    from pipeline.predict.cluster.connection import Cluster
    from pipeline.predict.cluster.run import predict_files

    job = Job(
        source="",
        column=options["text_column"] or "text",
        model=bundle_path(options["model"]).absolute(),
        form=form,
        keep=options["keep"],
        point=options["threshold"],
    )
    with progress_bar("predicting") as progress:
        cluster = Cluster(scheduler, options["workers"])
        total = predict_files(job, options["sources"], options["output"], cluster, progress)
    for error in total.failed.values():
        tell(f"error: {error}")
    tell(total.as_text())
    if total.failed or total.errors:
        raise click.exceptions.Exit(1)


def _predict_articles(request: Request) -> None:
    if request.resume or request.workers > 1 or request.keep:
        raise click.UsageError("--workers, --resume and --keep need a table")
    from pipeline.data.sources import find, read_files, read_urls
    from pipeline.files import refuse_overwriting
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import at_point, bundle_path, predict_articles
    from pipeline.predict.output import rendered

    to_terminal = request.output is None and sys.stdout.isatty()
    form = _form(request) or ("text" if to_terminal else "jsonl")
    model = bundle_path(request.model)
    bundle = at_point(load_bundle(model), request.threshold)
    errors: list[SourceError] = []
    left_out: list[str] = []

    def report(error: SourceError) -> None:
        errors.append(error)
        tell(f"error: {error}")

    def note(said: str) -> None:
        tell(f"note: {said}")

    files = list(find(request.sources, note=left_out.append))
    refuse_overwriting(request.output, [model, *(file for file in files if isinstance(file, Path))])
    # HTTP is imported only for addresses
    pages = read_urls(request.urls, allow_private=request.allow_private) if request.urls else ()
    articles = chain(read_files(files), pages)
    explained = request.explain or form == "html"
    found = predict_articles(articles, bundle, explained=explained, complain=report, note=note)
    first = next(found, None)
    if first is not None:  # else an output from before stays as it is
        _write(rendered(chain([first], found), form, bundle.topics, width=_width(), style=_style), request.output)
    for said in left_out:
        note(said)
    if errors:
        raise click.exceptions.Exit(1)


def _form(request: Request) -> "Format | None":
    if request.form or request.output is None:
        return request.form
    from pipeline.files import is_stream
    from pipeline.predict.output import format_of

    try:
        return format_of(request.output)
    except ValueError as error:
        if is_stream(request.output):
            return None
        raise click.UsageError(f"{request.output}: {error}") from None


def _write(pieces: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    from pipeline.files import atomic_file

    with atomic_file(output) as file:
        file.writelines(pieces)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 100)


def _style(text: str, colour: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return click.style(text, fg=(red, green, blue), bold=True)
