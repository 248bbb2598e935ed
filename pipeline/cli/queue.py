"""The command that chooses what to label next."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import MODEL, Command, FilePath, progress_bar, tell
from pipeline.cli.predict import ALLOW_PRIVATE, ENCODING, SHEET, TEXT_COLUMN, URL
from pipeline.errors import DataError, SourceError

if TYPE_CHECKING:
    from pipeline.labelling.pool import Queue
    from pipeline.labelling.sources import Tally
    from pipeline.labelling.task import Task


@click.command(
    "queue",
    short_help="Choose the paragraphs most worth a label.",
    cls=Command,
    extra="train",
    examples=[
        "topics queue 'news/**/*.html' --size 200 --output tasks.jsonl",
        "topics queue rows.parquet --text-column body --size 200 --output tasks.jsonl",
        "topics queue news/ --size 200 --seen data/articles --seen tasks.jsonl --output more.jsonl",
    ],
)
@click.argument("sources", nargs=-1, type=click.Path(readable=False))  # one that is not costs only itself
@URL
@ALLOW_PRIVATE
@MODEL
@click.option(
    "--size",
    type=click.IntRange(1, 5000),  # the time to choose grows with its square
    default=200,
    show_default=True,
    help="How many to choose.",
)
@click.option(
    "--random-share",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share that is drawn at random, to measure on.",
)
@click.option(
    "--seen",
    multiple=True,
    metavar="FILE",
    help="Tables or folders of what is labelled or queued already: neither it nor what nearly repeats it is "
    "chosen; repeatable.",
)
@TEXT_COLUMN
@ENCODING
@SHEET
@click.option(
    "--random-state",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the random share.",
)
@click.option("--output", type=FilePath(output=True), help="Write atomically to this file.")
def queue_command(**options: Any) -> None:
    """Choose the paragraphs of SOURCES that are most worth a label: files, folders, patterns, or - for stdin.

    SOURCES are those of `topics predict`; documents and tables may be mixed. Rows with a label are passed over,
    and so is what the model was trained on. Writes JSON lines of tasks for people to label, each with its scores
    and why it was chosen: uncertain of a topic, the topics in turn, or drawn at random. Sources that cannot be
    read are reported on standard error, and the exit status is 1.
    """
    if not options["sources"] and not options["urls"]:
        raise click.UsageError("no SOURCES and no --url")
    from pipeline.labelling.sources import Tally

    tally = Tally()
    errors: list[SourceError] = []

    def report(error: SourceError) -> None:
        errors.append(error)
        tell(f"error: {error}")

    try:
        found = _queue(options, tally, report)
    except DataError:
        if errors:  # which say already why nothing is left
            raise click.exceptions.Exit(1) from None
        raise
    _write(found.tasks, options["output"])
    tell(found.as_text())
    if tally.unreadable:
        tell(f"error: {tally.unreadable:,} rows cannot be read, the first in {tally.first_error}")
    if errors or tally.unreadable:
        raise click.exceptions.Exit(1)


def _queue(options: Mapping[str, Any], tally: "Tally", complain: Callable[[SourceError], None]) -> "Queue":
    from pipeline.files import refuse_overwriting
    from pipeline.labelling.pool import make_queue
    from pipeline.labelling.sources import Sources, read_tasks, seen_texts, tables
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import bundle_path

    model = bundle_path(options["model"])
    bundle = load_bundle(model)
    kept = ("urls", "allow_private", "text_column", "encoding", "sheet")
    sources = Sources(options["sources"], **{name: options[name] for name in kept})
    files, seen = sources.files(_note), tables(options["seen"])
    named = [file for file in files if not isinstance(file, SourceError)]
    refuse_overwriting(options["output"], [model, *named, *seen])
    with progress_bar("reading", hidden=options["output"] is None) as progress:
        return make_queue(
            read_tasks(files, sources, tally, complain=complain, note=_note),
            bundle,
            size=options["size"],
            random_share=options["random_share"],
            random_state=options["random_state"],
            seen=lambda: seen_texts(seen),
            tally=tally,
            progress=lambda done: progress(done, None),
        )


def _write(tasks: Sequence["Task"], output: Path | None) -> None:
    from pipeline.files import atomic_file
    from pipeline.labelling.json_lines import as_line

    content = "".join(f"{as_line(task)}\n" for task in tasks).encode(errors="backslashreplace")
    if output is None:
        click.echo(content, nl=False)
        return
    with atomic_file(output) as file:
        file.write(content)


def _note(said: str) -> None:
    tell(f"note: {said}")
