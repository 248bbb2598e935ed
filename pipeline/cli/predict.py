"""The command that predicts: articles, addresses and tables in, predictions out."""

import codecs
import io
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import MODEL, SCHEDULER, Command, FilePath, check_workers, progress_bar, tell
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.predict.output import Format
    from pipeline.schema import Prediction

_MOST_NAMED = 20
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


def _codec(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the name of a codec, of UTF-8 the one that drops a byte order mark."""
    if value is None:
        return None
    try:
        io.TextIOWrapper(io.BytesIO(), value)
    except LookupError:
        raise click.BadParameter(f"no encoding {value!r}, expected such as windows-1251") from None
    name = codecs.lookup(value).name
    return "utf-8-sig" if name == "utf-8" else name


URL = click.option("--url", "urls", multiple=True, help="Also read the page, document or feed at this address.")
ALLOW_PRIVATE = click.option(
    "--allow-private", is_flag=True, help="Let --url read from private networks and this machine."
)
TEXT_COLUMN = click.option("--text-column", help="Column of a table that holds the text. [default: text]")
ENCODING = click.option(
    "--encoding", callback=_codec, help="Encoding of a CSV or JSON table. [default: as recognised]"
)
SHEET = click.option("--sheet", help="Sheet of an XLSX table. [default: the first]")


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
    short_help="Label every paragraph of files, folders and addresses.",
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
@click.argument("sources", nargs=-1, type=click.Path(readable=False))  # one that is not costs only itself
@URL
@ALLOW_PRIVATE
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
    type=click.Choice(["text", "jsonl", "csv", "parquet", "xlsx", "html"]),
    help="Output format. [default: by the ending of --output, else text on a terminal, else jsonl]",
)
@TEXT_COLUMN
@ENCODING
@SHEET
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
@click.option(
    "--all", "whole", is_flag=True, help="On a terminal, show several articles whole, with all paragraphs."
)
@click.option("--explain", is_flag=True, help="Explain the scores of assigned topics and near misses.")
@click.option(
    "--output", type=OutputPath(output=True), help="Write atomically to this file; with --scheduler, a folder."
)
@SCHEDULER
def predict_command(scheduler: str | None, **options: Any) -> None:
    """Predict the topics of every paragraph of SOURCES: files, folders, patterns, or - for standard input.

    Text, Markdown and DOCX are supported, and HTML, RSS, Atom and PDF with the extra `documents`. Of a table (CSV,
    JSON, JSON lines, Parquet, XLSX, also compressed), every row gets a prediction.
    Sources that cannot be read are reported on standard error, and the exit status is 1.

    With --scheduler, SOURCES are any number of tables, also in object stores, and Dask's workers write one file of
    predictions for each of them. Rerun the command to continue one that was stopped.
    """
    if scheduler:
        _predict_on_cluster(scheduler, options)
        return
    request = Request(**options)
    if not request.sources and not request.urls:
        raise click.UsageError("no SOURCES and no --url")
    found = _find(request)
    if tables := _tables(request, found):
        _predict_table(request, tables, [*found.notes, *found.kinds_left_out])
    else:
        _predict_articles(request, found)


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
    encoding: str | None
    sheet: str | None
    keep: tuple[str, ...]
    workers: int
    resume: bool
    whole: bool
    explain: bool
    output: Path | None


@dataclass(frozen=True)
class Found:
    """What the sources of a request are: files, errors in their places, and what is not among them.

    Parameters
    ----------
    files : list of Path or SourceError
    notes : list of str
        What is to be said at the end.
    left_out : list of (Path, str)
        Files of folders of articles that are not read, and their kinds.

    """

    files: list[Path | SourceError]
    notes: list[str]
    left_out: list[tuple[Path, str]]

    @property
    def names(self) -> list[str]:
        """The files."""
        return [str(file) for file in self.files if not isinstance(file, SourceError)]

    @property
    def kinds_left_out(self) -> list[str]:
        """How many files of folders are not read, by kind, in a sentence; none where all are."""
        kinds = Counter(kind for _, kind in self.left_out)
        listed = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(kinds.items()))
        return [f"{len(self.left_out):,} files of the folders are not read: {listed}"] if kinds else []


class Tally:
    """Count the articles that were read, and keep what was not and why.

    Parameters
    ----------
    left_out : list of (str, str)
        Files of folders that nobody tries to read, and why.

    """

    def __init__(self, left_out: list[tuple[str, str]]) -> None:
        self.read, self.errors = 0, 0
        self.not_read = left_out

    def counted(self, articles: "Iterable[Sequence[Prediction]]") -> "Iterator[Sequence[Prediction]]":
        """Count articles as they pass."""
        for article in articles:
            self.read += 1
            yield article

    def fail(self, error: SourceError) -> None:
        """Keep what could not be read."""
        self.errors += 1
        name, _, why = str(error).partition(": ")
        self.not_read.append((name, why))

    def as_text(self) -> str:
        """Say how many articles were read, and name what was not."""
        named = [f"{name} ({why})" for name, why in self.not_read[:_MOST_NAMED]]
        more = len(self.not_read) - _MOST_NAMED
        named += [f"and {more:,} more"] if more > 0 else []
        return f"{self.read:,} read, {len(self.not_read):,} not: {', '.join(named)}"


def _find(request: Request) -> Found:
    """Find the files of all sources; a folder stands for its articles, or its tables where it has no other."""
    from pipeline.data.documents import SUFFIXES
    from pipeline.data.sources import find
    from pipeline.predict.tables import SUFFIXES as TABLES

    notes: list[str] = []
    left_out: list[tuple[Path, str]] = []
    endings = (TABLES, SUFFIXES) if request.text_column else (SUFFIXES, TABLES)

    def leave_out(file: Path, kind: str) -> None:
        left_out.append((file, kind))

    files = list(find(request.sources, endings=endings, note=notes.append, left_out=leave_out))
    return Found(files, notes, left_out)


def _tables(request: Request, found: Found) -> list[str]:
    """Return the tables among the sources, none where they are articles; refuse a mix."""
    from pipeline.predict.tables import holds_table, is_table

    files = found.names
    tables = files if request.text_column else list(filter(is_table, files))
    if len(files) == 1 and not tables and not request.urls and holds_table(files[0]):
        tables = files
    articles = [*(file for file in files if file not in tables), *request.urls]
    if tables and articles:
        raise click.UsageError(f"{tables[0]} is a table: use one command for it and one for {articles[0]}")
    errors = [file for file in found.files if isinstance(file, SourceError)]
    if tables and errors:
        raise errors[0]
    return tables


def _predict_table(request: Request, tables: list[str], notes: list[str]) -> None:
    form = _form(request) or "jsonl"
    if request.explain or form not in ("jsonl", "csv", "parquet"):
        raise click.UsageError("predictions for a table are jsonl, csv or parquet, without --explain")
    if request.resume and (request.output is None or form == "parquet"):
        raise click.UsageError("--resume needs --output, as jsonl or csv")
    if request.resume and len(tables) > 1:
        raise click.UsageError(f"--resume needs a single table, found {len(tables)}")
    from pipeline.predict.article import bundle_path
    from pipeline.predict.batch import Job, predict_table

    job = Job(
        source=tables[0],
        more=tuple(tables[1:]),
        column=request.text_column or "text",
        model=bundle_path(request.model),
        form=form,
        keep=request.keep,
        point=request.threshold,
        workers=request.workers,
        encoding=request.encoding,
        sheet=request.sheet,
    )
    among_rows = request.output is None and sys.stdout.isatty()
    with progress_bar("predicting", hidden=among_rows) as progress:
        summary = predict_table(job, request.output, resume=request.resume, progress=progress, note=_note)
    for said in notes:
        _note(said)
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
        encoding=options["encoding"],
        sheet=options["sheet"],
    )
    with progress_bar("predicting") as progress:
        cluster = Cluster(scheduler, options["workers"])
        total = predict_files(job, options["sources"], options["output"], cluster, progress)
    for error in total.failed.values():
        tell(f"error: {error}")
    tell(total.as_text())
    if total.failed or total.errors:
        raise click.exceptions.Exit(1)


def _predict_articles(request: Request, found: Found) -> None:
    if request.resume or request.workers > 1 or request.keep or request.encoding or request.sheet:
        raise click.UsageError("--workers, --resume, --keep, --encoding and --sheet need a table")
    from pipeline.data.sources import read_files, read_urls
    from pipeline.files import refuse_overwriting
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import at_point, bundle_path, predict_articles, with_copies_named
    from pipeline.predict.output import rendered

    to_terminal = request.output is None and sys.stdout.isatty()
    form = _form(request) or ("text" if to_terminal else "jsonl")
    model = bundle_path(request.model)
    bundle = at_point(load_bundle(model), request.threshold)
    tally = Tally(
        [(str(file), f"{kind} is not read" if kind.startswith(".") else kind) for file, kind in found.left_out]
    )

    def report(error: SourceError) -> None:
        tally.fail(error)
        tell(f"error: {error}")

    refuse_overwriting(request.output, [model, *found.names])
    # HTTP is imported only for addresses
    pages = read_urls(request.urls, allow_private=request.allow_private) if request.urls else ()
    articles = with_copies_named(chain(read_files(found.files), pages))
    explained = request.explain or form == "html"
    predicted = tally.counted(predict_articles(articles, bundle, explained=explained, complain=report, note=_note))
    first = next(predicted, None)
    if first is not None:  # else an output from before stays as it is
        brief = to_terminal and not request.whole
        shown = chain([first], predicted)
        pieces = rendered(shown, form, bundle.topics, width=_width(), style=_style, brief=brief)
        _write(pieces, request.output)
    for said in found.notes:
        _note(said)
    if tally.not_read and len(found.files) + len(found.left_out) + len(request.urls) > 1:
        tell(tally.as_text())
    if tally.errors:
        raise click.exceptions.Exit(1)


def _note(said: str) -> None:
    tell(f"note: {said}")


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
