import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from serving import ARTICLE

from pipeline.model.bundle import load_bundle
from pipeline.model.explain import explain, explain_topics, strongest_terms, worth_explaining
from pipeline.text.offsets import WordOffsets
from pipeline.text.tokenizer import words


@example("'s'a")
@example("a's'")
@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text("a's\u2019 .-é\u00adß", max_size=30))
def test_words_and_their_spans_are_the_words_that_are_counted(text: str) -> None:
    found = WordOffsets(text)
    assert found.words == words(text)
    for word, (start, end) in zip(found.words, found.spans, strict=True):
        assert word in words(text[start:end])


@given(st.text("a's\u2019S\u0301\u00ad \u00df\u017f\u24e2-", max_size=16))
def test_a_span_is_the_shortest_that_has_its_words(text: str) -> None:
    found = WordOffsets(text)
    for start, end in found.spans:
        assert end - start == 1 or (
            words(text[start : end - 1]) != words(text[start:end]) != words(text[start + 1 : end])
        )


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("baku", ["Baku"]),
        ("clear*", ["cleared", "Clearing"]),
        ("de mining", ["De-mining"]),
        ("dont", ["Don't"]),
        ("talks", []),
    ],
)
def test_a_term_is_found_where_it_stands(term: str, shown: list[str]) -> None:
    text = "De-mining in Baku's suburbs: they cleared it. “Clearing goes on. Don't stop.”"
    assert [text[slice(*span)] for span in WordOffsets(text).find(term, times=len(shown))] == shown


def test_neighbours_in_two_sentences_are_no_term_where_the_model_counted_none() -> None:
    text = "All went to see the peace. Talks about prices went on for days."
    assert WordOffsets(text).find("peace talks", times=0) == ()


def test_an_explanation_sums_to_the_score(small_model: Path) -> None:
    scorer = load_bundle(small_model / "champion.safetensors").scorer
    for text in [*ARTICLE.split("\n\n"), ARTICLE]:
        scores = scorer.scores([text])[0]
        for topic, why in explain_topics(scorer, text, scorer.topics, most=4).items():
            logit = why.bias + sum(term.value for term in why.terms) + why.rest
            assert 1 / (1 + math.exp(-logit)) == pytest.approx(scores[scorer.topics.index(topic)], abs=1e-12)
            assert all(term.spans for term in why.terms)


def test_near_misses_are_explained_and_far_ones_are_not(small_model: Path) -> None:
    scorer = load_bundle(small_model / "champion.safetensors").scorer
    assert worth_explaining(scorer, scorer.thresholds * [0.6, 0.4]) == ["mine_action"]


def test_strongest_terms_come_strongest_first(small_model: Path) -> None:
    scorer = load_bundle(small_model / "champion.safetensors").scorer
    found = strongest_terms(scorer, "peace_process", most=5)
    assert len(found) == 5
    assert found == sorted(found, key=lambda pair: -pair[1])
    assert explain(scorer, found[0][0].rstrip("*"), "peace_process").terms[0].value > 0
