"""Commands about what people say of the same texts: agreement, contradictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.annotations import ANNOTATIONS
from pipeline.cli.exchange import EMPTY, TEXT_COLUMN, kept_tasks, read_tasks, reading_of, write_out
from pipeline.cli.options import CONFIG, FORMAT, MODEL_ADDRESS, Command, FilePath, tell

if TYPE_CHECKING:
    from pipeline.labelling.contradictions import Labelled


@click.command(
    "agreement",
    short_help="Measure how far the people who label agree.",
    cls=Command,
    extra="train",
    examples=[
        "topics agreement",
        "topics agreement ada.csv bo.csv --disagreeing open.jsonl",
        "topics agreement data/articles --format markdown",
    ],
)
@click.argument("files", nargs=-1, type=FilePath())
@EMPTY
@TEXT_COLUMN
@FORMAT
@click.option(
    "--disagreeing", type=FilePath(), help="Write the texts on which people differ to this file, as JSON lines."
)
@CONFIG
@MODEL_ADDRESS
@ANNOTATIONS
def agreement_command(files: Sequence[Path], form: str, disagreeing: Path | None, **options: Any) -> None:
    """Measure how far people agree who labelled the same texts, in FILES or in the file of annotations.

    Prints Krippendorff's alpha of each topic and of whole sets of labels, and Cohen's kappa of each two people,
    with 95 % intervals over articles. FILES are anything that `topics import` reads, such as a file a person;
    labelled data has its writer and its reader.
    """
    import json

    from pipeline.config import read_config, read_topics

    settings = read_config(options["config"])
    topics = read_topics(Path(settings.data.topics))
    from pipeline.files import refuse_overwriting
    from pipeline.labelling.disagreement import disagreement, measure

    if disagreeing:
        refuse_overwriting(disagreeing, files)
    tasks = read_tasks(files, options) if files else kept_tasks(options)
    found = measure(tasks, topics, random_state=settings.random_state)
    if disagreeing:
        lines = [json.dumps(disagreement(task), ensure_ascii=False) + "\n" for task in found.disagreeing]
        write_out("".join(lines).encode(errors="backslashreplace"), disagreeing)
        tell(f"{disagreeing}: {len(lines)} texts on which people differ")
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form](), nl=False)


@click.command(
    "contradictions",
    short_help="List near-identical texts with different labels.",
    cls=Command,
    extra="train",
    examples=["topics contradictions data/articles", "topics contradictions --similarity 0.6 --format json"],
)
@click.argument("files", nargs=-1, type=FilePath())
@click.option(
    "--similarity",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="Least share of the runs of four words that two texts have in common.",
)
@EMPTY
@TEXT_COLUMN
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format; json is JSON lines.",
)
@CONFIG
@MODEL_ADDRESS
@ANNOTATIONS
def contradictions_command(files: Sequence[Path], similarity: float, form: str, **options: Any) -> None:
    """List pairs of texts that are nearly the same and labelled differently, with the words in which they differ.

    FILES are labelled data, or anything else that `topics import` reads; without them, the file of annotations.
    The labels of a text are those decided, else those on which all people agree.
    """
    import json

    from pipeline.labelling.contradictions import contradictions

    rows = _labelled(files, options)
    found = contradictions(rows, similarity=similarity)
    for pair in found:
        click.echo(json.dumps(pair.to_dict(), ensure_ascii=False) if form == "json" else pair.as_text())
    tell(f"{len(found)} pairs of {len(rows)} labelled texts contradict each other")


def _labelled(files: Sequence[Path], options: dict[str, Any]) -> "list[Labelled]":
    """Return the texts that have labels, each with its place: file and line, or the id of its task."""
    from pipeline.labelling.contradictions import Labelled
    from pipeline.labelling.formats import read_rows
    from pipeline.labelling.formats.exchange import settled

    if files:
        rows, notes = read_rows(files, reading_of(options))
        for note in notes:
            tell(note)
    else:
        rows = [(f"task {task.id}", task) for task in kept_tasks(options)]
    found = [(where, task.text, settled(task)) for where, task in rows]
    return [Labelled(where, text, topics) for where, text, topics in found if topics is not None]
