import dataclasses

import numpy as np
import pytest

from pipeline.errors import SourceError
from pipeline.model.bundle import Bundle
from pipeline.predict.article import predict, predict_all
from pipeline.schema import Article

TEXT = """The viaduct has a new girder and the arch of the bridge was painted.

  In the orchard they picked apple and pear for the harvest.\r
\r
Read more.

qqq www eee
"""


def test_a_row_a_paragraph_with_exact_offsets(bundle: Bundle) -> None:
    rows = predict(Article("a.txt", TEXT), bundle)
    assert [row.paragraph for row in rows] == [0, 1, 2, 3]
    assert all(row.text == TEXT[row.start : row.end] and row.source == "a.txt" for row in rows)
    assert [row.topics for row in rows] == [("bridge",), ("orchard",), (), ()]


def test_scores_are_the_scorers_by_topic(bundle: Bundle) -> None:
    rows = predict(Article("a.txt", TEXT), bundle)
    expected = bundle.scorer.scores([row.text for row in rows])
    assert [list(row.scores) for row in rows] == [["bridge", "orchard", "chess"]] * 4
    np.testing.assert_allclose([list(row.scores.values()) for row in rows], expected, rtol=0, atol=1e-12)


def test_a_paragraph_without_a_known_term_gets_no_topic(bundle: Bundle) -> None:
    last = predict(Article("a.txt", TEXT), bundle)[-1]
    assert (last.topics, set(last.scores.values())) == ((), {0.0})


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.999999, 1.1])
def test_the_thresholds_of_the_bundle_decide(bundle: Bundle, threshold: float) -> None:
    scorer = dataclasses.replace(bundle.scorer, points={"balanced": np.full(3, threshold)})
    for row in predict(Article("a.txt", TEXT), dataclasses.replace(bundle, scorer=scorer)):
        assert row.topics == tuple(topic for topic, score in row.scores.items() if score >= threshold)


def test_explanations_are_given_for_the_topics_given(bundle: Bundle) -> None:
    for row in predict(Article("a.txt", TEXT), bundle, explained=True):
        assert tuple(row.explanation) == row.topics
    assert not any(row.explanation for row in predict(Article("a.txt", TEXT), bundle))


def test_no_paragraphs_are_an_error(bundle: Bundle) -> None:
    with pytest.raises(SourceError, match=r"a\.txt: no paragraphs"):
        predict(Article("a.txt", " \n\n\t"), bundle)


def test_one_bad_source_does_not_cost_the_others(bundle: Bundle) -> None:
    complaints: list[SourceError] = []
    notes: list[str] = []
    articles = [
        Article("a", "The bridge.", notes=("half of it was lost",)),
        SourceError("b: broken"),
        Article("c", "\n"),
        Article("d", "The pawn."),
    ]
    rows = list(predict_all(articles, bundle, explained=False, complain=complaints.append, note=notes.append))
    assert [row.source for row in rows] == ["a", "d"]
    assert [str(error) for error in complaints] == ["b: broken", "c: no paragraphs"]
    assert notes == ["a: half of it was lost"]


def test_the_answer_does_not_depend_on_the_other_paragraphs(bundle: Bundle) -> None:
    rows = predict(Article("a.txt", TEXT), bundle)
    for row in rows:
        (alone,) = predict(Article("a.txt", row.text), bundle)
        assert alone.topics == row.topics
        assert list(alone.scores.values()) == pytest.approx(list(row.scores.values()), abs=1e-12)
