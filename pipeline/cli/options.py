"""What several commands share: options, help with examples, and the progress bar."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment's YAML file.",
)
MODEL = click.option(
    "--model",
    default="models",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Model file or output directory (champion if present, else candidate).",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="Output format.",
)


class Command(click.Command):
    """A command whose help ends with examples, printed as they are.

    Parameters
    ----------
    examples : sequence of str
        Command lines.

    """

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{' ' * formatter.current_indent}{example}\n")


def renamed(command: click.Command, old_name: str) -> click.Command:
    """Return a command under the name that it had before.

    Parameters
    ----------
    command : Command
    old_name : str

    Returns
    -------
    Command
        Hidden; it warns to use the new name.

    """
    alias = copy.copy(command)
    alias.name, alias.hidden, alias.deprecated = old_name, True, f"use {command.name!r}"
    return alias


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal's standard error, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
