"""Decide which differences between two samples are drift: those beyond a limit that chance does not explain."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import DriftSettings
from pipeline.evaluation.drift import Sums, check_names, micro_f1, stability_index
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.metrics import ratio
from pipeline.schema import Topic

Floats = NDArray[np.float64]
_SHARES = (  # the limit's name, the title, and of what it is which part; in the order of `check_names`
    ("oov", "out-of-vocabulary terms", "oov", "terms"),
    ("language", "articles in other languages", "foreign", "articles"),
    ("casing", "capitals among letters", "capitals", "letters"),
    ("damage", "damaged paragraphs", "damaged", "paragraphs"),
)
_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Check:
    """One comparison.

    Parameters
    ----------
    name : str
        As `pipeline.evaluation.drift.check_names` names it.
    title : str
        For people.
    reference, new : Estimate
        In both samples; NaN where only the change is a number.
    change : float
        A factor of rates, else a difference or an index.
    limit : float
    p_value : float
        Adjusted for the number of checks.
    drift : bool
        Whether the change is beyond the limit, and sure.

    """

    name: str
    title: str
    reference: Estimate
    new: Estimate
    change: float
    limit: float
    p_value: float
    drift: bool

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        ends = {"reference": self.reference.to_dict(), "new": self.new.to_dict()}
        return {**asdict(self), **ends}


def run_checks(
    topics: Sequence[Topic], before: Sums, after: Sums, p_values: Floats, settings: DriftSettings
) -> list[Check]:
    """Hold every change against its limit.

    Parameters
    ----------
    topics : sequence of Topic
        In column order.
    before, after : Sums
        Of the reference and the new sample: each as it is, then over its resamples.
    p_values : float64 array of shape (checks,)
        In the order of `pipeline.evaluation.drift.check_names`.
    settings : DriftSettings

    Returns
    -------
    list of Check

    """
    names = check_names([topic.id for topic in topics])
    found = zip(names, _changes(topics, before, after, settings), p_values.tolist(), strict=True)
    return [
        Check(
            name,
            change.title,
            *change.ends,
            change=change.size,
            limit=change.limit,
            p_value=p_value,
            drift=p_value <= settings.level and change.size > change.limit,
        )
        for name, change, p_value in found
    ]


def rate(sums: Sums, column: int) -> Floats:
    """Return the share of paragraphs that are assigned a topic, or none by the last column, float64 [B]."""
    return ratio(sums["assigned"][:, column], sums["paragraphs"])


@dataclass(frozen=True)
class _Change:
    """What changed, the values before and after, by how much, and how much is too much."""

    title: str
    ends: tuple[Estimate, Estimate]
    size: float
    limit: float


def _changes(topics: Sequence[Topic], before: Sums, after: Sums, settings: DriftSettings) -> list[_Change]:
    """List the changes in the order of `check_names`."""
    none = len(topics)
    rates = [
        _Change(
            f"rate of {topic.title}",
            _ends(rate(before, i), rate(after, i)),
            _factor(before, after, i),
            settings.rate,
        )
        for i, topic in enumerate(topics)
    ]
    rates.append(_difference("rate of none", rate(before, none), rate(after, none), settings.none))
    indices = [
        _index(f"scores of {topic.title} (PSI)", before[f"bins/{i}"], after[f"bins/{i}"], settings.psi)
        for i, topic in enumerate(topics)
    ]
    indices.append(_index("words per paragraph (PSI)", before["lengths"], after["lengths"], settings.length))
    shares = [
        _difference(title, ratio(before[part], before[of]), ratio(after[part], after[of]), getattr(settings, name))
        for name, title, part, of in _SHARES
    ]
    fall = _ends(micro_f1(before), micro_f1(after))
    return [
        *rates,
        *indices,
        *shares,
        _Change("expected micro-F1", fall, fall[0].value - fall[1].value, settings.f1),
    ]


def _ends(before: Floats, after: Floats) -> tuple[Estimate, Estimate]:
    return Estimate.of(before), Estimate.of(after)


def _difference(title: str, before: Floats, after: Floats, limit: float) -> _Change:
    ends = _ends(before, after)
    return _Change(title, ends, abs(ends[1].value - ends[0].value), limit)


def _index(title: str, before: Floats, after: Floats, limit: float) -> _Change:
    return _Change(title, (_UNKNOWN, _UNKNOWN), float(stability_index(before[:1], after[:1])[0]), limit)


def _factor(before: Sums, after: Sums, column: int) -> float:
    """Return by what factor a rate rose or fell; half a paragraph more keeps it finite."""
    first, second = (
        float((sums["assigned"][0, column] + 0.5) / (sums["paragraphs"][0] + 1)) for sums in (before, after)
    )
    return max(second / first, first / second)
