import json

import numpy as np
import pytest
from drifting import articles, reference
from handmade_model import BUNDLE

from pipeline.config import DriftSettings
from pipeline.monitoring.drift_report import DriftReport, at_found_rates, compare_with_reference
from pipeline.monitoring.reference import Reference
from pipeline.monitoring.sample import Group, observe


def compared(groups: list[Group], known: Reference | None = None, **limits: float) -> DriftReport:
    sample = observe("new text", groups, BUNDLE)
    return compare_with_reference(sample, known or reference(), BUNDLE, DriftSettings(**limits), random_state=1)


@pytest.fixture(scope="module")
def same() -> DriftReport:
    return compared(articles(60, seed=2))


@pytest.fixture(scope="module")
def wetter() -> DriftReport:
    return compared(articles(80, seed=3, shares=(0.6, 0.1)))


def test_text_like_the_reference_has_not_drifted(same: DriftReport) -> None:
    assert (same.drift, same.verdict, same.notes) == ([], "no drift", ())
    assert (
        same.title == "new text (240 paragraphs of 60 articles) beside 80 articles (320 paragraphs of 80 articles)"
    )


def test_a_topic_that_became_frequent_is_drift(wetter: DriftReport) -> None:
    names = {check.name for check in wetter.drift}
    assert {"rate/wet", "rate/none", "psi/wet"} <= names
    assert not {"rate/cold", "casing", "damage"} & names
    assert wetter.verdict.startswith("drift: rate of Wet, rate of none, scores of Wet (PSI)")


def test_limits_decide_what_is_drift() -> None:
    lenient = compared(
        articles(80, seed=3, shares=(0.6, 0.1)), rate=10.0, none=1.0, psi=9.0, oov=1.0, f1=1.0, length=9.0
    )
    assert lenient.verdict == "no drift"


def test_rates_are_told_with_intervals_and_corrected(wetter: DriftReport) -> None:
    rates = wetter.rates.set_index("topic")
    assert list(rates.index) == ["Wet", "Cold", "none"]
    wet = rates.loc["Wet"]
    assert wet["assigned"] == round(wet["rate"].value * 320)
    assert wet["rate"].low < wet["rate"].value < wet["rate"].high
    assert wet["rate in the reference"].high < wet["rate"].low
    assert abs(wet["corrected rate"].value - 0.6) < 0.1
    assert wet["corrected rate"].low < 0.6 < wet["corrected rate"].high


def test_a_reference_without_errors_gives_no_corrected_rate() -> None:
    known = reference()
    found = compared(articles(30, seed=2), Reference(known.run_id, known.topics, {}, known.sample))
    assert found.rates["corrected rate"].tolist() == ["-", "-", "-"]
    assert found.expected["as scored"].map(str).tolist()[2] == found.expected["at the rates found"].map(
        str
    ).tolist()[2] or (
        abs(found.expected["as scored"][2].value - found.expected["at the rates found"][2].value) < 1e-9
    )


def test_revised_scores_expect_the_rate_that_is_found() -> None:
    sample = observe("new text", articles(200, seed=3, shares=(0.6, 0.1)), BUNDLE)
    found = at_found_rates(sample, reference(), BUNDLE.scorer.topics, random_state=1, n_resamples=50)
    expected = (found.hits + found.misses)[:, 0] / 800
    assert len(expected) == 51
    assert expected[0] == pytest.approx(0.6, abs=0.05)
    assert expected[0] > sample.found.scores[:, 0].mean()


def test_expected_metrics_have_intervals(same: DriftReport) -> None:
    expected = same.expected.set_index("metric")
    assert list(expected.index[:3]) == ["micro precision", "micro recall", "micro f1"]
    assert list(expected.index[-3:]) == ["cold/precision", "cold/recall", "cold/f1"]
    f1 = expected.loc["micro f1", "as scored"]
    assert 0 < f1.low < f1.value < f1.high <= 1


def test_few_articles_and_rows_that_stand_alone_are_noted() -> None:
    found = compared(articles(5, seed=4))
    assert found.notes == ("5 articles are few: only great changes can be told from chance",)
    alone = compared(
        [(f"{name}/{i}", [text]) for name, texts in articles(20, seed=4) for i, text in enumerate(texts)]
    )
    assert "--article-column" in alone.notes[0]


def test_the_report_is_written_as_text_json_and_html(wetter: DriftReport) -> None:
    text = wetter.as_text()
    assert "rate of Wet" in text
    assert text.endswith(f"\n{wetter.verdict}\n")
    found = json.loads(wetter.as_json())
    assert found["drift"] is True
    assert found["checks"][0]["name"] == "rate/wet"
    assert set(found) == {
        "title", "drift", "checks", "rates", "expected", "new_words", "changed_words", "notes"
    }  # fmt: skip
    assert {row["word"] for row in found["changed_words"]} >= {"rain"}
    page = wetter.as_html()
    assert "<title>Drift: new text" in page
    assert "DRIFT" in page


def test_equal_input_gives_an_equal_report() -> None:
    first, second = (compared(articles(30, seed=5)).as_json() for _ in range(2))
    assert first == second


def test_a_reference_without_a_sample_is_no_reference_of_text() -> None:
    known = reference()
    with pytest.raises(ValueError, match="no sample"):
        compared(articles(5, seed=4), Reference(known.run_id, known.topics, known.errors))


def test_other_scripts_and_control_characters_do_no_harm() -> None:
    found = compared([(f"{i}\x1b[31m", ["дождь и снег\x1b[2J"]) for i in range(4)])
    assert "\x1b" not in found.as_text()
    assert np.isfinite([check.change for check in found.checks]).all()
