"""Commands of the archive: collect, relabel; and archive info, prune, export, import."""

import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import MODEL_ADDRESS, Command, FilePath, bundle_of, progress_bar, tell
from pipeline.text.display import one_line

if TYPE_CHECKING:
    from pipeline.archive.collect import Collecting, Summary

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"([1-9]\d{0,5})([smhdw])")
_DAY = _UNITS["d"]
ARCHIVE = click.option(
    "--archive",
    type=FilePath(),
    envvar="TOPICS_ARCHIVE",
    show_envvar=True,
    help="SQLite file of the collected articles. [default: archive.sqlite3 beside the model]",
)


_OF_SOURCES = (
    click.argument("sources", nargs=-1, type=click.Path(readable=False)),  # one that is not costs only itself
    click.option("--url", "urls", multiple=True, help="Also read the page, document or feed at this address."),
    click.option("--feed", "feeds", multiple=True, help="Also read the entries of the feed at this address."),
    click.option("--full-text", is_flag=True, help="Fetch the pages behind the entries of feeds."),
    click.option("--allow-private", is_flag=True, help="Let addresses be of private networks and this machine."),
    click.option(
        "--outlet", help="Outlet of all articles. [default: as the feed, page or table says, else host or folder]"
    ),
    click.option(
        "--text-column", default="text", show_default=True, help="Column of a table that holds the text."
    ),
)


