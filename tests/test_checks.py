import numpy as np
import pytest
from handmade_model import BUNDLE

from pipeline.config import DriftSettings
from pipeline.evaluation.drift import Sums, check_names, columns
from pipeline.monitoring.checks import run_checks

TOPICS = BUNDLE.topics
NAMES = check_names([topic.id for topic in TOPICS])
SURE = np.zeros(len(NAMES))


def sums(**values: float) -> Sums:
    """Make the sums of 100 paragraphs of 20 articles, with expected counts that go with what is assigned."""
    found = Sums(2, np.zeros((2, columns(2))))
    plain = {"articles": 20.0, "paragraphs": 100.0, "letters": 1000.0, "terms": 400.0, "oov": 40.0}
    expected = {"hits": 0.9 * values["wet"], "misses": 0.1 * values["wet"]}
    for name, value in {**plain, "capitals": 30.0, **expected, **values}.items():
        if name in ("wet", "none"):
            found["assigned"][:, 0 if name == "wet" else 2] = value
        elif name in ("hits", "misses"):
            found[name][:, 0] = value
        elif name in ("bins", "lengths"):
            found["bins/0" if name == "bins" else name][:, 0] = value
        else:
            found[name][:] = value
    return found


PLAIN = {"wet": 10.0, "none": 80.0}


@pytest.mark.parametrize(
    ("changed", "name", "change"),
    [
        ({"wet": 20.0}, "rate/wet", 20.5 / 10.5),
        ({"wet": 5.0}, "rate/wet", 10.5 / 5.5),
        ({"none": 70.0}, "rate/none", 0.1),
        ({"bins": 40.0}, "psi/wet", None),
        ({"lengths": 40.0}, "length", None),
        ({"oov": 80.0}, "oov", 0.1),
        ({"foreign": 4.0}, "language", 0.2),
        ({"capitals": 80.0}, "casing", 0.05),
        ({"damaged": 10.0}, "damage", 0.1),
        ({"hits": 6.0, "misses": 4.0}, "f1", 0.3),
    ],
)
def test_a_change_beyond_its_limit_is_drift(changed: dict[str, float], name: str, change: float | None) -> None:
    found = run_checks(TOPICS, sums(**PLAIN), sums(**{**PLAIN, **changed}), SURE, DriftSettings())
    assert [check.name for check in found] == NAMES
    assert [check.name for check in found if check.drift] == [name]
    if change is not None:
        assert next(check.change for check in found if check.drift) == pytest.approx(change)


def test_what_chance_explains_is_no_drift() -> None:
    unsure = np.full(len(NAMES), 0.051)
    changed = sums(**{**PLAIN, "wet": 20.0})
    assert not any(check.drift for check in run_checks(TOPICS, sums(**PLAIN), changed, unsure, DriftSettings()))
    found = run_checks(TOPICS, sums(**PLAIN), changed, unsure, DriftSettings(level=0.06))
    assert [check.name for check in found if check.drift] == ["rate/wet"]


def test_what_is_within_its_limit_is_no_drift_however_sure() -> None:
    changed = sums(**{**PLAIN, "wet": 14.0, "none": 76.0, "oov": 50.0})
    assert not any(check.drift for check in run_checks(TOPICS, sums(**PLAIN), changed, SURE, DriftSettings()))
    limits = DriftSettings(rate=1.2, none=0.01, oov=0.01)
    found = run_checks(TOPICS, sums(**PLAIN), changed, SURE, limits)
    assert [check.name for check in found if check.drift] == ["rate/wet", "rate/none", "oov"]


def test_a_better_expected_f1_is_no_drift() -> None:
    better = sums(**{**PLAIN, "hits": 10.0, "misses": 0.0})
    assert not any(check.drift for check in run_checks(TOPICS, sums(**PLAIN), better, SURE, DriftSettings()))


def test_checks_are_json() -> None:
    check = run_checks(TOPICS, sums(**PLAIN), sums(**PLAIN), SURE, DriftSettings())[NAMES.index("psi/wet")]
    assert check.to_dict() == {
        "name": "psi/wet",
        "title": "scores of Wet (PSI)",
        "reference": {"value": None, "low": None, "high": None},
        "new": {"value": None, "low": None, "high": None},
        "change": 0.0,
        "limit": 0.1,
        "p_value": 0.0,
        "drift": False,
    }
