"""Options that several commands have, and the progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment, as YAML.",
)
MODEL = click.option(
    "--model",
    default="models",
    show_default=True,
    type=click.Path(path_type=Path),
    help="A bundle file, or an output folder: its champion, or its candidate as long as there is no champion.",
)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True
)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal's standard error, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
