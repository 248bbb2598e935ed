from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import support
from handmade_model import SCORER
from numpy.typing import NDArray

from pipeline.model.bundle import Bundle
from pipeline.model.classifier import TopicClassifier
from pipeline.steps.experiment import Trained
from pipeline.text.tokenizer import Analyzer

ODD = [
    "",
    "!!!",
    "nothing known qqq",
    "bridge",
    "The bridge's pier. Apple and pear, harvest! Chess? Endgame: pawn; knight \u2014 checkmate.",
    "BRIDGE " * 500,
    "Council\u00a0morning\u2028people\tbridge\n\nvillage",
    "\u00c9t\u00e9 \ufb01ne \U0001f600 bri\u00addge",
]


def texts() -> list[str]:
    return [row["text"] for row in support.rows()] + ODD


@pytest.mark.parametrize("kind", ["linear_svc", "logistic_regression", "ridge"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ngram_range": (1, 1), "prefix_length": 0, "oov_weight": 0.0, "pivot_slope": 1.0, "sublinear_tf": False},
        {"ngram_range": (1, 3), "prefix_length": 2, "oov_weight": 2.0, "pivot_slope": 0.1, "sentence_weight": 1.0},
        {"sentence_weight": 0.0, "nb_exponent": 1.0, "prevalence": 0.9},
    ],
)
def test_equals_the_classifier(
    labelled: tuple[list[str], np.ndarray, list[str]], kind: str, settings: dict[str, Any]
) -> None:
    model = TopicClassifier(**settings, kind=kind, cv=3).fit(*labelled)
    scorer = model.scorer(support.TOPICS)
    scores = scorer.scores(texts())
    np.testing.assert_allclose(scores, model.predict_proba(texts()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(scorer.fallback_scores(texts()), scores, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(scorer.labels(scores), model.predict(texts()))


@pytest.mark.parametrize("score", [SCORER.scores, SCORER.fallback_scores])
def test_scores_of_a_model_made_by_hand(score: Callable[[list[str]], NDArray[np.float64]]) -> None:
    in_one_sentence = "Then the rain came down again. Peru lies far away from it."
    found = score(["rain", in_one_sentence, "peru", "unheard of", ""])
    logits = np.array([[6.0, -3.0], [4.5 / 2**0.5 - 3, -3.0], [-12.0, -3.0]])
    np.testing.assert_allclose(found, [*1 / (1 + np.exp(-logits)), [0, 0], [0, 0]], rtol=0, atol=1e-12)


def test_a_table_holds_idf_and_weights() -> None:
    assert SCORER.tfidf.idf.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert SCORER.weights.tolist() == [[-9.0, 0.0], [9.0, 0.0], [0.0, 9.0], [0.0, 0.0]]
    assert SCORER.analyzer == Analyzer(max_ngram=1, prefix_length=0)


def test_an_operating_point_decides_by_its_own_thresholds(bundle: Bundle) -> None:
    scorer = bundle.scorer
    scores = scorer.scores(texts())
    assert list(scorer.points) == ["precision", "balanced", "recall"]
    for point, thresholds in scorer.points.items():
        np.testing.assert_array_equal(scorer.at(point).labels(scores), scores >= thresholds)
    np.testing.assert_array_equal(scorer.labels(scores), scores >= scorer.points["balanced"])
    with pytest.raises(
        ValueError, match="no operating point 'strict', expected one of precision, balanced, recall"
    ):
        scorer.at("strict")


def test_a_single_text_is_refused(bundle: Bundle) -> None:
    for score in (bundle.scorer.scores, bundle.scorer.count):
        with pytest.raises(ValueError, match=r"expected a list of texts, got a single str; pass \[text\]"):
            score("the bridge")


def test_a_text_scores_the_same_alone_and_in_company(bundle: Bundle) -> None:
    together = bundle.scorer.scores(texts())
    alone = np.vstack([bundle.scorer.scores([text]) for text in texts()])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    np.testing.assert_allclose(bundle.scorer.scores(texts()[::-1]), together[::-1], rtol=0, atol=1e-12)


def test_as_many_rows_out_as_in(bundle: Bundle) -> None:
    for n in (0, 1, 2, 7):
        for score in (bundle.scorer.scores, bundle.scorer.fallback_scores):
            assert score(texts()[:n]).shape == (n, 3)
    assert bundle.scorer.labels(bundle.scorer.scores([])).shape == (0, 3)


@pytest.mark.parametrize("text", ["", "!!!", "qqq www", "\u5e73\u548c"])
def test_a_text_without_a_known_term_scores_zero_and_gets_no_topic(bundle: Bundle, text: str) -> None:
    scores = bundle.scorer.scores([text])
    np.testing.assert_array_equal(scores, 0.0)
    assert not bundle.scorer.labels(scores).any()


def test_a_topic_is_given_at_its_threshold(bundle: Bundle) -> None:
    thresholds = bundle.scorer.thresholds
    assert bundle.scorer.labels(thresholds[None]).all()
    assert not bundle.scorer.labels(np.nextafter(thresholds, 0)[None]).any()


def test_scores_are_probabilities_in_column_order(bundle: Bundle, fitted: Trained) -> None:
    assert bundle.scorer.topics == support.TOPICS
    scores = bundle.scorer.scores(texts())
    assert ((scores >= 0) & (scores <= 1)).all()
    for column, topic in enumerate(support.TOPICS):
        assert bundle.scorer.scores([f"the {topic} again"])[0].argmax() == column


def test_invariance_to_case_quotes_and_white_space(bundle: Bundle) -> None:
    text = "The engineer's bridge was shut, and the people didn't wait."
    scores = bundle.scorer.scores(
        [text, text.upper(), text.replace("'", "\u2019"), text.replace(" ", "\u00a0 "), f"  {text}\n"]
    )
    np.testing.assert_allclose(scores, scores[:1].repeat(5, 0), rtol=0, atol=1e-12)


def test_direction_more_words_of_a_topic_never_lower_its_score(bundle: Bundle) -> None:
    plain = "The council opened a market near the river"
    scores = bundle.scorer.scores([plain, f"{plain} bridge", f"{plain} bridge viaduct pier"])[:, 0]
    assert scores[0] < scores[1] < scores[2]
