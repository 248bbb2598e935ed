"""The command that makes one page of what a folder says on the topics: today."""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from pipeline.cli.archive import collecting, reads_sources
from pipeline.cli.options import MODEL_ADDRESS, Command, FilePath, bundle_of, tell
from pipeline.text.display import one_line


@click.command(
    "today",
    short_help="Make one page of what a folder says on the topics.",
    cls=Command,
    examples=[
        "topics today inbox/ --open",
        "topics today inbox/ --feed https://example.org/rss --full-text --output monday.html",
    ],
)
@reads_sources
@click.option("--title", default="Today", show_default=True, help="Heading of the page.")
@MODEL_ADDRESS
@click.option(
    "--output",
    type=FilePath(output=True, dir_okay=False),
    default=Path("today.html"),
    show_default=True,
    help="The page, which needs no other file and no network; - for standard output.",
)
@click.option("--open", "opened", is_flag=True, help="Show the page in the browser.")
def today_command(output: Path | None, *, opened: bool, **options: Any) -> None:
    """Make one page of what SOURCES say on the topics: each story once, with the paragraphs that matter.

    SOURCES are files, folders, patterns, or - for standard input, as of `topics collect`; nothing is kept but the
    page. It has filters, the paragraphs of which the model is unsure, and a tray of quotations that becomes Word,
    Excel or text. What is corrected on it is saved as a file for `topics import`.

    The exit status is 1 where a source could not be read; the page names it.
    """
    if not (options["sources"] or options["urls"] or options["feeds"]):
        raise click.UsageError("no SOURCES, --url or --feed")
    if opened and output is None:
        raise click.UsageError("--open needs a file, not standard output")
    from pipeline.archive.session import Sources
    from pipeline.archive.today import as_html, read_today
    from pipeline.files import refuse_overwriting

    refuse_overwriting(output, options["sources"])
    with _written(output) as page:
        found = read_today(
            Sources(options["sources"], options["urls"], options["feeds"], without=output),
            collecting(options),
            bundle_of(options["model"]),
            now=datetime.now(UTC).astimezone(),
            title=options["title"],
            wait=time.sleep,
            allow_private=options["allow_private"],
        )
        page.write(as_html(found))
    said = f"{found.reading.lead}. {found.found}"
    if output is None:
        tell(one_line(said))
    else:
        click.echo(one_line(f"{output}: {said}"))
    if opened and output is not None:
        _open(output)
    if found.reading.summary.failed:
        raise click.exceptions.Exit(1)


def _written(output: Path | None) -> AbstractContextManager[BinaryIO]:
    """Open the output before anything is read, so that one that cannot be written is told at once."""
    from pipeline.files import atomic_file

    if output is None:
        return nullcontext(sys.stdout.buffer)
    return atomic_file(output)


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        tell(f"note: no browser was found; open {page}")
