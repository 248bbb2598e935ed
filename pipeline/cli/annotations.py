"""Commands about the labels of people: annotations add, list, decide, export; merge."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import CONFIG, MODEL_ADDRESS, Command, FilePath, tell
from pipeline.errors import LabelError
from pipeline.text.display import one_line

if TYPE_CHECKING:
    from pipeline.labelling.task import Task

_SHOWN = 60  # characters of a text in a table
STATES = ("all", "open", "disagreeing", "decided", "unlabelled")


class _Renamed(click.Option):
    """An option whose help does not show its earlier name."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the names and the help."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(", --corrections", ""), record[1])


ANNOTATIONS = click.option(
    "--annotations",
    "--corrections",
    "annotations",
    cls=_Renamed,
    type=FilePath(),
    help="SQLite file of tasks and annotations. [default: annotations.sqlite3 beside the model; "
    "~/.local/share/paragraph-topics/NAME.annotations.sqlite3 for models:/NAME]",
)


def annotations_of(model: Path | str) -> Path:
    """Choose the file of annotations of a model, by its path or its address in MLflow's registry."""
    from pipeline.predict.location import database_of

    return database_of(model, "annotations")


@click.group("annotations", short_help="Add, list, decide and export what people label.")
def annotations_group() -> None:
    """Work with what people label: on the service's pages, as corrections, or in other tools."""


@annotations_group.command(
    "add",
    short_help="Put paragraphs on the labelling page.",
    cls=Command,
    extra="serve",
    examples=["topics annotations add queue.jsonl"],
)
@click.argument("files", nargs=-1, required=True, type=FilePath())
@MODEL_ADDRESS
@ANNOTATIONS
def add_command(files: Sequence[Path], model: Path | str, annotations: Path | None) -> None:
    """Put the paragraphs of FILES on the queue of the labelling page, with annotations that they carry.

    FILES are JSON lines as `topics queue` writes them: objects with text, and optionally article, paragraph,
    title, date, source, scores. A text that is there already is not added twice.
    """
    from pipeline.labelling import store
    from pipeline.labelling.json_lines import read_tasks

    path = _opened(model, annotations, must_exist=False)
    added = store.add(path, [task for _, task in read_tasks(files)])
    known = f", {added.known} known" if added.known else ""
    said = f", {added.annotations} annotations" if added.annotations else ""
    tell(f"{path}: {added.tasks} tasks added{known}{said}")


