"""Search: try settings by cross-validation on the train split and write the best experiment as YAML."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from pipeline.config import Config, FloatRange, SearchSettings, as_yaml, flat, overridden, read_config, read_topics
from pipeline.data import corpus
from pipeline.errors import ConfigError
from pipeline.files import atomic_path
from pipeline.schema import LabelledParagraph, Topic
from pipeline.steps.experiment import fit
from pipeline.tracking import Tracker


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
    with tracker.run(name=f"trial {number}", nested=True):
        found = fit(config, rows, topics, lambda done, total: None).found.metrics
        if settings.metric not in found:
            raise ConfigError(f"{settings.metric}: no such metric, expected one of {', '.join(found)}")
        metrics = {f"cv/{name}": estimate.value for name, estimate in found.items()}
        tracker.log(params=flat(config.model_dump(mode="json")), metrics=metrics)
    return found[settings.metric].value
