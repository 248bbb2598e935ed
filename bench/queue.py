"""Measure what the queue brings against labelling at random: `python -m bench.queue [--real FILE ...]`.

A simulation in which the labels are known already. A few articles of the training rows are labelled, the other
rows are the pool. Again and again a batch of the pool is chosen, labelled and added, and the model is trained
anew and measured on the test sets. Batches are chosen by `topics queue` as it is (with its share at random), by
plain uncertainty (the rows closest to any topic's threshold), or at random. With `--none-share` topical rows are
taken out of the pool until so many of it have no topic: the shipped rows are about half topical, a day's news is
not.

With `--real`, the model starts from all training rows instead, and the pool is labelled text of yours: it is
dealt to folds by article, a fold is measured while the others are the pool, and the metrics are those of all
folds together.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.model_selection import GroupKFold

from pipeline.config import Config, read_config, read_topics
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix, text_digests
from pipeline.data.split import join_near_duplicates, near_duplicates
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.metrics import compute_metrics
from pipeline.evaluation.tables import as_markdown
from pipeline.labelling.pool import make_queue
from pipeline.labelling.queue import uncertainty
from pipeline.labelling.task import Task
from pipeline.model.bundle import Bundle
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph
from pipeline.steps.experiment import classifier

Rows = list[LabelledParagraph]
Floats = NDArray[np.float64]
RANDOM, UNCERTAINTY, QUEUE = "at random", "uncertainty", "queue"
METRICS = ("macro_f1", "micro_f1", "none_recall", "macro_average_precision")
RANDOM_SHARE = 0.2
FEWEST = 2  # rows of each topic to start with


def main() -> None:
    """Print a table in Markdown for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--first", type=int, default=200, help="rows that are labelled at the start")
    parser.add_argument("--none-share", type=float, help="share of the pool's rows without a topic")
    parser.add_argument(
        "--real", nargs="+", help="labelled JSON lines: start from all training rows, add of these"
    )
    parser.add_argument("--folds", type=int, default=3, help="of --real")
    arguments = parser.parse_args()
    simulation = Simulation(read_config(arguments.config), arguments.batch, arguments.batches)
    if arguments.real:
        rows = corpus.labelled(corpus.read(arguments.real, simulation.ids, unique=False))
        tables = {"real text": on_real_text(simulation, rows, arguments.seeds, arguments.folds)}
    else:
        tables = on_the_corpus(simulation, arguments.seeds, arguments.first, arguments.none_share)
    for name, table in tables.items():
        print(f"\n{name}, {arguments.seeds} seeds\n\n{as_markdown(table)}", flush=True)


class Simulation:
    """Rows with labels that are shown to the model batch by batch."""

    def __init__(self, config: Config, batch: int, batches: int) -> None:
        self.config, self.batch, self.batches = config, batch, batches
        self.topics = read_topics(Path(config.data.topics))
        self.ids = [topic.id for topic in self.topics]
        self.split = corpus.read_split(config, self.ids)

    def trained(self, rows: Rows) -> Scorer:
        """Train on rows as `topics train` does, but for what is measured out of fold."""
        y_true = label_matrix(rows, self.ids)
        pairs = near_duplicates([row.text for row in rows], similarity=self.config.split.near_duplicate or 0.5)
        names = [row.writer or row.article for row in rows]
        if len(set(names)) < self.config.split.cv:
            names = [row.article for row in rows]
        groups = join_near_duplicates(names, pairs)
        return classifier(self.config).fit([row.text for row in rows], y_true, groups).scorer(self.ids)

    def curve(self, start: Rows, pool: Rows, choose: "Chooser", *, seed: int, scorer: Scorer) -> list[Scorer]:
        """Add batch after batch of the pool; return the model after each, the first one as it is given."""
        labelled, left, scorers = list(start), list(pool), [scorer]
        for number in range(self.batches):
            chosen = choose(self, scorers[-1], labelled, left, seed=1000 * seed + number)
            labelled += [left[place] for place in chosen]
            taken = set(chosen)
            left = [row for place, row in enumerate(left) if place not in taken]
            scorers.append(self.trained(labelled))
        return scorers


