"""Commands that make and measure models: train, evaluate, learning-curve, search."""

from pathlib import Path

import click

from pipeline.cli.options import (
    CONFIG,
    FORMAT,
    SCHEDULER,
    WORKERS,
    Command,
    FilePath,
    check_workers,
    progress_bar,
    tell,
)
from pipeline.errors import GateError


@click.command(
    "train",
    short_help="Train a model, and track and register it.",
    cls=Command,
    extra="train",
    examples=["topics train --config configs/default.yaml"],
)
@CONFIG
@SCHEDULER
@WORKERS
def train_command(config: Path, scheduler: str | None, workers: int) -> None:
    """Train a model on the labelled paragraphs, track the run, and register the model as candidate."""
    from pipeline.config import read_config

    check_workers(scheduler, workers)
    settings = read_config(config)  # an error in it is reported before the slow imports
    from pipeline.steps.experiment import folds_on
    from pipeline.steps.train import train

    with folds_on(scheduler, workers), progress_bar("cross-validating and fitting") as progress:
        train(settings, name=config.stem, say=click.echo, progress=progress)


@click.command(
    "evaluate",
    short_help="Measure the candidate; champion if it passes.",
    cls=Command,
    extra="train",
    examples=["topics evaluate", "topics evaluate --data mine.jsonl --format markdown"],
)
@CONFIG
@click.option(
    "--data", multiple=True, help="Evaluate on labelled JSON lines instead of the test split, without the gate."
)
@click.option(
    "--model",
    type=FilePath(),
    help="With --data: model file or output directory. [default: the output directory of --config]",
)
@FORMAT
@click.option(
    "--output",
    type=FilePath(file_okay=False),
    help="With --data: write report.html, report.md and report.json to this directory.",
)
def evaluate_command(
    config: Path, data: tuple[str, ...], model: Path | None, form: str, output: Path | None
) -> None:
    """Evaluate the candidate on the test split, and promote it to champion if it passes the gate.

    Writes report.html, report.md, report.json and MODEL_CARD.md to the output directory of --config, and to the
    run. Exits with status 1 if the gate failed. With --data, evaluates the model in use on any labelled file
    instead, and promotes nothing.
    """
    if (model or output) and not data:
        raise click.UsageError("--model and --output need --data")
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.data.behaviour import behaviour_for
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import bundle_path
    from pipeline.report.evaluation_report import evaluate_files, write_files
    from pipeline.steps.evaluate import evaluate_candidate

    failures: list[str] = []
    if data:
        bundle = load_bundle(bundle_path(model or Path(settings.output)))
        found = evaluate_files(data, bundle, behaviour=behaviour_for(settings, bundle.scorer.topics))
        write_files(found.files() if output else {}, output or Path())
    else:
        found, failures = evaluate_candidate(settings)
    if not data:
        tell(f"report: {Path(settings.output) / found.name}.html")
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form]())
    if failures:
        raise GateError(f"gate failed, not promoted: {'; '.join(failures)}")
    if not data:
        passed = (
            "gate passed, promoted to champion" if settings.gate else "no gate configured, promoted to champion"
        )
        click.echo(passed, err=True)


@click.command(
    "learning-curve",
    short_help="Show how quality grows with the data.",
    cls=Command,
    extra="train",
    examples=["topics learning-curve --data mine.jsonl"],
)
@CONFIG
@click.option("--data", multiple=True, help="Also evaluate on these labelled JSON lines.")
def learning_curve_command(config: Path, data: tuple[str, ...]) -> None:
    """Compute a learning curve from models trained on 12, 25 and 50 % of the articles, and the candidate.

    The curve is logged to the candidate's run; the next `topics evaluate` plots it in the report.
    """
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.evaluation.tables import as_text
    from pipeline.steps.learning_curve import learning_curve

    with progress_bar("training on parts of the articles") as progress:
        table = learning_curve(settings, data, say=click.echo, progress=progress)
    click.echo(as_text(table))


@click.command(
    "search",
    short_help="Search settings by cross-validation.",
    cls=Command,
    extra="train",
    examples=["topics search --output configs/mine.yaml"],
)
@click.option(
    "--config",
    type=FilePath(),
    default=Path("configs/search.yaml"),
    show_default=True,
    help="The YAML file of the search.",
)
@click.option(
    "--output",
    type=FilePath(),
    default=Path("models/best.yaml"),
    show_default=True,
    help="Write the best experiment to this file.",
)
@SCHEDULER
@WORKERS
def search_command(config: Path, output: Path, scheduler: str | None, workers: int) -> None:
    """Search an experiment's settings by cross-validation; rerun to resume."""
    from pipeline.config import read_search

    check_workers(scheduler, workers)
    settings = read_search(config)
    from pipeline.files import refuse_overwriting
    from pipeline.steps.experiment import folds_on
    from pipeline.steps.search import search

    refuse_overwriting(output, (config, settings.base))
    with folds_on(scheduler, workers), progress_bar("searching") as progress:
        best = search(settings, output, progress=progress)
    click.echo(best)