@annotations_group.command(
    "list",
    short_help="List tasks, labels and decisions.",
    cls=Command,
    examples=["topics annotations list --state disagreeing", "topics annotations list --format json"],
)
@click.option(
    "--state",
    type=click.Choice(STATES),
    default="open",
    show_default=True,
    help="Open: labelled, not decided; disagreeing: those of them on which people differ.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@MODEL_ADDRESS
@ANNOTATIONS
def list_command(state: Any, form: str, model: Path | str, annotations: Path | None) -> None:
    """List tasks with what each person says of them, and what was decided."""
    import json
    from dataclasses import asdict

    from pipeline.labelling import store

    found = store.tasks(_opened(model, annotations), state)
    if form == "json":
        objects = [{"id": task.id, **asdict(task)} for task in found]
        click.echo(json.dumps(objects, indent=2, ensure_ascii=False))
    else:
        click.echo("".join(f"{_as_lines(task)}\n" for task in found), nl=False)


@annotations_group.command(
    "decide",
    short_help="Decide on a task, or on all that people agree on.",
    cls=Command,
    examples=[
        "topics annotations decide 2f0c9a7d11e0b1c2 mine_action peace_process --reviewer Ada",
        "topics annotations decide 2f0c9a7d11e0b1c2 --none --reviewer Ada",
        "topics annotations decide --agreed --reviewer Ada",
    ],
)
@click.argument("task", required=False)
@click.argument("topics", nargs=-1)
@click.option("--none", "is_none", is_flag=True, help="Decide that it has none of the topics.")
@click.option("--drop", is_flag=True, help="Decide that it does not go into the data.")
@click.option("--undo", is_flag=True, help="Take the decision back.")
@click.option("--agreed", is_flag=True, help="Accept every open task that at least two label, all alike.")
@click.option("--reviewer", help="Your name; needed except with --undo.")
@click.option("--comment", default="", help="Why.")
@MODEL_ADDRESS
@ANNOTATIONS
def decide_command(task: str | None, topics: tuple[str, ...], model: Path | str, **options: Any) -> None:
    """Decide on TASK, by the id that `topics annotations list` prints: its TOPICS, none, or that it is dropped."""
    chosen = [bool(topics), options["is_none"], options["drop"], options["undo"], options["agreed"]]
    if sum(chosen) != 1 or (task is None) != options["agreed"]:
        raise click.UsageError("name a task with topics, --none, --drop or --undo; or --agreed alone")
    reviewer = (options["reviewer"] or "").strip()
    if not reviewer and not options["undo"]:
        raise click.UsageError("--reviewer: whose decision is it?")
    path = _opened(model, options["annotations"])
    if task is None:
        tell(f"{_accept_agreed(path, reviewer, options['comment'])} tasks decided")
    elif options["undo"]:
        _undo(path, task)
    else:
        _decide(path, task, None if options["drop"] else topics, reviewer, options["comment"])


@annotations_group.command(
    "export",
    short_help="Export what is decided as labelled paragraphs.",
    cls=Command,
    extra="serve",
    examples=[
        "topics annotations export --output decided.jsonl",
        "topics annotations export --tasks --output tasks.jsonl",
    ],
)
@click.option("--tasks", is_flag=True, help="Export all tasks with all annotations and decisions instead.")
@click.option("--writer", default="labelled", show_default=True, help="The batch that the paragraphs belong to.")
@MODEL_ADDRESS
@ANNOTATIONS
@click.option("--output", type=FilePath(output=True), help="Write atomically to this file.")
def export_command(model: Path | str, annotations: Path | None, output: Path | None, **options: Any) -> None:
    """Export what is decided as labelled paragraphs, JSON lines for `topics train`.

    Only tasks that somebody has decided on are exported, without those dropped. `topics merge` puts them into the
    data after checks.
    """
    from pipeline.files import atomic_file, refuse_overwriting
    from pipeline.labelling import store
    from pipeline.labelling.json_lines import as_line

    kept = _opened(model, annotations)
    refuse_overwriting(output, (kept,))
    if options["tasks"]:
        lines = [f"{as_line(task)}\n" for task in store.tasks(kept)]
    else:
        lines = _labelled(store.tasks(kept, "decided"), options["writer"])
    if output is None:
        click.echo("".join(lines), nl=False)
    else:
        with atomic_file(output) as file:
            file.write("".join(lines).encode(errors="backslashreplace"))
    tell(f"{len(lines)} {'tasks' if options['tasks'] else 'labelled paragraphs'}")


@click.command(
    "merge",
    short_help="Put what is decided into the labelled data.",
    cls=Command,
    extra="train",
    examples=["topics merge", "topics merge --file data/articles/n18.jsonl", "topics merge --dry-run"],
)
@CONFIG
@MODEL_ADDRESS
@ANNOTATIONS
@click.option(
    "--file",
    "target",
    type=FilePath(),
    help="JSON lines to add the rows to. [default: labelled.jsonl in the first folder of data.train]",
)
@click.option("--relabel", is_flag=True, help="Let decisions replace other labels of the same text in the data.")
@click.option("--dry-run", is_flag=True, help="Check and tell, and change nothing.")
def merge_command(config: Path, model: Path | str, annotations: Path | None, **options: Any) -> None:
    """Put decided tasks into the labelled data that the experiment trains on, all of them or none.

    Texts that are labelled otherwise there, or nearly repeat such a text, are refused with file and line. What is
    merged is written into the data card, README.md beside the data: who labelled it, and when.
    """
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.merge import ConflictsError, merge

    path = _opened(model, annotations)
    try:
        merged = merge(settings, path, **options)
    except ConflictsError as error:
        for conflict in error.conflicts:
            tell(conflict)
        raise
    click.echo(merged.as_text(), nl=False)


def _opened(model: Path | str, annotations: Path | None, *, must_exist: bool = True) -> Path:
    """Find the file of annotations, and take over what an earlier version kept."""
    from pipeline.labelling import store

    path = annotations or annotations_of(model)
    if count := store.take_over(path):
        tell(f"{path}: {count} corrections of an earlier version taken over")
    if must_exist and not path.exists():
        raise LabelError(f"{path}: no annotations; they are made on the pages of `topics serve`")
    return path


def _labelled(tasks: "Sequence[Task]", writer: str) -> list[str]:
    from pipeline.labelling.review import as_json, labels, paragraphs_of

    said = [(task.decision.topics if task.decision else None) or () for task in tasks]
    said += [topics for task in tasks for topics in labels(task).values()]
    order = sorted({topic for topics in said for topic in topics})
    return [f"{as_json(row)}\n" for row in paragraphs_of(tasks, order, writer=writer)]


def _as_lines(task: "Task") -> str:
    """Write a task on three lines at most: its id and text, what people say, and the decision."""
    text = one_line(" ".join(task.text.split()))
    lines = [f"{task.id}  {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}"]
    said = [f"{one_line(name)}: {_spoken(found.topics, 'skipped')}" for name, found in task.latest.items()]
    if said:
        lines.append(f"  {'; '.join(said)}")
    if task.decision:
        reviewer, decided = one_line(task.decision.reviewer), _spoken(task.decision.topics, "dropped")
        lines.append(f"  decided by {reviewer}: {decided}")
    return "\n".join(lines)


def _spoken(topics: Sequence[str] | None, otherwise: str) -> str:
    return otherwise if topics is None else ", ".join(topics) or "none"


def _accept_agreed(path: Path, reviewer: str, comment: str) -> int:
    from pipeline.labelling import store
    from pipeline.labelling.review import distinct, labels
    from pipeline.labelling.task import Decision

    found = [task for task in store.tasks(path, "open") if len(labels(task)) > 1 and len(distinct(task)) == 1]
    for task in found:
        store.decide(path, task, Decision(reviewer, distinct(task)[0], store.now(), comment))
    return len(found)


def _undo(path: Path, task: str) -> None:
    from pipeline.labelling import store

    if not store.undo_decision(path, task):
        raise LabelError(f"{path}: nobody has decided on task {task}")
    tell(f"{task}: open again")


def _decide(path: Path, task: str, topics: tuple[str, ...] | None, reviewer: str, comment: str) -> None:
    from pipeline.labelling import store
    from pipeline.labelling.task import Decision

    found = store.find(path, task)
    if found is None:
        raise LabelError(f"{path}: no task {task}; `topics annotations list` prints ids")
    store.decide(path, found, Decision(reviewer, topics, store.now(), comment))
    tell(f"{task}: {'dropped' if topics is None else ', '.join(topics) or 'none'}")
