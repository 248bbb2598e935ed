from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from handmade_model import BUNDLE

from pipeline.monitoring.sample import by_article, observe, paragraph_facts
from pipeline.predict.language import available

SCORER = BUNDLE.scorer


def test_a_paragraph_has_its_scores_and_what_it_is_like() -> None:
    found = paragraph_facts(SCORER, ["the RAIN in Łódź", "snow", ""])
    np.testing.assert_array_equal(found.scores, SCORER.scores(["the RAIN in Łódź", "snow", ""]))
    assert found.assigned.tolist() == [[True, False], [False, True], [False, False]]
    assert found.words.tolist() == [4, 1, 0]
    assert found.letters.tolist() == [13, 4, 0]
    assert found.capitals.tolist() == [5, 0, 0]
    assert (found.terms.tolist(), found.oov.tolist()) == ([4, 1, 0], [2, 0, 0])


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        ("Is it rain? Yes.", 0),
        ("What?!", 0),
        ("the caf? was open", 0),
        ("he didn?t say", 1),
        ("na\ufffdve", 1),
        ("It\u00e2\u20ac\u2122s snow", 1),
        ("caf\u00c3\u00a9", 1),
        ("café, naïve, Århus, São Paulo", 0),
        ("?id=7", 0),
    ],
)
def test_lost_and_misread_characters_are_damage(text: str, damaged: int) -> None:
    assert paragraph_facts(SCORER, [text]).damaged.tolist() == [damaged]


def test_scores_that_are_known_are_not_made_again() -> None:
    scores = np.array([[0.9, 0.8]])
    found = paragraph_facts(SCORER, ["nothing"], scores)
    assert found.scores is scores
    assert found.assigned.tolist() == [[True, True]]


def test_paragraphs_are_observed_by_article_and_words_counted_once_an_article() -> None:
    groups = [("a", ["the rain", "rain"]), ("a", ["the rain"]), ("b", ["snow"]), ("empty", []), ("a", ["peru"])]
    found = observe("made", groups, BUNDLE)
    assert found.articles.tolist() == [0, 0, 0, 1, 0]
    assert found.words == Counter({"the": 1, "rain": 1, "snow": 1, "peru": 1})
    assert found.foreign.tolist() == [False, False]
    sums = found.sums(found.found.edges())
    assert sums["paragraphs"].tolist() == [4, 1]
    assert sums["assigned"].tolist() == [[3, 0, 1], [0, 1, 0]]


def test_without_a_paragraph_there_is_no_sample() -> None:
    with pytest.raises(ValueError, match="no paragraphs"):
        observe("made", [("a", [])], BUNDLE)


@pytest.mark.skipif(not available(), reason="needs the extra language")
def test_articles_in_another_language_are_counted() -> None:
    bundle = replace(BUNDLE, about={**BUNDLE.about, "languages": "en"})
    german = (
        "Die Feuerwehr rückte am Abend mit vier Wagen aus, weil im Keller eines Hauses am Markt Rauch gesehen "
        "worden war. Verletzt wurde niemand, und der Brand war nach einer Stunde gelöscht."
    )
    english = (
        "The fire brigade was called in the evening because smoke had been seen in the cellar of a house at the "
        "market. Nobody was hurt, and the fire was out after an hour."
    )
    found = observe("made", [("a", [german]), ("b", [english]), ("c", ["Ja."])], bundle)
    assert found.foreign.tolist() == [True, False, False]


def test_paragraphs_are_grouped_by_article_in_order() -> None:
    rows = [("b", "one"), ("a", "two"), ("b", "three")]
    assert by_article(rows) == [("b", ["one", "three"]), ("a", ["two"])]
