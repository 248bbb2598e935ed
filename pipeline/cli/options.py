"""What several commands share: options, help with examples, and the progress bar."""

import copy
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pipeline.errors import MissingExtraError

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment's YAML file.",
)


class ModelFile(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A bundle, an output directory, or a version in MLflow's registry, whose bundle is kept in a cache."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; fetch the bundle of an address that begins with `models:/`."""
        if not str(value).startswith("models:/"):
            return Path(value)
        try:
            from pipeline.tracking import fetch_registered
        except ModuleNotFoundError:
            raise MissingExtraError("--model models:/...", "train") from None
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return fetch_registered(str(value), Path(cache) / "paragraph-topics")


MODEL = click.option(
    "--model",
    default="models",
    show_default=True,
    type=ModelFile(),
    envvar="TOPICS_MODEL",
    show_envvar=True,
    help="Model file, output directory (champion if present, else candidate), or models:/NAME@champion in MLflow.",
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
    extra : str or None
        The extra of this package that has what the command imports beyond the core.

    """

    def __init__(
        self, *arguments: Any, examples: Sequence[str] = (), extra: str | None = None, **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples
        self.extra = extra

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raise MissingExtraError where a library of its extra is not installed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            library = (error.name or "").partition(".")[0]
            if self.extra is None or library == "pipeline":
                raise
            raise MissingExtraError(ctx.command_path, self.extra) from None

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
def progress_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal's standard error, and nothing elsewhere.

    Parameters
    ----------
    title : str

    Yields
    ------
    callable
        `(done, total)`, to call as work proceeds; the total is None where nobody knows it.

    """
    with click.progressbar(length=1, label=title, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress
