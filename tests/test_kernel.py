"""The kernel and the numpy reference give what the specification in `features` says, for any text."""

import json
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from itertools import islice

import fuzz_kernel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_model import TEXTS as NEWS
from small_model import fitted

from pipeline.model.scorer import Scorer
from pipeline.text.fallback import learn_vocabulary as learn_by_fallback
from pipeline.text.folding import fold, page
from pipeline.text.tokenizer import Analyzer, CountedTexts, Counts, sentences
from pipeline.text.vocabulary import COMPILED, Vocabulary, learn_vocabulary

PIECES = [
    "mine",
    "s",
    "'s",
    "\u2019s",
    "'",
    ".",
    "!",
    " ",
    "  ",
    "\n",
    "\t",
    "\x00",
    '."',
    "?\u201d ",
    "; ",
    "-",
    "*",
]
PIECES += [
    "\u00e9",
    "e\u0301",
    "\u0130",
    "\u00df",
    "\u017f",
    "\ufdfa",
    "\uac01",
    "\u041c\u0438\u043d\u0430",
    "\U0001f600",
]
PIECES += [
    "\u00ad",
    "\ud800",
    "\u0149",
    "\uff07",
    "a b c d e f. ",
    "one two three four five six seven? ",
    "\u00a0",
]
TEXTS = st.lists(st.text() | st.lists(st.sampled_from(PIECES), max_size=40).map("".join), max_size=4)
ANALYZERS = st.builds(Analyzer, st.integers(1, 4), st.integers(0, 6))

needs_kernel = pytest.mark.skipif(not COMPILED, reason="no compiler was there when the package was installed")


def plainly_counted(texts: list[str], terms: Vocabulary) -> tuple[list[Counter[int]], list[Counter[int]]]:
    index = {term: place for place, term in enumerate(terms.strings)}
    split = [[terms.analyzer.terms(sentence) for sentence in sentences(text)] for text in texts]
    by_sentence = [Counter(index.get(term, -1) for term in found) for text in split for found in text]
    wholes = [Counter(index.get(term, -1) for found in text for term in found) for text in split]
    return by_sentence, wholes


def as_counters(counts: Counts) -> list[Counter[int]]:
    found = []
    for row, unknown in enumerate(counts.oov):
        entries = slice(counts.indptr[row], counts.indptr[row + 1])
        assert (np.diff(counts.indices[entries]) > 0).all()
        row_counts = Counter(
            dict(zip(counts.indices[entries].tolist(), counts.data[entries].tolist(), strict=True))
        )
        found.append(row_counts + Counter({-1: int(unknown)}))
    return found


def assert_as_specified(counted: CountedTexts, texts: list[str], terms: Vocabulary) -> None:
    by_sentence, wholes = plainly_counted(texts, terms)
    assert as_counters(counted.sentences) == by_sentence
    assert as_counters(counted.wholes) == wholes
    assert counted.starts.tolist() == np.cumsum([0, *(len(sentences(text)) for text in texts)]).tolist()


@given(texts=TEXTS, analyzer=ANALYZERS, known=st.integers(1, 3))
def test_any_text_is_counted_as_specified(texts: list[str], analyzer: Analyzer, known: int) -> None:
    terms = learn_vocabulary(texts[::known], analyzer, min_df=1)
    assert_as_specified(terms.count(texts), texts, terms)
    assert_as_specified(terms.fallback.count(texts), texts, terms)


@given(texts=TEXTS, analyzer=ANALYZERS, min_df=st.integers(1, 3))
def test_any_text_teaches_the_same_terms(texts: list[str], analyzer: Analyzer, min_df: int) -> None:
    assert list(learn_vocabulary(texts, analyzer, min_df=min_df).strings) == learn_by_fallback(
        texts, analyzer, min_df
    )


def a_scorer(texts: list[str], seed: int, dtype: type[np.floating]) -> Scorer:
    terms = learn_vocabulary(texts, Analyzer(2, 5), min_df=1)
    draw = np.random.default_rng(seed)
    table = draw.normal(size=(len(terms), 4)).astype(dtype)
    table[:, 0] = np.where(draw.random(len(terms)) < 0.1, 0, np.abs(table[:, 0]) + 1)
    one = np.ones(3)
    return Scorer(
        topics=("a", "b", "c"),
        vocabulary=terms,
        table=table,
        oov_idf=7.0,
        sublinear=bool(seed % 3),
        oov_weight=0.5,
        slope=(0.25, 1.0)[seed % 2],
        pivot=9.0,
        text_coef=5 * one,
        sentence_coef=3 * one,
        intercept=-one,
        points={"balanced": one / 2},
    )


@given(texts=TEXTS, seed=st.integers(0, 9), dtype=st.sampled_from([np.float32, np.float64]))
def test_any_text_scores_the_same(texts: list[str], seed: int, dtype: type[np.floating]) -> None:
    scorer = a_scorer([*texts[1:], "mine action"], seed, dtype)
    np.testing.assert_allclose(scorer.scores(texts), scorer.fallback_scores(texts), rtol=0, atol=1e-12)


