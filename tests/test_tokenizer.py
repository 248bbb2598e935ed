import numpy as np
import pytest
from support import count, learn_vocabulary

from pipeline.text.tokenizer import Analyzer, sentences, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mine-clearance in 2024!", ["mine", "clearance", "in", "2024"]),
        ("don't DON\u2019T don\u02bct", ["dont", "dont", "dont"]),
        ("Baku's Baku\u2019s bus", ["baku", "baku", "bus"]),
        ("the Joneses' houses'", ["the", "joneses", "houses"]),
        ("Bel\u00e9m Bele\u0301m", ["belem", "belem"]),
        ("co\u00adoperation", ["cooperation"]),
        ("\uff23\uff2f\uff3029 \ufb01eld", ["cop29", "field"]),
        ("\u0130stanbul STRASSE", ["istanbul", "strasse"]),
        ("\u043c\u0438\u0440 \u5e73\u548c", ["\u043c\u0438\u0440", "\u5e73\u548c"]),
        ("\u2014 \u2026 !?", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_sentence_has_six_words_at_least() -> None:
    text = "One two three four five six. Seven. Eight nine ten eleven twelve thirteen! Short end."
    assert sentences(text) == [
        ["one", "two", "three", "four", "five", "six"],
        ["seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "short", "end"],
    ]


def test_no_words_are_one_empty_sentence() -> None:
    assert sentences("") == [[]]
    assert sentences("?! ...") == [[]]


def test_terms_are_words_ngrams_and_prefixes() -> None:
    assert Analyzer(2, 3).terms(["clear", "mines"]) == ["clear", "mines", "clear mines", "cle*", "min*"]
    assert Analyzer(3, 0).terms(["a", "b", "c"]) == ["a", "b", "c", "a b", "b c", "a b c"]
    assert Analyzer(1, 0).terms([]) == []


def test_ngrams_do_not_cross_sentences() -> None:
    text = "One two three four five six. Seven eight nine ten eleven twelve."
    vocabulary = learn_vocabulary([text], Analyzer(2, 0))
    assert "five six" in vocabulary
    assert "six seven" not in vocabulary


def test_the_vocabulary_is_alphabetical() -> None:
    assert learn_vocabulary(["pear apple", "apple fig"], Analyzer(1, 0)) == {"apple": 0, "fig": 1, "pear": 2}


def test_counts_by_sentence_and_whole_with_unknown_words() -> None:
    vocabulary = {"apple": 0, "pear": 1}
    text = "Apple apple one two three four. Pear apple five six seven eight."
    counted = count([text, "nothing known"], Analyzer(1, 0), vocabulary)
    np.testing.assert_array_equal(counted.starts, [0, 2, 3])
    np.testing.assert_array_equal(counted.wholes.data, [3, 1])
    np.testing.assert_array_equal(counted.wholes.indices, [0, 1])
    np.testing.assert_array_equal(counted.wholes.indptr, [0, 2, 2])
    np.testing.assert_array_equal(counted.wholes.oov, [8, 2])
    np.testing.assert_array_equal(counted.sentences.data, [2, 1, 1])
    np.testing.assert_array_equal(counted.sentences.indices, [0, 0, 1])
    np.testing.assert_array_equal(counted.sentences.oov, [4, 4, 2])
