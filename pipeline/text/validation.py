"""Checks of what estimators are given: ValueErrors that name the argument, its value and what was expected."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal

MAX_NGRAM, MAX_PREFIX = 4, 255


def check_number(
    name: str,
    value: object,
    *,
    low: float,
    high: float = math.inf,
    whole: bool = False,
    closed: Literal["both", "right", "neither"] = "both",
) -> None:
    """Raise ValueError unless a parameter is a finite number from `low` to `high`, closed ends included."""
    kind, noun = (Integral, "an integer") if whole else (Real, "a number")
    if isinstance(value, kind) and not isinstance(value, bool):
        number = float(value)
        ends = {"both": (), "right": (low,), "neither": (low, high)}[closed]
        if math.isfinite(number) and low <= number <= high and number not in ends:
            return
    raise ValueError(f"{name} is {value!r}, expected {noun} {_bounds(low, high, closed)}")


def _bounds(low: float, high: float, closed: str) -> str:
    if high == math.inf:
        return f"of {low:g} or more" if closed == "both" else f"above {low:g}"
    ends = {"both": "from {} to {}", "right": "above {}, to {}", "neither": "above {} and below {}"}
    return ends[closed].format(f"{low:g}", f"{high:g}")


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Raise ValueError unless a parameter is one of its choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}")


def max_ngram(ngram_range: Any) -> int:
    """Return the longest n-gram of scikit-learn's `ngram_range`; ValueError unless it is (1, n)."""
    try:
        shortest, longest = ngram_range
    except (TypeError, ValueError):
        raise ValueError(f"ngram_range is {ngram_range!r}, expected a pair such as (1, 2)") from None
    if shortest != 1:
        raise ValueError(f"ngram_range is {ngram_range!r}, expected a pair that begins with 1")
    check_number("the end of ngram_range", longest, low=1, high=MAX_NGRAM, whole=True)
    return int(longest)


def check_texts(texts: Sequence[str]) -> None:
    """Raise ValueError where one string is passed for a list of texts, of which every character would be one."""
    if isinstance(texts, str | bytes):
        raise ValueError(f"expected a list of texts, got a single {type(texts).__name__}; pass [text]")
