"""Commands that bring labels in from other tools and out to them: import, export."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.annotations import ANNOTATIONS, STATES, annotations_of
from pipeline.cli.options import CONFIG, MODEL_ADDRESS, Command, FilePath, bundle_of, tell
from pipeline.errors import LabelError

if TYPE_CHECKING:
    from pipeline.labelling.formats.exchange import Reading, Written
    from pipeline.labelling.formats.labels import Labels
    from pipeline.labelling.store import State
    from pipeline.labelling.task import Task

READ = ("label-studio", "doccano", "prodigy", "spacy", "csv", "xlsx", "tasks", "labelled")
_WRITTEN = READ[:-1]
READ_FORMAT = click.option(
    "--format", "form", type=click.Choice(READ), help="Format of FILES. [default: each its own]"
)
ANNOTATOR = click.option(
    "--annotator", help="Whose labels they are, where a file does not say. [default: the name of the file]"
)
EMPTY = click.option(
    "--empty",
    type=click.Choice(["unlabelled", "none"]),
    default="unlabelled",
    show_default=True,
    help="What an empty list of labels means in doccano's files, which do not say.",
)
TEXT_COLUMN = click.option(
    "--text-column", default="text", show_default=True, help="Column or key that holds the text."
)


@click.command(
    "import",
    short_help="Read labels that were made in other tools.",
    cls=Command,
    extra="train",
    examples=[
        "topics import project-7.json",
        "topics import doccano.zip --empty none",
        "topics import first.csv second.csv --text-column body",
        "topics import prodigy.jsonl --output tasks.jsonl",
    ],
)
@click.argument("files", nargs=-1, required=True, type=FilePath())
@READ_FORMAT
@ANNOTATOR
@EMPTY
@TEXT_COLUMN
@CONFIG
@MODEL_ADDRESS
@ANNOTATIONS
@click.option("--queue", is_flag=True, help="Let the texts wait on the labelling page, too.")
@click.option(
    "--output",
    type=FilePath(output=True),
    help="Write tasks as JSON lines atomically to this file, and do not keep them; - for standard output.",
)
def import_command(files: Sequence[Path], **options: Any) -> None:
    """Read the labels of FILES that other tools wrote, and keep them with those made here.

    FILES are exports of Label Studio (JSON), doccano (JSON lines or the archive), Prodigy (JSON lines) and spaCy
    (JSON lines with cats), tables (CSV, XLSX) with a column of topics or a column for each, tasks and labelled
    data. Labels are ids or titles of the label set of --config. One text is one task; what is known is not
    added twice.
    """
    found = read_tasks(files, options, options["form"])
    if _is_given("output"):
        from pipeline.files import refuse_overwriting

        refuse_overwriting(options["output"], files)
        write_out(_written(found, "tasks", options).content, options["output"])
        tell(_counted(found))
        return
    from pipeline.labelling import store

    path = options["annotations"] or annotations_of(options["model"])
    added = store.add(path, found, queued=options["queue"])
    tell(_counted(found))
    tell(f"{path}: {added.tasks} texts added, {added.known} known, {added.annotations} annotations added")


@click.command(
    "export",
    short_help="Write tasks and labels for other tools.",
    cls=Command,
    extra="train",
    examples=[
        "topics export --format label-studio --output tasks.json",
        "topics export tasks.jsonl --format doccano --blind --output second.jsonl",
        "topics export --state disagreeing --topic-columns --output open.xlsx",
    ],
)
@click.argument("files", nargs=-1, type=FilePath())
@click.option(
    "--format",
    "form",
    type=click.Choice(_WRITTEN),
    help="Format to write. [default: csv or xlsx by the ending of --output]",
)
@click.option(
    "--names",
    type=click.Choice(["id", "title"]),
    default="id",
    show_default=True,
    help="What stands for a topic in the file.",
)
@click.option("--topic-columns", is_flag=True, help="Of a table: a column of 1 and 0 for each topic.")
@click.option("--blind", is_flag=True, help="Write the texts alone, to have them labelled independently.")
@click.option("--state", type=click.Choice(STATES), default="all", show_default=True, help="Which of those kept.")
@CONFIG
@MODEL_ADDRESS
@ANNOTATIONS
@click.option("--output", type=FilePath(output=True), help="Write atomically to this file.")
def export_command(files: Sequence[Path], **options: Any) -> None:
    """Write the tasks of FILES, or those of the file of annotations, as another tool reads them.

    What the tool has no place for is carried in a field that it keeps, so that it comes back with `topics import`;
    what it does not show is counted on standard error. For Label Studio, its labelling config is written beside
    --output. FILES are anything that `topics import` reads.
    """
    from dataclasses import replace

    form = options["form"] or _form_of(options["output"])
    found = _found(files, options)
    if options["blind"]:
        found = [replace(task, annotations=(), decision=None, scores={}) for task in found]
    written = _written(found, form, options)
    write_out(written.content, options["output"])
    _write_beside(written, options["output"])
    for note in written.notes:
        tell(note)
    tell(_counted(found))


def label_set(options: Mapping[str, Any]) -> "Labels":
    """Read the label set of an experiment; outside its folder, where no --config is given, that of the model."""
    from pipeline.config import read_config, read_topics
    from pipeline.labelling.formats.labels import Labels

    written = options.get("names", "id")
    model = options.get("model")
    if _is_given("config") or options["config"].exists() or model is None:
        return Labels(read_topics(Path(read_config(options["config"]).data.topics)), written=written)
    from pipeline.model.bundle import load_bundle

    return Labels(load_bundle(bundle_of(model)).topics, written=written)


def reading_of(options: Mapping[str, Any]) -> "Reading":
    """Return how files of labels are to be read, as the options of a command say."""
    from pipeline.labelling.formats.exchange import Reading

    return Reading(
        label_set(options),
        options.get("annotator"),
        empty_is_none=options.get("empty") == "none",
        column=options.get("text_column") or "text",
    )


def read_tasks(files: Sequence[Path], options: Mapping[str, Any], form: str | None = None) -> "list[Task]":
    """Read files of labels, and tell what is to be told of them.

    Parameters
    ----------
    files : sequence of Path
    options : mapping of str to object
        Those of the command.
    form : str, optional
        The format of the files; each file's own without it.

    Returns
    -------
    list of Task

    """
    from pipeline.labelling.formats import read_files

    tasks, notes = read_files(files, reading_of(options), form)
    for note in notes:
        tell(note)
    return tasks


def kept_tasks(options: Mapping[str, Any], state: "State" = "all") -> "list[Task]":
    """Return the tasks of the file of annotations that the options name; raise LabelError where there is none."""
    from pipeline.labelling import store

    path = options["annotations"] or annotations_of(options["model"])
    if not path.exists():
        raise LabelError(f"{path}: no annotations; name FILES, or label on the pages of `topics serve`")
    return store.tasks(path, state)


def write_out(content: bytes, output: Path | None) -> None:
    """Write a file atomically, or to standard output."""
    from pipeline.files import atomic_file

    if output is None:
        click.echo(content, nl=False)
        return
    with atomic_file(output) as file:
        file.write(content)


def _is_given(option: str) -> bool:
    """Tell whether the command line has an option: standard output is None, as is none at all."""
    return click.get_current_context().get_parameter_source(option) is not click.core.ParameterSource.DEFAULT


def _found(files: Sequence[Path], options: Mapping[str, Any]) -> "list[Task]":
    from pipeline.files import refuse_overwriting

    read = files or (options["annotations"] or annotations_of(options["model"]),)
    refuse_overwriting(options["output"], read)
    return read_tasks(files, options) if files else kept_tasks(options, options["state"])


def _form_of(output: Path | None) -> str:
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    if ending not in ("csv", "xlsx"):
        raise click.UsageError(f"--format: expected one of {', '.join(_WRITTEN)}")
    return ending


def _written(tasks: "Sequence[Task]", form: str, options: Mapping[str, Any]) -> "Written":
    from pipeline.labelling.formats import write
    from pipeline.labelling.formats.exchange import Writing

    labels = label_set(options)
    return write(tasks, Writing(labels, columns=options.get("topic_columns", False)), form)


def _write_beside(written: "Written", output: Path | None) -> None:
    for ending, content in written.beside.items() if output else ():
        file = Path(output or "").with_suffix(ending)
        write_out(content, file)
        tell(f"{file}: belongs to it")


def _counted(tasks: "Sequence[Task]") -> str:
    """Say how many texts there are, by how many people labelled, and how many are not."""
    people = {found.annotator for task in tasks for found in task.annotations}
    said = sum(len(task.annotations) for task in tasks)
    bare = sum(not task.annotations and task.decision is None for task in tasks)
    return f"{len(tasks)} texts, {said} annotations by {len(people)} people, {bare} texts not labelled"
