"""Commands about runs and data: compare, reproduce, statistics, ui."""

from pathlib import Path

import click

from pipeline.cli.options import CONFIG, FORMAT, Command


@click.command("compare", cls=Command, extra="train", examples=["topics compare champion candidate"])
@click.argument("first")
@click.argument("second")
@CONFIG
@click.option("--data", multiple=True, help="Labelled JSON lines to compare on. [default: the test split]")
@FORMAT
def compare_command(first: str, second: str, config: Path, data: tuple[str, ...], form: str) -> None:
    """Compare two models on the same rows. FIRST and SECOND are aliases, run ids or model files.

    Prints the difference of every metric with its interval and p-value, and the rows fixed and broken.
    """
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.compare import compare

    found = compare(settings, first, second, data)
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form]())


@click.command("reproduce", cls=Command, extra="train", examples=["topics reproduce candidate"])
@click.argument("run")
@CONFIG
def reproduce_command(run: str, config: Path) -> None:
    """Repeat a tracked RUN (an id or an alias) from its commit, config and data, and compare all metrics."""
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.reproduce import reproduce

    click.echo(reproduce(settings, run))


@click.command("statistics", cls=Command, extra="train", examples=["topics statistics > statistics.md"])
@CONFIG
def statistics_command(config: Path) -> None:
    """Print statistics of the labelled data, as the Markdown tables of the data card."""
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.data.statistics import describe

    click.echo(describe(settings), nl=False)


@click.command("ui", cls=Command, extra="train", examples=["topics ui --port 5001"])
@CONFIG
@click.option("--port", default=5000, show_default=True, help="Port on loopback.")
def ui_command(config: Path, port: int) -> None:
    """Serve MLflow's user interface for the tracked runs, on loopback, until Ctrl-C."""
    from pipeline.config import read_config
    from pipeline.tracking import serve_page

    settings = read_config(config)
    serve_page(Path(settings.output), port)