def reads_sources(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command SOURCES, and the options that say how articles are read.

    Parameters
    ----------
    command : callable

    Returns
    -------
    callable

    """
    for parameter in reversed(_OF_SOURCES):
        command = parameter(command)
    return command


def collecting(options: Mapping[str, Any], *, stopping: Callable[[], bool] = lambda: False) -> "Collecting":
    """Return how articles are read: by the options of `reads_sources`, telling of problems on standard error.

    Parameters
    ----------
    options : mapping
    stopping : callable, optional
        Asked before each article whether to end.

    Returns
    -------
    Collecting

    """
    from pipeline.archive.collect import Collecting

    return Collecting(
        complain=lambda error: tell(f"error: {error}"),
        note=lambda said: tell(f"note: {said}"),
        outlet=options["outlet"],
        text_column=options["text_column"],
        full_text=options["full_text"],
        stopping=stopping,
    )


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A number with a unit: 90s, 30m, 12h, 7d, 4w; as seconds.

    Parameters
    ----------
    whole_days : bool, default False
        Whether hours and less are refused.

    """

    name = "duration"

    def __init__(self, *, whole_days: bool = False) -> None:
        self.whole_days = whole_days

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        if not found or (self.whole_days and found[2] not in "dw"):
            self.fail(
                f"{value!r}: expected such as {'90d or 12w' if self.whole_days else '30m or 12h'}", param, ctx
            )
        return int(found[1]) * _UNITS[found[2]]


def archive_of(model: Path | str, archive: Path | None) -> Path:
    """Return the archive that is asked for, else the one beside the model.

    Parameters
    ----------
    model : Path or str
        A bundle, an output directory, or an address in MLflow's registry.
    archive : Path or None

    Returns
    -------
    Path

    """
    from pipeline.predict.location import database_of

    return archive or database_of(model, "archive")


class StopRequests:
    """SIGTERM, SIGHUP or Ctrl-C: the first lets the article in hand be kept, the second ends at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.number = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear them while the block runs."""
        numbers = [
            one
            for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
            if signal.getsignal(one) is not signal.SIG_IGN
        ]
        before = {number: signal.getsignal(number) for number in numbers}

        def stop(number: int, _: FrameType | None) -> None:
            self.number = number
            self._asked.set()
            for each, handler in before.items():
                signal.signal(each, handler)

        for number in numbers:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def is_asked(self) -> bool:
        """Tell whether one came."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        """Wait; raise StoppedError where one comes."""
        from pipeline.archive.collect import StoppedError

        if self._asked.wait(min(seconds, threading.TIMEOUT_MAX)):
            raise StoppedError


@click.command(
    "collect",
    short_help="Label articles and keep them in the archive.",
    cls=Command,
    examples=[
        "topics collect news/ 'saved/**/*.html' --outlet Gazette",
        "topics collect --feed https://example.org/rss --full-text",
        "topics collect --feed https://example.org/rss --every 30m --watch inbox/",
        "topics collect articles.parquet --archive press.sqlite3",
    ],
)
@reads_sources
@click.option(
    "--watch",
    "folders",
    multiple=True,
    type=FilePath(file_okay=False),
    help="Go on, and collect what comes into this folder.",
)
@click.option("--every", type=Duration(), help="Go on, and collect from all sources again, such as every 30m.")
@MODEL_ADDRESS
@ARCHIVE
def collect_command(**options: Any) -> None:
    """Label the articles in SOURCES and keep them in the archive.

    SOURCES are files, folders, patterns, or - for standard input.

    The formats are those of `topics predict`. A table (CSV, JSON lines, Parquet and others) has a row for each
    article, with columns text, title, date, outlet and address. What did not change is not labelled again, near
    copies become one story, and a new model labels the archive anew before anything is collected.

    With --watch or --every the command goes on until SIGTERM or Ctrl-C, and ends between two articles. The exit
    status is 1 where a source could not be read.
    """
    if not (options["sources"] or options["urls"] or options["feeds"] or options["folders"]):
        raise click.UsageError("no SOURCES, --url, --feed or --watch")
    if missing := [folder for folder in options["folders"] if not folder.is_dir()]:
        raise click.UsageError(f"--watch {missing[0]}: no such folder")
    from pipeline.archive.session import Session, Sources

    stop = StopRequests()
    model = options["model"]
    sources = Sources(options["sources"], options["urls"], options["feeds"], options["folders"])
    how = collecting(options, stopping=stop.is_asked)
    with stop.heard(), progress_bar("labelling anew") as progress:
        session = Session(
            archive_of(model, options["archive"]),
            lambda: bundle_of(model),
            how,
            wait=stop.wait,
            allow_private=options["allow_private"],
            progress=progress,
        )
        if options["folders"] or options["every"]:
            session.on_and_on(sources, every=options["every"], tell=_tell_summary)
            return
        summary = session.once(sources)
    _tell_summary(summary)
    if stop.is_asked():
        raise click.exceptions.Exit(128 + stop.number)
    if summary.failed:
        raise click.exceptions.Exit(1)


def _tell_summary(summary: "Summary") -> None:
    click.echo(one_line(summary.as_text()))


@click.command(
    "relabel",
    short_help="Label the archive anew with another model.",
    cls=Command,
    examples=["topics relabel --model models/champion.safetensors"],
)
@MODEL_ADDRESS
@ARCHIVE
def relabel_command(model: Path | str, archive: Path | None) -> None:
    """Label the archive's articles with another model.

    What the model before said is shown until all is done. `topics collect` does this by itself where the model has
    changed.
    """
    from pipeline.archive.database import open_archive
    from pipeline.archive.relabel import relabel
    from pipeline.archive.write import load_model

    stop = StopRequests()
    loaded = load_model(bundle_of(model))
    with (
        open_archive(archive_of(model, archive)) as database,
        stop.heard(),
        progress_bar("labelling anew") as progress,
    ):
        done = relabel(database, loaded, progress=progress, stopping=stop.is_asked)
    rest = "" if done.is_complete else "; the rest is left for the next time"
    click.echo(f"{_count(done.articles, 'article')} labelled anew{rest}")
    if not done.is_complete:
        raise click.exceptions.Exit(128 + stop.number)


@click.group("archive", short_help="Look after the archive of collected articles.")
def archive_group() -> None:
    """Look after the archive of collected articles."""


@archive_group.command("info", cls=Command, examples=["topics archive info"])
@MODEL_ADDRESS
@ARCHIVE
def info_command(model: Path | str, archive: Path | None) -> None:
    """Say what the archive holds, and which addresses fail."""
    from pipeline.archive.database import open_archive
    from pipeline.archive.retention import contents

    path = archive_of(model, archive)
    with open_archive(path) as database:
        found = contents(database, path)
    days = f", {found.first_day} to {found.last_day}" if found.articles else ""
    click.echo(f"{path}: {found.size / 1e6:,.1f} MB")
    click.echo(
        f"{_count(found.articles, 'article')} of {_count(found.outlets, 'outlet')}{days}; "
        f"{_count(found.stories, 'story')}, {_count(found.paragraphs, 'paragraph')}"
    )
    for run, articles, is_complete in found.models:
        state = "" if is_complete else ", in the making"
        click.echo(f"model of run {run or 'unknown'}: {_count(articles, 'article')}{state}")
    for address, error in found.failing:
        tell(f"failing: {address}: {error.removeprefix(f'{address}: ')}")


@archive_group.command(
    "prune", short_help="Remove old articles.", cls=Command, examples=["topics archive prune --older-than 90d"]
)
@click.option(
    "--older-than", required=True, type=Duration(whole_days=True), help="Age in days or weeks, such as 90d."
)
@MODEL_ADDRESS
@ARCHIVE
def prune_command(older_than: int, model: Path | str, archive: Path | None) -> None:
    """Remove articles by the age of their day, and give the space back to the disk.

    They are remembered by their addresses, and not collected again.
    """
    from datetime import UTC, datetime

    from pipeline.archive.database import open_archive
    from pipeline.archive.retention import compact, day_before, prune

    before = day_before(datetime.now(UTC).date(), older_than // _DAY)
    with open_archive(archive_of(model, archive)) as database, progress_bar("removing") as progress:
        count = prune(database, before=before, progress=progress)
        compact(database)
    click.echo(f"{_count(count, 'article')} of days before {before} removed")


@archive_group.command(
    "export",
    short_help="Write the archive into a folder, a file a table.",
    cls=Command,
    examples=["topics archive export backup/", "topics archive export tables/ --format parquet"],
)
@click.argument("folder", type=FilePath(file_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "parquet"]),
    default="jsonl",
    show_default=True,
    help="Format of the tables.",
)
@MODEL_ADDRESS
@ARCHIVE
def export_archive_command(folder: Path, form: Any, model: Path | str, archive: Path | None) -> None:
    """Write all of the archive into FOLDER, a file for each of its tables."""
    from pipeline.archive.database import open_archive
    from pipeline.archive.transfer import export

    with open_archive(archive_of(model, archive)) as database, progress_bar("exporting") as progress:
        rows = export(database, folder, form, progress=progress)
    click.echo(f"{folder}: {_count(rows['articles'], 'article')} in {len(rows)} tables")


@archive_group.command(
    "import",
    short_help="Make an archive of an export.",
    cls=Command,
    examples=["topics archive import backup/ --archive restored.sqlite3"],
)
@click.argument("folder", type=FilePath(file_okay=False))
@MODEL_ADDRESS
@ARCHIVE
def import_command(folder: Path, model: Path | str, archive: Path | None) -> None:
    """Make an archive of an export in FOLDER, where there is none yet."""
    from pipeline.archive.transfer import import_

    path = archive_of(model, archive)
    with progress_bar("importing") as progress:
        rows = import_(folder, path, progress=progress)
    click.echo(f"{path}: {_count(rows['articles'], 'article')} in {len(rows)} tables")


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