def test_a_text_longer_than_any_article_scores_the_same() -> None:
    text = "Mines were cleared near the village, officials said on Monday. " * 3000
    scorer = a_scorer([text], 0, np.float64)
    np.testing.assert_allclose(scorer.scores([text]), scorer.fallback_scores([text]), rtol=0, atol=1e-12)


def test_every_code_point_that_ends_a_sentence_separates_words() -> None:
    assert {fold(character) for character in ".!?;:"} == {" "}


def test_a_page_covers_256_code_points() -> None:
    folds, roles, pool = page(0)
    assert np.frombuffer(folds, np.uint32)[[ord("A"), ord("'"), ord(" "), 0xAD]].tolist() == [ord("a"), 2, 1, 0]
    assert (len(folds), len(roles), len(pool)) == (1024, 256, 24)


@needs_kernel
def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="a text must be a str, not bytes"):
        Vocabulary("mine", Analyzer()).count([b"mine"])  # type: ignore[list-item]


@needs_kernel
def test_a_term_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="term 1 has the hash of another"):
        Vocabulary("mine\nmine", Analyzer()).count(["mine"])


def kernel_scores(rows: np.ndarray, *constants: float, known: int = 1) -> np.ndarray:
    kernel, sublinear, whole, best = Vocabulary("mine\naction", Analyzer()).kernel, True, *np.empty((2, 1, 3))
    kernel.score(["mine"], rows, sublinear, *constants, whole, best, np.empty(known, np.bool_))
    return whole


@needs_kernel
def test_arrays_and_constants_that_do_not_fit_are_refused() -> None:
    rows, constants = np.ones((2, 4)), (1.0, 0.5, 1.0)
    assert np.isfinite(kernel_scores(rows, *constants)).all()
    for wrong in (np.ones((3, 4)), np.ones((2, 5)), np.ones((2, 4), np.int16), np.ones(0)):
        with pytest.raises(ValueError, match="do not fit"):
            kernel_scores(wrong, *constants)
    with pytest.raises(ValueError, match="do not fit"):
        kernel_scores(rows, *constants, known=2)
    for place, bad in [(0, -1.0), (1, -0.5), (2, float("nan")), (2, -1.0)]:
        broken = [*constants[:place], bad, *constants[place + 1 :]]
        with pytest.raises(ValueError, match="must be 0 or more"):
            kernel_scores(rows, *broken)
    with pytest.raises(ValueError, match="the divisor above 0"):
        kernel_scores(rows, 1.0, 0.0, 0.0)


@needs_kernel
@pytest.mark.parametrize(("ngrams", "prefix"), [(0, 5), (5, 5), (-1, 5), (2**32 - 1, 5), (2, 256), (2, -1)])
def test_an_analyzer_out_of_range_is_refused_by_the_kernel_too(ngrams: int, prefix: int) -> None:
    from pipeline.text import _kernel

    with pytest.raises(ValueError, match="expected 1 to 4 and 0 to 255"):
        _kernel.Vocabulary("mine", page, ngrams, prefix)
    with pytest.raises(ValueError, match="expected 1 to 4 and 0 to 255"):
        _kernel.learn(["mine"], page, ngrams, prefix, 1)


@needs_kernel
def test_a_fold_that_fails_is_told() -> None:
    from pipeline.text import _kernel

    def broken(number: int) -> tuple[bytes, bytes, bytes]:
        raise RuntimeError("no tables here")

    unmet = chr(0x10FF00)
    assert unicodedata.category(unmet) == "Co"
    with pytest.raises(RuntimeError, match="no tables here"):
        _kernel.Vocabulary("mine", broken, 2, 5).count([unmet])


def test_the_fuzzer_runs_and_finds_no_difference() -> None:
    assert len(list(islice(fuzz_kernel.run(1, list(NEWS)), 30))) == 30


def test_threads_share_a_scorer() -> None:
    texts = [
        f"Mines were cleared in village {n}. The talks on gas went on for {n} days there." for n in range(500)
    ]
    scorer = a_scorer(texts[:50], 0, np.float64)
    expected, found = scorer.scores(texts), {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: scorer.scores(texts)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[n] == expected).all() for n in range(4))


def test_without_a_compiler_the_answers_are_the_same() -> None:
    code = """
import sys
sys.modules["pipeline.text._kernel"] = None
from pipeline.text.vocabulary import COMPILED
from small_model import TEXTS, fitted
print(COMPILED, fitted().predict_proba(TEXTS).tolist())
"""
    run = subprocess.run([sys.executable, "-c", code], cwd="tests", capture_output=True, text=True, check=True)
    compiled, _, scores = run.stdout.partition(" ")
    assert compiled == "False"
    np.testing.assert_allclose(json.loads(scores), fitted().predict_proba(NEWS), rtol=0, atol=1e-9)
