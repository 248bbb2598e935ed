"""Compare new text with a reference: what changed, whether it is drift, and what metrics are to be expected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.config import DriftSettings
from pipeline.evaluation.drift import Sums, article_sums, permutation_test, resampled
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.performance import OVERALL, PER_TOPIC, Expected, expected_metrics
from pipeline.evaluation.quantification import Tally, corrected_rate, quantify, revised_scores
from pipeline.evaluation.tables import as_text, to_records
from pipeline.model.bundle import Bundle
from pipeline.monitoring.checks import Check, rate, run_checks
from pipeline.monitoring.reference import NONE, Reference, ReferenceSample
from pipeline.monitoring.sample import Sample
from pipeline.monitoring.vocabulary_change import changed_words, new_words
from pipeline.predict.article import DEFAULT_POINT
from pipeline.predict.language import available
from pipeline.report.document import Section, html
from pipeline.text.display import printable

_FEW = 20  # articles, of which hardly any change is sure
_EXPECTED_TEXT = (
    "From calibrated scores, without labels. `as scored` takes the scores for probabilities as they are; "
    "`at the rates found` revises them for the rate of each topic in this text (EMQ), which helps where that rate "
    "is another than the calibration's, and the text is otherwise alike."
)


@dataclass(frozen=True)
class DriftReport:
    """Everything that is known of new text beside a reference.

    Parameters
    ----------
    title : str
        Which samples are compared, and their sizes.
    checks : tuple of Check
    rates, expected, new_words, changed_words : DataFrame
    notes : tuple of str
        What to bear in mind.

    """

    title: str
    checks: tuple[Check, ...]
    rates: pd.DataFrame
    expected: pd.DataFrame
    new_words: pd.DataFrame
    changed_words: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def drift(self) -> list[Check]:
        """The checks that found drift."""
        return [check for check in self.checks if check.drift]

    @property
    def verdict(self) -> str:
        """The result in one line."""
        if not self.drift:
            return "no drift"
        return f"drift: {', '.join(check.title for check in self.drift)}"

    def as_text(self) -> str:
        """Write the report as aligned tables."""
        parts = [f"{self.title}\n", *(f"note: {note}\n" for note in self.notes)]
        parts += [f"{section.title}\n{as_text(table)}" for section in self._sections() for table in section.tables]
        return printable("\n".join([*parts, f"{self.verdict}\n"]))

    def as_json(self) -> str:
        """Write the report as JSON."""
        content = {
            "title": self.title,
            "drift": bool(self.drift),
            "checks": [check.to_dict() for check in self.checks],
            "rates": to_records(self.rates),
            "expected": to_records(self.expected),
            "new_words": to_records(self.new_words),
            "changed_words": to_records(self.changed_words),
            "notes": list(self.notes),
        }
        return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n"

    def as_html(self) -> str:
        """Write the report as one page."""
        return html(f"Drift: {self.title}", self._sections(), lead=" · ".join([self.verdict, *self.notes]))

    def _sections(self) -> list[Section]:
        return [
            Section(
                "checks",
                "Checks",
                "Drift is a change that is beyond its limit and that chance does not explain.",
                tables=(_check_table(self.checks),),
            ),
            Section("rates", "Rates", "Corrected for the model's own errors (ACC).", tables=(self.rates,)),
            Section("expected", "Expected metrics", _EXPECTED_TEXT, tables=(self.expected,)),
            Section("new-words", "New words", "Out of the vocabulary.", tables=(self.new_words,)),
            Section("words", "Words whose rate changed most", tables=(self.changed_words,)),
        ]


def compare_with_reference(
    sample: Sample, reference: Reference, bundle: Bundle, settings: DriftSettings, *, random_state: int
) -> DriftReport:
    """Compare new text with the reference of the model that observed it.

    Parameters
    ----------
    sample : Sample
    reference : Reference
        It has a sample.
    bundle : Bundle
    settings : DriftSettings
        The limits.
    random_state : int
        Seeds permutations and resamples.

    Returns
    -------
    DriftReport

    """
    before = reference.sample
    if before is None:
        raise ValueError("the reference has no sample")
    sums = sample.sums(before.edges)
    p_values = permutation_test(before.sums, sums, random_state=random_state)
    first, second = (resampled(each, random_state=random_state) for each in (before.sums, sums))
    checks = run_checks(bundle.topics, first, second, p_values, settings)
    if not (available() and bundle.languages):
        checks = [check for check in checks if check.name != "language"]
    return DriftReport(
        f"{sample.source} ({_size(sums)}) beside {before.source} ({_size(before.sums)})",
        tuple(checks),
        _rates(reference, bundle, first, second),
        _expected(sample, reference, bundle, first, second, random_state=random_state),
        new_words(sample, bundle.scorer),
        changed_words(sample, before, bundle.scorer),
        _notes(sums, before),
    )


def _rates(reference: Reference, bundle: Bundle, before: Sums, after: Sums) -> pd.DataFrame:
    errors = reference.errors.get(DEFAULT_POINT, {})
    rows: list[list[object]] = []
    titles = [*(topic.title for topic in bundle.topics), NONE]
    for column, (topic, title) in enumerate(zip((*bundle.scorer.topics, NONE), titles, strict=True)):
        rates = [Estimate.of(rate(sums, column)) for sums in (before, after)]
        tally = Tally(int(after["paragraphs"][0]), int(after["assigned"][0, column]))
        effect = _design_effect(rate(after, column), tally.n)
        corrected = corrected_rate(tally, errors[topic], design_effect=effect) if topic in errors else "-"
        rows.append([title, tally.assigned, *rates, corrected])
    columns = ["topic", "assigned", "rate in the reference", "rate", "corrected rate"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _design_effect(rates: NDArray[np.float64], n: int) -> float:
    """Return how many times the variance of resampled rates exceeds that of single paragraphs; at least 1."""
    independent = float(rates[0] * (1 - rates[0])) / n
    return max(1.0, float(rates[1:].var()) / independent) if independent else 1.0


def _expected(
    sample: Sample, reference: Reference, bundle: Bundle, before: Sums, after: Sums, *, random_state: int
) -> pd.DataFrame:
    topics = bundle.scorer.topics
    drawn = [before.expected.drawn(random_state), after.expected.drawn(random_state + 1)]
    drawn.append(at_found_rates(sample, reference, topics, random_state=random_state + 2))
    metrics = [expected_metrics(topics, counts) for counts in drawn]
    names = [*OVERALL, *(f"{topic}/{name}" for topic in topics for name in PER_TOPIC)]
    rows = [[_spoken(name), *(Estimate.of(found[name]) for found in metrics)] for name in names]
    columns = ["metric", "reference, as scored", "as scored", "at the rates found"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def at_found_rates(
    sample: Sample, reference: Reference, topics: Sequence[str], *, random_state: int, n_resamples: int = 1000
) -> Expected:
    """Return expected counts by scores that are revised for the rates of the topics in a sample.

    Parameters
    ----------
    sample : Sample
    reference : Reference
        Its errors know for which rates the scores are calibrated; a topic that they do not know stays as it is.
    topics : sequence of str
    random_state : int
    n_resamples : int, default 1000

    Returns
    -------
    Expected
        Of 1 + n_resamples resamples of the articles, with the rates as found in the sample.

    """
    found, errors = sample.found, reference.errors.get(DEFAULT_POINT, {})
    scores = found.scores.copy()
    for column, topic in enumerate(topics):
        if topic in errors:
            own = scores[:, column]
            (rate,) = quantify(own, found.assigned[:, column], errors[topic], method="EMQ")
            scores[:, column] = revised_scores(own, errors[topic].prior, float(rate))
    revised = replace(found, scores=scores)
    sums = article_sums(revised, sample.articles, sample.foreign, revised.edges())
    return resampled(sums, random_state=random_state, n_resamples=n_resamples).expected.drawn(random_state)


def _notes(sums: Sums, before: ReferenceSample) -> tuple[str, ...]:
    found = []
    if len(sums.values) < _FEW:
        found.append(f"{len(sums.values)} articles are few: only great changes can be told from chance")
    per_article = [float(each["paragraphs"].mean()) for each in (sums, before.sums)]
    if per_article[0] == 1.0 < per_article[1]:
        found.append(
            "each row stands alone, while the reference has whole articles: name the column of articles with "
            "--article-column where there is one"
        )
    return tuple(found)


def _size(sums: Sums) -> str:
    return f"{int(sums['paragraphs'].sum()):,} paragraphs of {len(sums.values):,} articles"


def _check_table(checks: Sequence[Check]) -> pd.DataFrame:
    rows = [
        [
            check.title,
            check.reference,
            check.new,
            f"{check.change:.3f}",
            f"{check.limit:g}",
            f"{check.p_value:.3f}",
            "DRIFT" if check.drift else "-",
        ]
        for check in checks
    ]
    columns = ["check", "reference", "new", "change", "limit", "p, adjusted", "verdict"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _spoken(name: str) -> str:
    return name.replace("_", " ") if "/" not in name else name
