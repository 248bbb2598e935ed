import numpy as np
import pytest

from pipeline.evaluation.behaviour import (
    DirectionCase,
    MinimumCase,
    Outcome,
    run_direction,
    run_invariance,
    run_minimum,
)
from pipeline.evaluation.bootstrap import article_weights
from pipeline.evaluation.perturbation import Perturbation
from pipeline.evaluation.slices import SliceRule
from pipeline.evaluation.tables import Figure
from pipeline.model.scorer import Scorer
from pipeline.report import studies
from pipeline.report.studies import Subject
from pipeline.schema import LabelledParagraph, Topic
from pipeline.text.tokenizer import Analyzer
from pipeline.text.vocabulary import Vocabulary

# a model of two words: "rain" speaks for the first topic, "snow" for the second, "peru" against the first
SCORER = Scorer(
    topics=("wet", "cold"),
    vocabulary=Vocabulary("peru\nrain\nsnow\nthe", Analyzer(max_ngram=1, prefix_length=0)),
    table=np.array([[1.0, -9.0, 0.0], [1.0, 9.0, 0.0], [1.0, 0.0, 9.0], [1.0, 0.0, 0.0]]),
    oov_idf=1.0,
    sublinear=False,
    oov_weight=0.0,
    slope=1.0,
    text_pivot=1.0,
    sentence_pivot=1.0,
    text_coef=np.array([0.5, 0.5]),
    sentence_coef=np.array([0.5, 0.5]),
    intercept=np.array([-3.0, -3.0]),
    points={"balanced": np.array([0.5, 0.5])},
)
TOPICS = (Topic("wet", "Wet", keywords=("rain",)), Topic("cold", "Cold", keywords=("frost",)))
TEXTS = ["the rain", "the snow", "rain and snow", "the", "the rain of Peru", "the snow of Chile"]
LABELS = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 0]], bool)
NAMES = [("wet",), ("cold",), ("wet", "cold"), (), ("wet",), ()]
ROWS = [LabelledParagraph(f"a{i // 2}", i % 2, TEXTS[i], topics=NAMES[i]) for i in range(6)]
SUBJECT = Subject(
    TOPICS,
    SCORER,
    ROWS,
    LABELS,
    SCORER.scores(TEXTS),
    article_weights([row.article for row in ROWS], resamples=200, seed=1),
)


def test_the_model_of_these_tests_answers_as_it_should() -> None:
    assert SUBJECT.given.astype(int).tolist() == [[1, 0], [0, 1], [1, 1], [0, 0], [0, 0], [0, 1]]


def test_the_leak_probe_shows_what_the_name_was_worth() -> None:
    _, wet, cold, macro = studies.leak_table(SUBJECT)
    assert wet[:3] == ["Wet", 3, 3]
    assert [wet[3].value, wet[4].value, wet[5].value] == pytest.approx([0.8, 0.0, -0.8])  # type: ignore[union-attr]
    assert str(wet[6]) == "-"
    assert cold[:3] == ["Cold", 2, 0]
    assert cold[5] == Figure(0.0, 0.0, 0.0)
    assert cold[6].value == 1.0  # type: ignore[union-attr]
    assert macro[5].value == pytest.approx(-0.4)  # type: ignore[union-attr]


def test_a_slice_has_its_rows_and_figures() -> None:
    many = [LabelledParagraph(f"b{i}", 0, TEXTS[i % 6], genre="wire" if i % 2 else "letter") for i in range(24)]
    labels = np.tile(LABELS, (4, 1))
    texts = [row.text for row in many]
    weights = article_weights([row.article for row in many], resamples=50, seed=1)
    subject = Subject(TOPICS, SCORER, many, labels, SCORER.scores(texts), weights)
    table = studies.slice_table(subject, [SliceRule("genre", "letters", "letter")])
    found = {(row[0], row[1]): row[2:] for row in table[1:]}
    letters = found["genre", "letters"]
    assert letters[:2] == [12, 12]
    assert letters[2].value == pytest.approx(2 * 3 / (4 + 3))  # type: ignore[union-attr]
    assert str(letters[3]) == "-"
    assert ("topics", "several") not in found  # four rows are too few


def test_worst_errors_come_with_their_terms() -> None:
    header, first, *_ = studies.error_table(SUBJECT)
    assert header[:3] == ["article", "topic", "error"]
    assert first[:3] == ["a2/1", "Cold", "false alarm"]
    assert str(first[6]).startswith("snow +")


def test_terms_are_listed_for_and_against() -> None:
    assert studies.terms_table(SCORER, TOPICS, most=1)[1] == ["Wet", "rain", "peru"]


def test_a_perfect_pass_rate_still_has_an_interval() -> None:
    perfect = Outcome("invariance", "x", ("a", "a", "b"), np.ones(3, bool), ())
    failed = Outcome("invariance", "y", ("a", "b"), np.array([True, False]), (("t", "none", "x"),))
    empty = Outcome("invariance", "z", (), np.zeros(0, bool), ())
    _, first, second = studies.behaviour_table([perfect, failed, empty], seed=0)
    assert first[2:4] == [3, 0]
    assert first[4] == Figure(1.0, 0.025**0.5, 1.0)  # two articles
    assert (second[3], second[4].value) == (1, 0.5)  # type: ignore[union-attr]
    assert studies.failure_table([perfect, failed])[1:] == [["invariance", "y", "t", "none", "x"]]


def test_minimum_passes_on_exactly_the_topics() -> None:
    cases = [
        MinimumCase("s", "the rain", ("wet",), "r"),
        MinimumCase("s", "rain and snow", ("wet",), "r"),
        MinimumCase("other", "the", (), "r"),
    ]
    first, second = run_minimum(SCORER, cases)
    assert (first.name, first.passed.tolist()) == ("s", [True, False])
    assert first.failures == (("rain and snow", "wet (r)", "cold, wet"),)
    assert second.passed.tolist() == [True]


def test_direction_adds_a_clause_or_removes_one_that_is_there() -> None:
    cases = [
        DirectionCase("the Peru", "and rain", "wet"),
        DirectionCase("the Peru", "and snow", "wet"),
        DirectionCase("the Peru, with snow, is far", ", with snow,", "cold"),
    ]
    added, removed = run_direction(SCORER, cases)
    assert (added.name, added.passed.tolist()) == ("clause added", [True, True])
    assert (removed.name, removed.passed.tolist()) == ("clause removed", [True])


def test_invariance_counts_rows_that_change_and_are_not_excepted() -> None:
    changes = [
        Perturbation("countries", "swap", ("Peru", "Chile")),
        Perturbation("countries but wet", "swap", ("Peru", "Chile"), unless=("wet",)),
    ]
    every, spared = run_invariance(SCORER, ROWS, changes)
    assert (every.units, every.passed.tolist()) == (("a2", "a2"), [False, True])
    assert every.failures == (("the rain of Chile", "none", "wet"),)
    assert spared.passed.tolist() == [True]
