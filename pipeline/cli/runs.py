"""Commands that look at runs and data: compare, reproduce, census, ui."""

from pathlib import Path

import click

from pipeline.cli.options import CONFIG, FORMAT


@click.command("compare")
@click.argument("first")
@click.argument("second")
@CONFIG
@click.option("--data", multiple=True, help="Labelled JSON lines to compare on (default: the config's test side).")
@FORMAT
def compare_command(first: str, second: str, config: Path, data: tuple[str, ...], form: str) -> None:
    """Compare two models on the same rows: FIRST and SECOND are aliases, run ids or bundle files.

    Prints the difference of every figure with its interval and p-value, and the rows fixed and broken.

    Example: topics compare champion candidate
    """
    from pipeline.compare import compare
    from pipeline.config import read_config

    found = compare(read_config(config), first, second, data)
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form]())


@click.command("reproduce")
@click.argument("run")
@CONFIG
def reproduce_command(run: str, config: Path) -> None:
    """Rebuild a tracked RUN (an id or an alias) from its commit, config and data, and compare all its figures.

    Example: topics reproduce candidate
    """
    from pipeline.config import read_config
    from pipeline.reproduce import reproduce

    click.echo(reproduce(read_config(config), run))


@click.command("census")
@CONFIG
def census_command(config: Path) -> None:
    """Count what the labelled data hold, as the Markdown tables of the data card.

    Example: topics census > tables.md
    """
    from pipeline.config import read_config
    from pipeline.data.statistics import describe

    click.echo(describe(read_config(config)), nl=False)


@click.command("ui")
@CONFIG
@click.option("--port", default=5000, show_default=True, help="The port on loopback.")
def ui_command(config: Path, port: int) -> None:
    """Open MLflow's page on the runs of the config's output folder, on loopback, until Ctrl-C.

    Example: topics ui --port 5001
    """
    from pipeline.config import read_config
    from pipeline.tracking import serve_page

    settings = read_config(config)
    serve_page(Path(settings.output), port)
