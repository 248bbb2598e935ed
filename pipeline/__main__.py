"""The command line: `topics ...`, or `python -m pipeline ...`."""

import errno
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Any

import click

from pipeline.cli.options import renamed, tell
from pipeline.errors import TopicsError
from pipeline.text.display import printable

SECTIONS = {  # the module and the name of each command: only what is asked for is imported
    "Label articles": {"predict": "predict:predict_command", "serve": "service:serve_command"},
    "Read the day": {
        "today": "today:today_command",
        "collect": "archive:collect_command",
        "digest": "digest:digest_command",
        "views": "digest:views_group",
        "notify": "digest:notify_command",
        "archive": "archive:archive_group",
        "relabel": "archive:relabel_command",
    },
    "Label by hand": {
        "queue": "queue:queue_command",
        "annotations": "annotations:annotations_group",
        "agreement": "agreement:agreement_command",
        "contradictions": "agreement:contradictions_command",
        "merge": "annotations:merge_command",
        "import": "exchange:import_command",
        "export": "exchange:export_command",
    },
    "Train and evaluate": {
        "init": "begin:init_command",
        "check": "begin:check_command",
        "train": "models:train_command",
        "evaluate": "models:evaluate_command",
        "compare": "runs:compare_command",
        "drift": "drift:drift_command",
        "learning-curve": "models:learning_curve_command",
        "search": "models:search_command",
        "reproduce": "runs:reproduce_command",
        "statistics": "runs:statistics_command",
    },
    "Models": {
        "history": "runs:history_command",
        "rollback": "runs:rollback_command",
        "fetch": "runs:fetch_command",
        "ui": "runs:ui_command",
    },
    "Shell": {"completion": "service:completion_command"},
}
RENAMED = {"curve": "learning-curve", "census": "statistics"}
_OF_OUTPUT = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}


class TerminatedError(KeyboardInterrupt):
    """The process is told to end by a signal other than Ctrl-C's.

    Parameters
    ----------
    number : int

    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class OneLineErrors(click.Group):
    """Print an expected error, or an interruption, as one line; list the commands by section."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, but for their earlier names."""
        return [name for commands in SECTIONS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in RENAMED:
            command = self.get_command(ctx, RENAMED[cmd_name])
            return command and renamed(command, cmd_name)
        place = next((commands[cmd_name] for commands in SECTIONS.values() if cmd_name in commands), None)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(import_module(f"pipeline.cli.{module}"), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what they are for, in the order in which they are used."""
        width = max(map(len, self.list_commands(ctx)))
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                listed = [(name, self.get_command(ctx, name)) for name in commands]
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(formatter.width))
                        for name, command in listed
                        if command
                    ]
                )

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the command line, with all standard streams, and told of signals that end it."""
        _replace_closed_streams()
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
                signal.signal(number, _terminate)
        try:
            return super().main(*arguments, **settings)
        except OSError as error:  # help, for example, is written before any command is invoked
            _tell_of(error)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit 1 on an expected error, 128 and the signal's number on a signal."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except TopicsError as error:
            tell(f"error: {error}")
            ctx.exit(1)
        except MemoryError:
            tell("error: out of memory; divide the sources, or use fewer workers")
            ctx.exit(1)
        except BrokenPipeError:  # as for any program whose reader has seen enough
            _discard_output()
            ctx.exit(128 + signal.SIGPIPE)
        except OSError as error:
            _tell_of(error)
            ctx.exit(1)
        except KeyboardInterrupt as error:
            tell("interrupted; existing files are unchanged")
            ctx.exit(128 + (error.number if isinstance(error, TerminatedError) else signal.SIGINT))
        except click.UsageError as error:
            raise click.UsageError(printable(error.format_message()), error.ctx) from None


def _terminate(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise TerminatedError(number)


def _replace_closed_streams() -> None:
    """Occupy the numbers of closed streams, else the next file that is opened gets what is meant for them."""
    fails, works = os.O_RDONLY, os.O_WRONLY
    for name, mode, access in (("stdin", "r", os.O_WRONLY), ("stdout", "w", fails), ("stderr", "w", works)):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, access)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # as long as the process


def _tell_of(error: OSError) -> None:
    _discard_output()
    reason = "disk full" if error.errno == errno.ENOSPC else error.strerror or str(error)
    if error.filename is not None:
        tell(f"error: {os.fsdecode(error.filename)}: {reason}")
    elif error.errno in _OF_OUTPUT:
        tell(f"error: standard output: cannot be written: {reason}")
    else:
        tell(f"error: {reason}")


def _discard_output() -> None:
    """Let what is not written yet go nowhere, else Python fails again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paragraph-topics", prog_name="topics")
def main() -> None:
    """Predict which of your topics each paragraph of the news addresses.

    Exit status: 0 success; 1 an error, reported in one line; 2 wrong usage; 3 drift; 130 interrupted, and likewise
    128 and the number of any other signal that ends a command.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow reads it once, when it is imported
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # so does numpy: nothing here is worth a start of threads


if __name__ == "__main__":
    main(prog_name="topics")
