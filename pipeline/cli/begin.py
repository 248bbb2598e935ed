"""Commands that begin an experiment: init, check."""

import shlex
from pathlib import Path

import click

from pipeline.cli.options import CONFIG, Command


@click.command(
    "init", short_help="Begin a project with topics of your own.", cls=Command, examples=["topics init mine"]
)
@click.argument("folder", type=click.Path(path_type=Path))
def init_command(folder: Path) -> None:
    """Write a small project to FOLDER, which must not exist or be empty: a label set, an experiment and data.

    Everything in it is commented and ready to be trained. Put your own topics and paragraphs in their place.
    """
    from pipeline.steps.begin import FILES, begin

    begin(folder)
    for name in FILES:
        click.echo(folder / name, err=True)
    click.echo(f"next: cd {shlex.quote(str(folder))} && topics check && topics train")


@click.command(
    "check",
    short_help="Check an experiment before it is trained.",
    cls=Command,
    extra="train",
    examples=["topics check --config configs/default.yaml"],
)
@CONFIG
def check_command(config: Path) -> None:
    """Check an experiment before training: its settings, label set, gate, data, test sets and folds.

    Prints how many paragraphs have each topic in the training rows and in each test set, and what is left out.
    """
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.check import check
    from pipeline.steps.experiment import fold_groups

    checked = check(settings)
    click.echo(checked.as_text(), nl=False)
    fold_groups(settings, checked.split.train)
