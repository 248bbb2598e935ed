"""Commands about runs and data: compare, reproduce, statistics, ui."""

from pathlib import Path

import click

from pipeline.cli.options import CONFIG, FORMAT, Command, FilePath


@click.command(
    "compare",
    short_help="Compare two models on the same rows.",
    cls=Command,
    extra="train",
    examples=["topics compare champion candidate"],
)
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


@click.command(
    "reproduce",
    short_help="Repeat a tracked run and compare the results.",
    cls=Command,
    extra="train",
    examples=["topics reproduce candidate"],
)
@click.argument("run")
@CONFIG
def reproduce_command(run: str, config: Path) -> None:
    """Repeat a tracked RUN (an id or an alias) from its commit, config and data, and compare all metrics."""
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.reproduce import reproduce

    click.echo(reproduce(settings, run))


@click.command(
    "history",
    short_help="List the promotions of champions.",
    cls=Command,
    extra="train",
    examples=["topics history --format markdown"],
)
@CONFIG
@FORMAT
def history_command(config: Path, form: str) -> None:
    """List the promotions: when, who, from which version to which, and what the gate said."""
    from pipeline.config import read_config

    settings = read_config(config)
    import json

    from pipeline.evaluation.tables import as_markdown, as_text, to_records
    from pipeline.steps.promote import as_frame, promotions
    from pipeline.tracking import Tracker

    table = as_frame(promotions(Tracker(settings.tracking, Path(settings.output))))
    if form == "json":
        click.echo(json.dumps(to_records(table), indent=2, ensure_ascii=False))
    else:
        click.echo({"table": as_text, "markdown": as_markdown}[form](table), nl=False)


@click.command(
    "rollback",
    short_help="Make the previous champion champion again.",
    cls=Command,
    extra="train",
    examples=["topics rollback"],
)
@CONFIG
def rollback_command(config: Path) -> None:
    """Make the previous champion champion again, in the tracking store and in the output directory."""
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.steps.promote import rollback

    made = rollback(settings)
    click.echo(f"version {made.after} is champion again, in place of version {made.before}")


@click.command(
    "fetch",
    short_help="Copy a registered model into a file.",
    cls=Command,
    extra="train",
    examples=["topics fetch", "topics fetch models:/news-paragraph-topics/3 --output models/third.safetensors"],
)
@click.argument("version", default="champion")
@CONFIG
@click.option(
    "--output",
    type=FilePath(),
    help="Write atomically to this file. [default: champion.safetensors in the output directory of --config]",
)
def fetch_command(version: str, config: Path, output: Path | None) -> None:
    """Copy a registered model out of MLflow into a file: VERSION is an alias or models:/NAME@ALIAS or /NUMBER."""
    from pipeline.config import read_config

    settings = read_config(config)
    import tempfile

    from pipeline.files import atomic_path
    from pipeline.model.bundle import reference_path
    from pipeline.tracking import fetch_registered, tracking_uri

    address = version if version.startswith("models:/") else f"models:/{settings.tracking.model_name}@{version}"
    file = output or Path(settings.output) / "champion.safetensors"
    with tempfile.TemporaryDirectory() as folder, atomic_path(file) as part:
        found = fetch_registered(address, Path(folder), uri=tracking_uri(Path(settings.output)))
        part.write_bytes(found.read_bytes())
        if (beside := reference_path(found)).exists():
            with atomic_path(reference_path(file)) as reference:
                reference.write_bytes(beside.read_bytes())
    click.echo(f"{file}: run {found.stem}")


@click.command(
    "statistics",
    short_help="Print statistics of the labelled data.",
    cls=Command,
    extra="train",
    examples=["topics statistics > statistics.md"],
)
@CONFIG
def statistics_command(config: Path) -> None:
    """Print statistics of the labelled data, as the Markdown tables of the data card."""
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.data.statistics import describe

    click.echo(describe(settings), nl=False)


@click.command(
    "ui",
    short_help="Open MLflow's page on the tracked runs.",
    cls=Command,
    extra="train",
    examples=["topics ui --port 5001"],
)
@CONFIG
@click.option("--port", default=5000, show_default=True, help="Port on loopback.")
def ui_command(config: Path, port: int) -> None:
    """Serve MLflow's user interface for the tracked runs, on loopback, until Ctrl-C.

    Prints the address of the training runs: MLflow itself opens on a page for other uses.
    """
    from pipeline.config import read_config
    from pipeline.tracking import serve_page

    settings = read_config(config)
    serve_page(settings.tracking, Path(settings.output), port, say=click.echo)
