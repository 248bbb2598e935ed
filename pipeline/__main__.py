"""The command line: `topics ...`, or `python -m pipeline ...`."""

import errno
import os
import sys

import click

from pipeline.cli.begin import check_command, init_command
from pipeline.cli.models import evaluate_command, learning_curve_command, search_command, train_command
from pipeline.cli.options import renamed
from pipeline.cli.predict import predict_command
from pipeline.cli.runs import compare_command, reproduce_command, statistics_command, ui_command
from pipeline.cli.service import completion_command, corrections_group, serve_command
from pipeline.errors import TopicsError


class OneLineErrors(click.Group):
    """Print an expected error, or an interruption, as one line."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit 1 on an expected error, 130 on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except TopicsError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python fails again at exit
            click.echo("error: standard output: cannot be written: disk full", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted; existing files are unchanged", err=True)
            ctx.exit(130)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="paragraph-topics", prog_name="topics")
def main() -> None:
    """Predict which of your topics each paragraph of the news addresses.

    Exit status: 0 success; 1 an error, reported in one line; 2 wrong usage; 130 interrupted.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow reads it once, when it is imported
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # so does numpy: nothing here is worth a start of threads


for command in (
    init_command,
    check_command,
    train_command,
    evaluate_command,
    predict_command,
    serve_command,
    corrections_group,
    compare_command,
    learning_curve_command,
    search_command,
    reproduce_command,
    statistics_command,
    ui_command,
    completion_command,
    renamed(learning_curve_command, "curve"),
    renamed(statistics_command, "census"),
):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="topics")
