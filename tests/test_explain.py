import numpy as np
import pytest
import support

from pipeline.model.bundle import Bundle
from pipeline.model.explain import explain

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
