"""Commands that make models: train, evaluate, curve, search."""

from pathlib import Path

import click

from pipeline.cli.options import CONFIG, FORMAT, progress_bar
from pipeline.errors import GateError


@click.command("train")
@CONFIG
def train_command(config: Path) -> None:
    """Train on the labelled paragraphs, track the run, and register the model as candidate.

    Example: topics train --config configs/default.yaml
    """
    from pipeline.config import read_config

    settings = read_config(config)  # a slip in it is told before the large imports
    from pipeline.train import train

    with progress_bar("cross-validating and fitting") as progress:
        train(settings, say=click.echo, progress=progress)


@click.command("evaluate")
@CONFIG
@click.option(
    "--data", "data", multiple=True, help="Labelled JSON lines to measure on, not the test side; no gate."
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="With --data: a bundle file or output folder (default: the config's output folder).",
)
@FORMAT
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --data: a folder to write report.html, report.md and report.json to.",
)
def evaluate_command(
    config: Path, data: tuple[str, ...], model: Path | None, form: str, output: Path | None
) -> None:
    """Score the candidate on the test side; make it champion if it passes the gate, else exit 1.

    Writes report.html, report.md, report.json and MODEL_CARD.md to the config's output folder and to the run.
    With --data, score the model in use on any labelled file instead, and move nothing.

    Example: topics evaluate --data mine.jsonl --format markdown
    """
    if (model or output) and not data:
        raise click.UsageError(
            "--model and --output go with --data; the test side is for the registered candidate"
        )
    from pipeline.config import read_config

    settings = read_config(config)
    from pipeline.data.behaviour import behaviour_for
    from pipeline.evaluate import evaluate_candidate
    from pipeline.model.bundle import load_bundle
    from pipeline.predict.article import bundle_path
    from pipeline.report.evaluation_report import evaluate_files, write_files

    failures: list[str] = []
    if data:
        bundle = load_bundle(bundle_path(model or Path(settings.output)))
        found = evaluate_files(data, bundle, behaviour=behaviour_for(settings, bundle.scorer.topics))
        write_files(found.files() if output else {}, output or Path())
    else:
        found, failures = evaluate_candidate(settings)
    if not data:
        click.echo(f"report: {Path(settings.output) / 'report.html'}", err=True)
    click.echo({"table": found.as_text, "json": found.as_json, "markdown": found.as_markdown}[form]())
    if failures:
        raise GateError(f"the candidate stays candidate: {'; '.join(failures)}")
    if not data:
        click.echo("gate passed: the candidate is champion now", err=True)


@click.command("curve")
@CONFIG
@click.option("--data", "data", multiple=True, help="Labelled JSON lines to measure on beside the test side.")
def curve_command(config: Path, data: tuple[str, ...]) -> None:
    """Measure what more data would bring: train on 12, 25 and 50 % of the articles beside the candidate's 100 %.

    The curve is logged to the candidate's run, and the next `topics evaluate` draws it into the report.

    Example: topics curve --data mine.jsonl
    """
    from pipeline.config import read_config
    from pipeline.evaluation.tables import as_text
    from pipeline.learning_curve import learning_curve

    with progress_bar("training on shares of the articles") as progress:
        table = learning_curve(read_config(config), data, say=click.echo, progress=progress)
    click.echo(as_text(table))


@click.command("search")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("configs/search.yaml"),
    show_default=True,
    help="What to search, as YAML.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("models/best.yaml"),
    show_default=True,
    help="Where the best experiment goes.",
)
def search_command(config: Path, output: Path) -> None:
    """Search the settings of an experiment by cross-validation; start it again to resume.

    Example: topics search --config configs/search.yaml --output configs/mine.yaml
    """
    from pipeline.config import read_search
    from pipeline.search import search

    with progress_bar("searching") as progress:
        best = search(read_search(config), output, progress=progress)
    click.echo(best)