Chooser = Callable[..., list[int]]


def by_queue(simulation: Simulation, scorer: Scorer, labelled: Rows, left: Rows, *, seed: int) -> list[int]:
    """Choose as `topics queue` does, with all rows that are labelled as `--seen`."""
    texts = [row.text for row in labelled]
    trained_on = np.unique(text_digests(texts))
    found = make_queue(
        (Task(row.text, paragraph=place) for place, row in enumerate(left)),
        Bundle(scorer, simulation.topics, trained_on, {}),
        size=simulation.batch,
        random_share=RANDOM_SHARE,
        random_state=seed,
        seen=lambda: texts,
    )
    return [task.paragraph for task in found.tasks]


def by_uncertainty(simulation: Simulation, scorer: Scorer, labelled: Rows, left: Rows, *, seed: int) -> list[int]:
    """Choose the rows whose score is closest to the threshold of any topic."""
    uncertain = uncertainty(scorer.scores([row.text for row in left]), scorer.thresholds).max(1)
    return np.argsort(-uncertain, kind="stable")[: simulation.batch].tolist()


def at_random(simulation: Simulation, scorer: Scorer, labelled: Rows, left: Rows, *, seed: int) -> list[int]:
    """Choose evenly."""
    size = min(simulation.batch, len(left))
    return np.random.default_rng(seed).choice(len(left), size, replace=False).tolist()


CHOOSERS: Mapping[str, Chooser] = {RANDOM: at_random, UNCERTAINTY: by_uncertainty, QUEUE: by_queue}


def on_the_corpus(
    simulation: Simulation, seeds: int, first: int, none_share: float | None
) -> dict[str, pd.DataFrame]:
    """Start from a few articles of the training rows, and measure on the test sets: a table a set."""
    measured: dict[str, dict[str, list[list[dict[str, float]]]]] = {
        name: {chooser: [] for chooser in CHOOSERS} for name in simulation.split.test
    }
    labels: list[int] = []
    for seed in range(seeds):
        start, pool = started(simulation, first, none_share, seed=seed)
        scorer = simulation.trained(start)
        labels.append(len(start))
        for chooser, choose in CHOOSERS.items():
            scorers = simulation.curve(start, pool, choose, seed=seed, scorer=scorer)
            for name, rows in simulation.split.test.items():
                points = [point(metrics(simulation, rows, *predicted(one, rows))) for one in scorers]
                measured[name][chooser].append(points)
    about = [f"{np.mean(labels) + number * simulation.batch:,.0f}" for number in range(simulation.batches + 1)]
    return {name: _table(found, about) for name, found in measured.items()}


def started(simulation: Simulation, first: int, none_share: float | None, *, seed: int) -> tuple[Rows, Rows]:
    """Draw whole articles to start with, until each topic has rows, and return them and the pool."""
    generator = np.random.default_rng(seed)
    rows = simulation.split.train
    articles = generator.permutation(sorted({row.article for row in rows})).tolist()
    start: Rows = []
    while len(start) < first or label_matrix(start, simulation.ids).sum(0).min() < FEWEST:
        article = articles.pop()
        start += [row for row in rows if row.article == article]
    names = {row.article for row in start}
    pool = [row for row in rows if row.article not in names]
    if none_share is None:
        return start, pool
    topical = [place for place, row in enumerate(pool) if row.topics]
    kept = round((len(pool) - len(topical)) * (1 - none_share) / none_share)
    drawn = set(generator.choice(topical, min(kept, len(topical)), replace=False).tolist())
    return start, [row for place, row in enumerate(pool) if not row.topics or place in drawn]


def _table(found: Mapping[str, list[list[dict[str, float]]]], labels: Sequence[str]) -> pd.DataFrame:
    """Compare what was measured by way of choosing, seed and number of labels."""
    rows = []
    for metric in METRICS:
        values = {name: np.array([[one[metric] for one in curve] for curve in found[name]]) for name in CHOOSERS}
        for number, label in enumerate(labels):
            means = [f"{values[name][:, number].mean():.3f}" for name in CHOOSERS]
            gains = [_gain(values[name][:, number] - values[RANDOM][:, number]) for name in (UNCERTAINTY, QUEUE)]
            rows.append([metric.replace("_", " "), label, *means, *(gains if number else ("", ""))])
    return pd.DataFrame(rows, columns=["metric", "labels", *CHOOSERS, *_GAINS])


