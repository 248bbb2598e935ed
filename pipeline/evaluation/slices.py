"""Slices of a test set, to see where a model is good and where it is not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import LabelledParagraph

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_LENGTHS = (20, 40, 80)
_SEVERAL = 2


@dataclass(frozen=True)
class SliceRule:
    """Rows whose `field` matches `pattern` belong to `group`; of several rules the first that matches counts."""

    field: Literal["genre", "region"]
    group: str
    pattern: str


def slices(
    rows: Sequence[LabelledParagraph], y_true: NDArray[np.bool_], rules: Sequence[SliceRule]
) -> dict[tuple[str, str], NDArray[np.bool_]]:
    """Find the rows of each slice: by rule, decade, length and number of topics.

    Parameters
    ----------
    rows : sequence of LabelledParagraph
        Of length n.
    y_true : bool array of shape (n, k)
    rules : sequence of SliceRule

    Returns
    -------
    dict of (kind, group) to bool array of shape (n,)
        Every row is in one group of each kind.

    """
    kinds: dict[str, list[str]] = {
        field: [_by_rule(getattr(row, field), [rule for rule in rules if rule.field == field]) for row in rows]
        for field in dict.fromkeys(rule.field for rule in rules)
    }
    kinds["decade"] = [_decade(row) for row in rows]
    kinds["length"] = [_length(row.text) for row in rows]
    kinds["topics"] = [("none", "one", "several")[min(count, _SEVERAL)] for count in y_true.sum(1)]
    return {
        (kind, group): np.array([name == group for name in names], bool)
        for kind, names in kinds.items()
        for group in sorted(set(names))
    }


def _by_rule(value: str | None, rules: Sequence[SliceRule]) -> str:
    if value is None:
        return "not stated"
    fitting = (rule.group for rule in rules if re.search(rule.pattern, value, re.IGNORECASE))
    return next(fitting, "other")


def _decade(row: LabelledParagraph) -> str:
    """Return the decade of the date, or else of a year that the genre names ("foreign page, 2002")."""
    year = _YEAR.search(row.date or "") or _YEAR.search(row.genre or "")
    return f"{year[0][:3]}0s" if year else "not stated"


def _length(text: str) -> str:
    count = len(text.split())
    starts = (1, *(end + 1 for end in _LENGTHS))
    for start, end in zip(starts, _LENGTHS, strict=False):
        if count <= end:
            return f"{start:>3} to {end} words"
    return f"{starts[-1]:>3} words and more"
