"""The command that compares new text with a reference: `topics drift`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.options import MODEL, Command, FilePath, fetched, tell
from pipeline.cli.predict import ENCODING, SHEET, TEXT_COLUMN
from pipeline.errors import SourceError

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.model.bundle import Bundle
    from pipeline.monitoring.grouping import TableOptions
    from pipeline.monitoring.reference import Reference
    from pipeline.monitoring.sample import Sample

_DRIFT = 3
_CONFIG = Path("configs/default.yaml")


@click.command(
    "drift",
    short_help="Test whether the news has changed.",
    cls=Command,
    extra="train",
    examples=[
        "topics drift 'news/today/*.html'",
        "topics drift rows.csv --text-column body --article-column url --format json",
        "topics drift today.jsonl --reference yesterday.jsonl --format html --output drift.html",
        "topics drift today.jsonl --reference champion",
    ],
)
@click.argument("sources", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "--reference",
    help="A run (id, alias or models:/NAME@ALIAS), whose model is used then; a reference file; or text. "
    "[default: the reference beside --model]",
)
@MODEL
@click.option(
    "--config",
    type=FilePath(),
    help="The experiment's YAML file, for its limits. [default: configs/default.yaml, if present]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "html"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("--output", type=FilePath(output=True), help="Write atomically to this file.")
@TEXT_COLUMN
@click.option(
    "--article-column", help="Column of a table that names the article of a row. [default: article, if present]"
)
@ENCODING
@SHEET
def drift_command(**options: Any) -> None:
    """Compare the text of SOURCES with a reference, without labels: rates, scores, words, expected metrics.

    SOURCES are files, folders, patterns, or - for standard input: articles or tables, as for `topics predict`.
    The limits are those of `drift` in --config. Exits with status 3 where a change is beyond its limit and chance
    does not explain it, and with 1 where a source cannot be read.
    """
    request = Request(**options)
    from pipeline.config import DriftSettings

    settings = _settings(request.config)
    limits, random_state = (settings.drift, settings.random_state) if settings else (DriftSettings(), 0)
    from pipeline.files import refuse_overwriting
    from pipeline.monitoring.drift_report import compare_with_reference

    refuse_overwriting(request.output, request.sources)
    refused: list[SourceError] = []
    bundle, reference = _known(request, settings, refused.append)
    sample = _observed(request, request.sources, bundle, refused.append)
    report = compare_with_reference(sample, reference, bundle, limits, random_state=random_state)
    _write(
        {"table": report.as_text, "json": report.as_json, "html": report.as_html}[request.form](), request.output
    )
    for error in refused:
        tell(f"error: {error}")
    if report.drift:
        tell(report.verdict)
        raise click.exceptions.Exit(_DRIFT)
    if refused:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True)
class Request:
    """The arguments and options of `topics drift`."""

    sources: tuple[str, ...]
    reference: str | None
    model: Path
    config: Path | None
    form: str
    output: Path | None
    text_column: str | None
    article_column: str | None
    encoding: str | None
    sheet: str | None

    @property
    def table(self) -> "TableOptions":
        """How tables are read."""
        from pipeline.monitoring.grouping import TableOptions

        return TableOptions(self.text_column, self.article_column, self.encoding, self.sheet)


def _settings(path: Path | None) -> "Config | None":
    """Read the experiment; None where none is named, and this is no folder of an experiment."""
    from pipeline.config import read_config

    return read_config(path or _CONFIG) if path or _CONFIG.exists() else None


def _known(
    request: Request, settings: "Config | None", complain: Callable[[SourceError], None]
) -> tuple["Bundle", "Reference"]:
    """Return the model and the reference that it is compared with."""
    from pipeline.model.bundle import load_bundle, reference_path
    from pipeline.monitoring.reference import is_reference, read_reference
    from pipeline.predict.article import DEFAULT_POINT, at_point, bundle_path

    model, named = bundle_path(request.model), request.reference
    if named is None:
        bundle = at_point(load_bundle(model), DEFAULT_POINT)
        return bundle, _complete(read_reference(reference_path(model), bundle), str(reference_path(model)))
    if named.startswith("models:/"):
        model = fetched(named)
    elif _is_run(named):
        if settings is None:
            raise click.UsageError("a run as --reference needs the --config of its experiment")
        return _of_run(named, settings)
    bundle = at_point(load_bundle(model), DEFAULT_POINT)
    if named.startswith("models:/") or is_reference(Path(named)):
        path = reference_path(model) if named.startswith("models:/") else Path(named)
        return bundle, _complete(read_reference(path, bundle), named)
    return bundle, _of_text(request, named, model, bundle, complain)


def _is_run(named: str) -> bool:
    """Tell a run from a source: runs have no folders, endings or patterns in their names."""
    return named.isalnum() and not Path(named).exists()


def _of_run(run: str, settings: "Config") -> tuple["Bundle", "Reference"]:
    import tempfile

    from pipeline.errors import BundleError
    from pipeline.model.bundle import load_bundle
    from pipeline.monitoring.reference import parse_reference
    from pipeline.predict.article import DEFAULT_POINT, at_point
    from pipeline.tracking import REFERENCE, Tracker

    tracker = Tracker(settings.tracking, Path(settings.output))
    found = tracker.find(run)
    run_id = found.run_id if found else run
    with tempfile.TemporaryDirectory() as folder:
        bundle = load_bundle(tracker.fetch_bundle(run_id, Path(folder)), mapped=False)
    text = tracker.read_text(run_id, REFERENCE)
    if text is None:
        raise BundleError(f"run {run_id}: has no reference; run `topics evaluate`")
    return at_point(bundle, DEFAULT_POINT), _complete(parse_reference(text, f"run {run_id}"), f"run {run_id}")


def _complete(reference: "Reference", where: str) -> "Reference":
    from pipeline.errors import BundleError

    if reference.sample is None:
        raise BundleError(f"{where}: the reference has no sample of text yet; run `topics evaluate`")
    return reference


def _of_text(
    request: Request, named: str, model: Path, bundle: "Bundle", complain: Callable[[SourceError], None]
) -> "Reference":
    """Make a reference of text; what is known of the model's errors is taken from beside it, where it is there."""
    from pipeline.model.bundle import reference_path
    from pipeline.monitoring.reference import Reference, learn_sample, read_reference

    beside = reference_path(model)
    errors = read_reference(beside, bundle).errors if beside.exists() else {}
    sample = learn_sample(_observed(request, (named,), bundle, complain))
    return Reference(bundle.about.get("run_id", "unknown"), bundle.scorer.topics, errors, sample)


def _observed(
    request: Request, sources: tuple[str, ...], bundle: "Bundle", complain: Callable[[SourceError], None]
) -> "Sample":
    from pipeline.monitoring.grouping import read_groups
    from pipeline.monitoring.sample import observe

    refused: list[SourceError] = []
    groups = read_groups(sources, request.table, complain=refused.append, note=lambda said: tell(f"note: {said}"))
    name = sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"
    try:
        sample = observe(name, groups, bundle)
    except ValueError:
        raise refused[0] if refused else SourceError(f"{name}: no paragraphs") from None
    for error in refused:
        complain(error)
    return sample


def _write(content: str, output: Path | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    from pipeline.files import atomic_file

    with atomic_file(output) as file:
        file.write(content.encode())
