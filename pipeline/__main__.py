"""The command line: `topics ...`, or `python -m pipeline ...`."""

import errno
import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from pipeline.cli.agreement import agreement_command, contradictions_command
from pipeline.cli.annotations import annotations_group, merge_command
from pipeline.cli.archive import archive_group, collect_command, relabel_command
from pipeline.cli.begin import check_command, init_command
from pipeline.cli.digest import digest_command, notify_command, views_group
from pipeline.cli.drift import drift_command
from pipeline.cli.exchange import export_command, import_command
from pipeline.cli.models import evaluate_command, learning_curve_command, search_command, train_command
from pipeline.cli.options import renamed, tell
from pipeline.cli.predict import predict_command
from pipeline.cli.queue import queue_command
from pipeline.cli.runs import (
    compare_command,
    fetch_command,
    history_command,
    reproduce_command,
    rollback_command,
    statistics_command,
    ui_command,
)
from pipeline.cli.service import completion_command, serve_command
from pipeline.errors import TopicsError
from pipeline.text.display import printable

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
    """Print an expected error, or an interruption, as one line."""

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


for command in (
    init_command,
    check_command,
    train_command,
    evaluate_command,
    predict_command,
    queue_command,
    drift_command,
    serve_command,
    collect_command,
    relabel_command,
    archive_group,
    digest_command,
    views_group,
    notify_command,
    annotations_group,
    import_command,
    export_command,
    agreement_command,
    contradictions_command,
    merge_command,
    compare_command,
    learning_curve_command,
    search_command,
    reproduce_command,
    history_command,
    rollback_command,
    fetch_command,
    statistics_command,
    ui_command,
    completion_command,
    renamed(learning_curve_command, "curve"),
    renamed(statistics_command, "census"),
):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="topics")