_GAINS = (f"{UNCERTAINTY} - random", f"{QUEUE} - random")


def _gain(differences: Floats) -> str:
    """Write a mean and its 95 % interval over the seeds, by Student's t."""
    n = len(differences)
    half = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return f"{differences.mean():+.3f} ± {half:.3f}"


def on_real_text(simulation: Simulation, rows: Rows, seeds: int, folds: int) -> pd.DataFrame:
    """Start from all training rows, add of real rows, and measure on those of the other folds.

    The intervals are percentiles of the bootstrap over articles, of the mean over the seeds.
    """
    articles = [row.article for row in rows]
    groups = join_near_duplicates(articles, near_duplicates([row.text for row in rows], similarity=0.5))
    weights = article_weights(groups, random_state=0)
    base = simulation.trained(simulation.split.train)
    found: dict[str, list[list[dict[str, Floats]]]] = {name: [] for name in CHOOSERS}
    for seed in range(seeds):
        y_score = {name: np.zeros((simulation.batches + 1, len(rows), len(simulation.ids))) for name in CHOOSERS}
        y_pred = {name: np.zeros(y_score[name].shape, bool) for name in CHOOSERS}
        splitter = GroupKFold(folds, shuffle=True, random_state=seed)
        for others, fold in splitter.split(rows, None, groups):
            pool, held_out = [rows[i] for i in others], [rows[i] for i in fold]
            for name, choose in CHOOSERS.items():
                scorers = simulation.curve(simulation.split.train, pool, choose, seed=seed, scorer=base)
                for number, scorer in enumerate(scorers):
                    y_score[name][number, fold], y_pred[name][number, fold] = predicted(scorer, held_out)
        for name in CHOOSERS:
            pairs = zip(y_score[name], y_pred[name], strict=True)
            found[name].append([metrics(simulation, rows, *pair, weights) for pair in pairs])
    return _real_table(found, simulation.batch)


def _real_table(found: Mapping[str, list[list[dict[str, Floats]]]], batch: int) -> pd.DataFrame:
    rows = []
    for metric in METRICS:
        means = {
            name: np.mean([[point[metric] for point in curve] for curve in found[name]], axis=0)
            for name in CHOOSERS
        }
        for number in range(len(means[RANDOM])):
            values = [f"{means[name][number, 0]:.3f}" for name in CHOOSERS]
            gains = [_bootstrapped(means[name][number] - means[RANDOM][number]) for name in (UNCERTAINTY, QUEUE)]
            gains.append(_bootstrapped(means[QUEUE][number] - means[QUEUE][0]))
            cells = gains if number else ("", "", "")
            rows.append([metric.replace("_", " "), f"+{number * batch}", *values, *cells])
    return pd.DataFrame(rows, columns=["metric", "real labels", *CHOOSERS, *_GAINS, f"{QUEUE} - none"])


def _bootstrapped(differences: Floats) -> str:
    estimate = Estimate.of(differences)
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def predicted(scorer: Scorer, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
    """Return scores and labels of n rows, [n, k] each."""
    y_score = scorer.scores([row.text for row in rows])
    return y_score, scorer.labels(y_score)


def metrics(
    simulation: Simulation, rows: Rows, y_score: Floats, y_pred: NDArray[np.bool_], weights: Floats | None = None
) -> dict[str, Floats]:
    """Compute the metrics of a table, under each weighting."""
    found = compute_metrics(simulation.ids, label_matrix(rows, simulation.ids), y_pred, y_score, weights)
    return {name: found[name] for name in METRICS}


def point(found: Mapping[str, Floats]) -> dict[str, float]:
    """Return the metrics of the rows as they are."""
    return {name: float(values[0]) for name, values in found.items()}


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
