"""Measure `topics drift`: false alarms, drift that is made, estimated against true metrics, and corrected rates.

python -m bench.drift [--draws 200] [--real LABELLED.jsonl ...]

Needs a model with its reference (`topics evaluate`) and the test sets of the experiment. Prints in Markdown:

- of random halves of each test set, by whole articles, how often the second is called drifted beside the first;
- how often halves of the headline test set are that were changed on purpose;
- metrics that are estimated without labels beside the true ones, on the test sets and the files of `--real`;
- the error of each method of quantification on bags of paragraphs in which a topic has a given rate (artificial
  prevalence sampling), and how many of the intervals hold that rate.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.other_text import GERMAN, RECIPES
from pipeline.config import Config, DriftSettings, read_config, read_topics
from pipeline.data import corpus
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.drift import Sums, check_names, permutation_test, resampled
from pipeline.evaluation.estimates import Estimate, evaluate_labels
from pipeline.evaluation.performance import OVERALL, PER_TOPIC, expected_metrics
from pipeline.evaluation.quantification import METHODS, Tally, corrected_rate, quantify
from pipeline.evaluation.tables import as_markdown
from pipeline.model.bundle import Bundle, load_bundle, reference_path
from pipeline.monitoring.checks import run_checks
from pipeline.monitoring.drift_report import at_found_rates
from pipeline.monitoring.reference import Reference, learn_sample, read_reference
from pipeline.monitoring.sample import Group, by_article, observe
from pipeline.predict.article import bundle_path

Rows = Sequence[corpus.LabelledParagraph]
Change = Callable[[str, random.Random], str]
_SHOWN = (*(name for name in OVERALL if not name.startswith("macro_p") and name != "macro_recall"),)
_RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
_BAG, _BAGS, _FEWEST, _ENOUGH = 300, 40, 5, 10
_LOST = 0.1


@dataclass(frozen=True)
class Setting:
    """What is measured with what."""

    config: Config
    bundle: Bundle
    reference: Reference

    @property
    def topics(self) -> tuple[str, ...]:
        """The topic ids."""
        return self.bundle.scorer.topics


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--model", type=Path, default=Path("models"))
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--real", nargs="+", default=[], help="labelled JSON lines")
    arguments = parser.parse_args()
    config, path = read_config(arguments.config), bundle_path(arguments.model)
    bundle = load_bundle(path)
    setting = Setting(config, bundle, read_reference(reference_path(path), bundle))
    ids = [topic.id for topic in read_topics(Path(config.data.topics))]
    sets = corpus.read_split(config, ids).test
    real = {Path(name).stem: corpus.read_labelled([name], ids)[0] for name in arguments.real}
    headline = config.data.headline
    tables: dict[str, Callable[[], pd.DataFrame]] = {
        "False alarms": lambda: false_alarms(setting, sets, arguments.draws),
        "Drift that is made": lambda: made_drift(setting, sets[headline], max(arguments.draws // 4, 1)),
        "Estimated and true metrics": lambda: estimated(setting, {**sets, **real}),
        "Of topics": lambda: by_topic(setting, {**sets, **real}),
        "Mean absolute error of rates": lambda: rates(setting, {**sets, **real}),
    }
    for title, table in tables.items():
        print(f"## {title}\n\n{as_markdown(table())}", flush=True)


def groups_of(rows: Rows) -> list[Group]:
    """Return the paragraphs by article."""
    return by_article((row.article, row.text) for row in rows)


def false_alarms(setting: Setting, sets: dict[str, Rows], draws: int) -> pd.DataFrame:
    """Count draws in which any check finds drift between random halves of the articles of one set."""
    found = []
    for name, rows in sets.items():
        sample = observe(name, groups_of(rows), setting.bundle)
        sums, half = sample.sums(sample.found.edges()), len(sample.foreign) // 2
        rng, alarms, sure = np.random.default_rng(0), 0, 0
        for draw in range(draws):
            order = rng.permutation(len(sums.values))
            halves = [Sums(sums.topics, sums.values[part]) for part in (order[:half], order[half:])]
            checks = _drifted(setting, *halves, random_state=draw)
            alarms += bool(checks[0])
            sure += bool(checks[1])
        found.append([name, half, draws, alarms, f"{alarms / draws:.1%}", sure, f"{sure / draws:.1%}"])
    columns = ["test set", "articles a half", "draws", "false alarms", "share", "without limits", "their share"]
    return pd.DataFrame(found, columns=columns)


def _drifted(setting: Setting, before: Sums, after: Sums, *, random_state: int) -> tuple[list[str], list[str]]:
    """Return the checks that find drift, and those whose change is sure whatever its size."""
    p_values = permutation_test(before, after, random_state=random_state)
    drawn = [resampled(each, random_state=0, n_resamples=1) for each in (before, after)]
    limits: DriftSettings = setting.config.drift
    checks = run_checks(setting.bundle.topics, drawn[0], drawn[1], p_values, limits)
    sure = [name for name, p in zip(check_names(setting.topics), p_values, strict=True) if p <= limits.level]
    return [check.name for check in checks if check.drift], sure


def made_drift(setting: Setting, rows: Rows, draws: int) -> pd.DataFrame:
    """Count draws in which drift is found between half of the articles and the other half, changed."""
    groups = groups_of(rows)
    changes = {name: _each_text(change) for name, change in _CHANGES.items()}
    changes |= {
        "another language (German)": lambda found, chance: _instead(found, GERMAN, chance),
        "another domain (recipes)": lambda found, chance: _instead(found, RECIPES, chance),
        "half of the articles in German": _half,
    }
    for column, topic in enumerate(setting.topics):
        changes[f"{topic} twice as often"] = lambda found, chance, i=column: _doubled(setting, found, chance, i)
        changes[f"{topic} twice as often, in four times as many articles"] = lambda found, chance, i=column: (
            _doubled(setting, _drawn(found, chance, 4 * len(found)), chance, i)
        )
    found = []
    for name, change in changes.items():
        seen: list[list[str]] = []
        for draw in range(draws):
            chance = random.Random(draw)
            order = chance.sample(groups, len(groups))
            before = learn_sample(observe("before", order[: len(order) // 2], setting.bundle))
            after = observe("after", change(order[len(order) // 2 :], chance), setting.bundle)
            checks, _ = _drifted(setting, before.sums, after.sums(before.edges), random_state=draw)
            seen.append(checks)
        kinds = pd.Series([kind for checks in seen for kind in {check.partition("/")[0] for check in checks}])
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.value_counts().items())
        found.append([name, draws, f"{sum(map(bool, seen)) / draws:.0%}", told or "-"])
    return pd.DataFrame(found, columns=["change", "draws", "drift found", "by checks of"])


def _each_text(change: Change) -> Callable[[list[Group], random.Random], list[Group]]:
    return lambda groups, chance: [(name, [change(text, chance) for text in texts]) for name, texts in groups]


def _instead(groups: list[Group], sentences: Sequence[str], chance: random.Random) -> list[Group]:
    """Write articles of the same sizes out of other sentences."""
    return [(name, [" ".join(chance.choices(sentences, k=3)) for _ in texts]) for name, texts in groups]


def _half(groups: list[Group], chance: random.Random) -> list[Group]:
    middle = len(groups) // 2
    return [*groups[:middle], *_instead(groups[middle:], GERMAN, chance)]


def _drawn(groups: list[Group], chance: random.Random, count: int) -> list[Group]:
    """Draw so many articles with replacement, each under a name of its own."""
    return [(f"{name} {number}", texts) for number, (name, texts) in enumerate(chance.choices(groups, k=count))]


def _doubled(setting: Setting, groups: list[Group], chance: random.Random, column: int) -> list[Group]:
    """Add articles with a topic again until its share of the paragraphs has doubled."""
    scorer = setting.bundle.scorer
    counts = [int(scorer.labels(scorer.scores(texts))[:, column].sum()) for _, texts in groups]
    about = [i for i, count in enumerate(counts) if count]
    hits, total = sum(counts), sum(len(texts) for _, texts in groups)
    goal, more = 2 * hits / total, list(groups)
    while about and hits / total < goal and len(more) < 3 * len(groups):
        i = chance.choice(about)
        more.append((f"{groups[i][0]} again {len(more)}", groups[i][1]))
        hits, total = hits + counts[i], total + len(groups[i][1])
    return more


_CHANGES: dict[str, Change] = {
    "none": lambda text, _: text,
    "capitals": lambda text, _: text.upper(),
    "every sign outside ASCII lost": lambda text, _: text.encode("ascii", "replace").decode(),
    "UTF-8 read as Windows-1252": lambda text, _: text.encode().decode("cp1252", "replace"),
    "every tenth letter lost": lambda text, chance: "".join(
        "?" if letter.isalpha() and chance.random() < _LOST else letter for letter in text
    ),
}


def estimated(setting: Setting, sets: dict[str, Rows]) -> pd.DataFrame:
    """Lay out overall metrics: true, expected as scored, and expected at the rates found."""
    found = []
    for name, rows in sets.items():
        true, scored, revised = _metrics(setting, rows)
        for metric in _SHOWN:
            found.append([name, metric.replace("_", " "), *_cells(true[metric], scored[metric], revised[metric])])
    columns = ["text", "metric", "true", "as scored", "error", "at the rates found", "error "]
    return pd.DataFrame(found, columns=columns)


def by_topic(setting: Setting, sets: dict[str, Rows]) -> pd.DataFrame:
    """Summarize the metrics of topics that have ten paragraphs: mean absolute errors and what intervals hold."""
    found = []
    for name, rows in sets.items():
        true, scored, revised = _metrics(setting, rows)
        counts = corpus.label_matrix(rows, setting.topics).sum(0)
        topics = [topic for topic, count in zip(setting.topics, counts, strict=True) if count >= _ENOUGH]
        for metric in PER_TOPIC:
            names = [f"{topic}/{metric}" for topic in topics]
            cells: list[str] = []
            for estimates in (scored, revised):
                errors = [abs(estimates[each].value - true[each].value) for each in names]
                held = sum(estimates[each].low <= true[each].value <= estimates[each].high for each in names)
                cells += [f"{np.mean(errors):.3f}", f"{held} of {len(names)}"]
            found.append([name, metric, *cells])
    columns = ["text", "metric", "error as scored", "held", "error at the rates found", "held "]
    return pd.DataFrame(found, columns=columns)


def _cells(true: Estimate, scored: Estimate, revised: Estimate) -> list[object]:
    return [true, scored, f"{scored.value - true.value:+.3f}", revised, f"{revised.value - true.value:+.3f}"]


def _metrics(setting: Setting, rows: Rows) -> list[dict[str, Estimate]]:
    """Return the true metrics of rows, those expected as scored, and those expected at the rates found."""
    sample = observe("rows", groups_of(rows), setting.bundle)
    ordered = [row for _, same in _by_article(rows).items() for row in same]
    y_true = corpus.label_matrix(ordered, setting.topics)
    weights = article_weights([row.article for row in ordered], random_state=0)
    facts = sample.found
    true = evaluate_labels(setting.topics, y_true, facts.assigned, facts.scores, weights).metrics
    drawn = resampled(sample.sums(facts.edges()), random_state=0).expected.drawn(0)
    revised = at_found_rates(sample, setting.reference, setting.topics, random_state=0)
    expected = [expected_metrics(setting.topics, counts) for counts in (drawn, revised)]
    return [true, *({name: Estimate.of(values) for name, values in each.items()} for each in expected)]


def _by_article(rows: Rows) -> dict[str, list[corpus.LabelledParagraph]]:
    groups: dict[str, list[corpus.LabelledParagraph]] = {}
    for row in rows:
        groups.setdefault(row.article, []).append(row)
    return groups


def rates(setting: Setting, sets: dict[str, Rows]) -> pd.DataFrame:
    """Average the error of each method over topics and rates; bags are drawn with replacement."""
    found = []
    for name, rows in sets.items():
        y_true = corpus.label_matrix(rows, setting.topics)
        scores = setting.bundle.scorer.scores([row.text for row in rows])
        parts = [_bags(setting, i, y_true[:, i], scores) for i in range(len(setting.topics))]
        bags = np.array([bag for part in parts for bag in part])
        found.append([name, *(f"{error:.4f}" for error in bags[:, :-1].mean(0)), f"{bags[:, -1].mean():.0%}"])
    return pd.DataFrame(found, columns=["text", *METHODS, "ACC's intervals hold"])


def _bags(setting: Setting, column: int, has: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[list[float]]:
    """Return for each bag the error of each method, and whether ACC's interval holds the rate."""
    if has.sum() < _FEWEST:
        return []
    rng = np.random.default_rng(column)
    reference = setting.reference.errors["balanced"][setting.topics[column]]
    assigned = setting.bundle.scorer.labels(scores)[:, column]
    positive, negative = np.flatnonzero(has), np.flatnonzero(~has)
    found = []
    for rate in np.repeat(_RATES, _BAGS).tolist():
        count = round(rate * _BAG)
        bag = np.concatenate([rng.choice(positive, count), rng.choice(negative, _BAG - count)])
        own, given = scores[bag, column], assigned[bag]
        errors = [abs(float(quantify(own, given, reference, method=method)[0]) - rate) for method in METHODS]
        interval = corrected_rate(Tally.of(own, given), reference, design_effect=1.0)
        found.append([*errors, float(interval.low <= rate <= interval.high)])
    return found


if __name__ == "__main__":
    main()
