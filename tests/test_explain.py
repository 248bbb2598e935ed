import numpy as np
import pytest
import support
from handmade_model import SCORER

from pipeline.model.bundle import Bundle
from pipeline.model.explain import explain, explain_topics, strongest_terms, worth_explaining

TEXTS = [
    *(row["text"] for row in support.rows()[:12]),
    "bridge",
    "The bridge's pier. Apple and pear for the harvest in autumn! Chess? Endgame: pawn; knight.",
]


@pytest.mark.parametrize("topic", support.TOPICS)
@pytest.mark.parametrize("most", [0, 3, 10, 10_000])
def test_bias_terms_and_rest_sum_to_the_scores_logit(bundle: Bundle, topic: str, most: int) -> None:
    scores = bundle.scorer.scores(TEXTS)[:, support.TOPICS.index(topic)]
    for text, score in zip(TEXTS, scores, strict=True):
        why = explain(bundle.scorer, text, topic, most=most)
        logit = why.bias + sum(part.value for part in why.terms) + why.rest
        assert 1 / (1 + np.exp(-logit)) == pytest.approx(score, abs=1e-12)
        assert logit == pytest.approx(np.log(score / (1 - score)), rel=1e-6)
        assert len(why.terms) <= most


def test_terms_are_of_the_text_largest_first(bundle: Bundle) -> None:
    why = explain(bundle.scorer, "The old bridge and the viaduct were closed.", "bridge", most=5)
    terms, values = [part.term for part in why.terms], [part.value for part in why.terms]
    assert terms[0] in ("bridge", "bridg*", "viaduct", "viadu*")
    assert list(np.abs(values)) == sorted(np.abs(values), reverse=True)
    assert len(set(terms)) == len(terms)
    assert not any("chess" in term for term in terms)


def test_all_terms_leave_no_rest(bundle: Bundle) -> None:
    assert explain(bundle.scorer, TEXTS[1], "bridge", most=10_000).rest == pytest.approx(0, abs=1e-12)


def test_without_a_known_term_there_are_none(bundle: Bundle) -> None:
    for text in ("", "qqq www"):
        why = explain(bundle.scorer, text, "chess")
        assert (why.terms, why.rest) == ((), 0.0)


def test_a_term_that_says_nothing_of_the_topic_is_not_listed() -> None:
    why = explain(SCORER, "the rain", "wet")
    assert [part.term for part in why.terms] == ["rain"]
    assert why.terms[0].value == pytest.approx(9 / 2**0.5)
    assert why.bias == -3.0


def test_ten_terms_are_listed_unless_told_otherwise(bundle: Bundle) -> None:
    assert len(explain(bundle.scorer, TEXTS[1], "bridge").terms) == 10
    assert len(explain_topics(bundle.scorer, TEXTS[1], ["bridge"])["bridge"].terms) == 10


def test_topics_from_half_their_threshold_are_worth_explaining() -> None:
    assert worth_explaining(SCORER, np.array([0.25, 0.5])) == ["wet", "cold"]
    assert worth_explaining(SCORER, np.array([0.2499, 1.0])) == ["cold"]


def test_the_strongest_terms_come_first_twenty_unless_told_otherwise(bundle: Bundle) -> None:
    assert strongest_terms(SCORER, "wet") == [("rain", 9.0), ("snow", 0.0), ("the", 0.0), ("peru", -9.0)]
    assert strongest_terms(SCORER, "cold", most=1) == [("snow", 9.0)]
    assert len(strongest_terms(bundle.scorer, "bridge")) == 20
