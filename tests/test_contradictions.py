"""Pairs of texts that are nearly the same and labelled differently."""

import pytest

from pipeline.labelling.contradictions import Labelled, changed_words, contradictions

TEXT = "the levee held through the night although the river rose by two metres before dawn on the plain"


def found(*rows: tuple[str, tuple[str, ...]], similarity: float = 0.5) -> list[tuple[str, str, tuple[str, ...]]]:
    labelled = [Labelled(str(place), text, topics) for place, (text, topics) in enumerate(rows)]
    pairs = contradictions(labelled, similarity=similarity)
    return [(pair.first.where, pair.second.where, pair.disputed) for pair in pairs]


def test_near_texts_with_different_labels_are_a_pair_and_those_with_the_same_are_none() -> None:
    other = TEXT.replace("two", "three")
    assert found((TEXT, ("floods",)), (other, ("floods", "dams"))) == [("0", "1", ("dams",))]
    assert found((TEXT, ("floods", "dams")), (other, ("dams", "floods"))) == []
    assert found((TEXT, ("floods",)), (other, ())) == [("0", "1", ("floods",))]


def test_the_similarity_is_of_runs_of_four_words() -> None:
    rows = (TEXT, ("floods",)), (TEXT.replace("two", "three"), ())
    assert found(*rows, similarity=11 / 19) == [("0", "1", ("floods",))]  # 15 runs each, of which 4 have the word
    assert found(*rows, similarity=12 / 19) == []


def test_the_same_words_are_a_pair_however_few_they_are() -> None:
    assert found(("Floods!", ("floods",)), ("floods", ()), ("Dams", ())) == [("0", "1", ("floods",))]
    assert found((TEXT, ("floods",)), (f"{TEXT}.", ())) == [("0", "1", ("floods",))]


def test_a_text_that_is_there_often_is_compared_once_for_each_set_of_labels() -> None:
    rows = [(TEXT, ("floods",))] * 3 + [(TEXT, ())] * 3 + [(TEXT, ("dams",))]
    assert found(*rows) == [("0", "3", ("floods",)), ("0", "6", ("dams", "floods"))]


@pytest.mark.parametrize(
    ("first", "second", "changes"),
    [
        ("a b c", "a x c", (("b", "x"),)),
        ("a b c", "a c", (("b", ""),)),
        ("a c", "a b c d", (("", "b"), ("", "d"))),
        ("a b", "a b", ()),
        ("a " + "b " * 20, "a", (("b b b b b b b b b b b b …", ""),)),
    ],
)
def test_the_words_that_differ_are_told(first: str, second: str, changes: tuple[tuple[str, str], ...]) -> None:
    assert changed_words(first, second) == changes


def test_a_template_that_fills_a_corpus_takes_no_time() -> None:
    rows = [
        (f"{TEXT} said station {place} to office {place * 7} in valley {place * 13}", ()) for place in range(3000)
    ]
    assert found(*rows, (TEXT.replace("two", "ten"), ("floods",)), similarity=0.9) == []
