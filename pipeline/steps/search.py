"""Search: try settings by cross-validation on the train split and write the best experiment as YAML."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from pipeline.config import Config, FloatRange, SearchSettings, as_yaml, flat, overridden, read_config, read_topics
from pipeline.data import corpus
from pipeline.errors import ConfigError, OutputError
from pipeline.files import atomic_path
from pipeline.schema import LabelledParagraph, Topic
from pipeline.steps.check import check_metric
from pipeline.steps.experiment import fit
from pipeline.tracking import Tracker

_FIXED = ("data", "gate", "tracking", "output")


def search(settings: SearchSettings, output: Path, *, progress: Callable[[int, int], None]) -> str:
    """Run the trials that are still missing, each a child run, and write the best experiment.

    Trials are proposed by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) and kept in SQLite
    below the base experiment's output folder, so that an interrupted search can be resumed. Only training rows
    are judged: the metric is cross-validated.

    Parameters
    ----------
    settings : SearchSettings
    output : Path
        Where the best experiment goes, as YAML.
    progress : callable
        Takes trials done and trials in all.

    Returns
    -------
    str
        The best trial in one line.

    Raises
    ------
    ConfigError
        For a setting, value or metric that there is not.
    DataError, TrackingError, OutputError

    """
    base = read_config(Path(settings.base))
    topics = read_topics(Path(base.data.topics))
    check_metric("metric", settings.metric, [topic.id for topic in topics])
    _check_space(base, settings)
    if output.is_dir():
        raise OutputError(f"{output}: is a folder, expected a file to write the best experiment to")
    rows = corpus.read_split(base, [topic.id for topic in topics]).train
    tracker = Tracker(base.tracking, Path(base.output))
    study = _study(settings, Path(base.output), corpus.fingerprint(rows))
    with tracker.run(name=f"search {settings.name}"):
        for number in range(_done(study), settings.trials):
            progress(number, settings.trials)
            trial = study.ask()
            config = overridden(
                base, {key: _suggest(trial, key, values) for key, values in settings.space.items()}
            )
            study.tell(trial, _try(tracker, settings, config, rows, topics, number=trial.number))
    best = overridden(base, study.best_params)
    with atomic_path(output) as part:
        part.write_text(as_yaml(best), encoding="utf-8")
    return (
        f"{output}: trial {study.best_trial.number}, {settings.metric} {study.best_value:.4f}, {study.best_params}"
    )


def _check_space(base: Config, settings: SearchSettings) -> None:
    """Raise ConfigError for a value that a trial could not have, before the first trial."""
    for key, values in settings.space.items():
        if key.partition(".")[0] in _FIXED:
            raise ConfigError(f"space: {key}: trials differ in how they train only, not in data, gate or place")
        if isinstance(values, FloatRange) and not (0 if values.log else -math.inf) < values.low <= values.high:
            raise ConfigError(f"space: {key}: expected low <= high, and low above 0 where log is true")
        if not isinstance(values, FloatRange) and not values:
            raise ConfigError(f"space: {key}: expected at least one value")
        for value in (values.low, values.high) if isinstance(values, FloatRange) else values:
            overridden(base, {key: value})


def _study(settings: SearchSettings, folder: Path, data: str) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=f"{settings.name}-{data[:12]}",
        storage=f"sqlite:///{(folder / 'search.db').resolve()}",
        sampler=optuna.samplers.TPESampler(seed=settings.random_state),
        direction="maximize",
        load_if_exists=True,
    )


def _done(study: optuna.Study) -> int:
    return len(study.get_trials(states=(optuna.trial.TrialState.COMPLETE,)))


def _suggest(trial: optuna.Trial, key: str, values: FloatRange | list[Any]) -> Any:
    if isinstance(values, FloatRange):
        return trial.suggest_float(key, values.low, values.high, log=values.log)
    return trial.suggest_categorical(key, values)


def _try(
    tracker: Tracker,
    settings: SearchSettings,
    config: Config,
    rows: list[LabelledParagraph],
    topics: tuple[Topic, ...],
    *,
    number: int,
) -> float:
    params = flat(config.model_dump(mode="json"))
    tried = ", ".join(
        f"{key.rpartition('.')[2]} {params[key]:.8}" for key in sorted(settings.space) if key in params
    )
    with tracker.run(name=f"trial {number}: {tried}", nested=True):
        found = fit(config, rows, topics, lambda done, total: None).found.metrics
        if math.isnan(found[settings.metric].value):
            raise ConfigError(f"metric: {settings.metric} is undefined on the training rows; choose another")
        metrics = {f"cv/{name}": estimate.value for name, estimate in found.items()}
        tracker.log(params=params, metrics=metrics)
    return found[settings.metric].value
