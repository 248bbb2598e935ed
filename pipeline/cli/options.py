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
from pipeline.text.display import one_line


class FilePath(click.Path):
    """The path of an option; an empty one is refused, as it would stand for the current folder.

    Parameters
    ----------
    output : bool, default False
        Whether it is a file to write; `-` is standard output then, and becomes None.
    **settings
        Those of `click.Path`.

    """

    def __init__(self, *, output: bool = False, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)
        self.output = output

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the path, and make it one."""
        text = os.fspath(value)
        if not text:
            self.fail("it is empty: is a variable of the shell not set?", param, ctx)
        if text.startswith("~/") and not os.path.lexists("~"):
            self.fail(f"{text}: the shell replaces ~ only where it begins a word without quotes", param, ctx)
        if self.output and text == "-":
            return None
        if self.output and text.endswith("/"):
            self.fail(f"{text}: expected a file, not a folder", param, ctx)
        return super().convert(value, param, ctx)


CONFIG = click.option(
    "--config",
    type=FilePath(),
    default=Path("configs/default.yaml"),
    show_default=True,
    help="The experiment's YAML file.",
)


_REGISTERED = "models:/"


class ModelAddress(FilePath):
    """A bundle or an output directory, or the address of a version in MLflow's registry, which stays a `str`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the address."""
        return value if str(value).startswith(_REGISTERED) else super().convert(value, param, ctx)


class ModelPath(ModelAddress):
    """A bundle, an output directory, or a version in MLflow's registry, whose bundle is kept in a cache."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; fetch the bundle of an address."""
        found = super().convert(value, param, ctx)
        return found if isinstance(found, Path) else fetched(found)


def fetched(address: str) -> Path:
    """Return the bundle of a version in MLflow's registry, out of the user's cache if it is there.

    Parameters
    ----------
    address : str
        It begins with `models:/`.

    Returns
    -------
    Path

    Raises
    ------
    TrackingError
        Where the address is none, or the server has no such version.
    MissingExtraError
        Where MLflow is not installed.

    """
    try:
        from pipeline.predict.location import user_folder
        from pipeline.tracking import fetch_registered
    except ModuleNotFoundError:
        raise MissingExtraError("--model models:/...", "train") from None
    return fetch_registered(address, user_folder("XDG_CACHE_HOME", ".cache"))


def bundle_of(model: Path | str) -> Path:
    """Return the bundle that a `--model` stands for: a file, the best of an output directory, or one fetched."""
    from pipeline.predict.article import bundle_path

    return bundle_path(fetched(model) if isinstance(model, str) else model)


def _model_option(kind: ModelAddress) -> Callable[[Any], Any]:
    return click.option(
        "--model",
        default="models",
        show_default=True,
        type=kind,
        envvar="TOPICS_MODEL",
        show_envvar=True,
        help="Model file, output directory (champion if present, else candidate), "
        "or models:/NAME@champion in MLflow.",
    )


MODEL = _model_option(ModelPath())
MODEL_ADDRESS = _model_option(ModelAddress())
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "markdown"]),
    default="table",
    show_default=True,
    help="Output format.",
)

SCHEDULER = click.option(
    "--scheduler",
    metavar="ADDRESS",
    is_eager=True,  # what --output may be depends on it
    help="Work on Dask: the address of a scheduler, or local for workers on this machine.",
)
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Processes that --scheduler local starts.",
)


def check_workers(scheduler: str | None, workers: int) -> None:
    """Raise UsageError where processes are asked for that somebody else starts.

    Parameters
    ----------
    scheduler : str or None
    workers : int

    """
    if scheduler != "local" and workers > 1:
        raise click.UsageError("--workers needs --scheduler local; a scheduler at an address has its own")


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


def tell(line: str) -> None:
    """Write a line to standard error, whatever names and messages it quotes.

    Parameters
    ----------
    line : str

    """
    click.echo(one_line(line), err=True)


@contextmanager
def progress_bar(title: str, *, hidden: bool = False) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal's standard error, and nothing elsewhere.

    Parameters
    ----------
    title : str
    hidden : bool, default False
        Show nothing there either.

    Yields
    ------
    callable
        `(done, total)`, to call as work proceeds; the total is None where nobody knows it.

    """
    with click.progressbar(
        length=1, label=title, file=sys.stderr, hidden=hidden or not sys.stderr.isatty()
    ) as bar:

        def progress(done: int, total: int | None) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress
