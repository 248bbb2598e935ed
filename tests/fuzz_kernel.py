"""Throw mutated news at the kernel and hold it to the reference: `make fuzz`, or `make sanitize` under sanitizers.

It is no test of the suite: it runs for as many seconds as it is told, from a seed that it prints.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.model.scorer import Scorer
from pipeline.text.fallback import learn_vocabulary
from pipeline.text.tokenizer import Analyzer, Counts
from pipeline.text.vocabulary import COMPILED, Vocabulary

MARKS = ["'s", "\u2019s", "'", ". ", '."  ', "?\u201d\n", "\u00ad", "\ud800", "\ufdfa", "\U0001f600", "\x00"]
RANGES = [(0, 0x80), (0x80, 0x250), (0x300, 0x530), (0x2000, 0x3001), (0xAC00, 0xE000), (0, 0x110000)]


def main() -> None:
    """Fuzz for some seconds from a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    if not COMPILED:
        parser.error("the kernel is not compiled here")
    print(f"seed {options.seed}", flush=True)
    end, rounds = time.monotonic() + options.seconds, 0
    for _ in run(options.seed, news()):
        rounds += 1
        if time.monotonic() > end:
            break
    print(f"{rounds} rounds: kernel and reference agree")


def run(seed: int, texts: list[str]) -> Iterator[None]:
    """Compare kernel and reference on mutated texts, again and again; yield after each round."""
    chance = random.Random(seed)
    while True:
        compare([mutated(chance, texts) for _ in range(chance.randrange(1, 8))], chance)
        yield


def news() -> list[str]:
    """Read real paragraphs to begin from."""
    file = sorted(Path("data/articles").glob("*.jsonl"))[0]
    return [json.loads(line)["text"] for line in file.read_bytes().splitlines()]


def mutated(chance: random.Random, texts: list[str]) -> str:
    """Cut, splice and disturb a paragraph."""
    text = chance.choice(texts)
    for _ in range(chance.randrange(12)):
        place, other = chance.randrange(len(text) + 1), chance.choice(texts)
        anything = chr(chance.randrange(*chance.choice(RANGES)))
        piece = chance.choice([chance.choice(MARKS), anything, other[: chance.randrange(40)], ""])
        text = text[:place] + piece + text[place + chance.randrange(3) :]
    return text[: chance.randrange(len(text) + 1)] if chance.randrange(2) else text


def compare(texts: list[str], chance: random.Random) -> None:
    """Check counts and scores of a few texts."""
    analyzer = Analyzer(chance.randrange(1, 4), chance.randrange(7))
    terms = Vocabulary("\n".join(learn_vocabulary(texts[1:], analyzer, 1)), analyzer)
    ours, theirs = terms.count(texts), terms.fallback.count(texts)
    assert same(ours.sentences, theirs.sentences), texts
    assert same(ours.wholes, theirs.wholes), texts
    assert (ours.starts == theirs.starts).all(), texts
    k = chance.choice([1, 3, 5, 9])
    table = np.random.default_rng(chance.randrange(1000)).random((len(terms), 1 + k))
    for made in (table, table.astype(np.float32)):
        scorer = a_scorer(terms, made, np.ones(k))
        assert np.abs(scorer.scores(texts) - scorer.fallback_scores(texts)).max() < 1e-9, texts


def a_scorer(terms: Vocabulary, table: np.ndarray, one: np.ndarray) -> Scorer:
    """Make a scorer whose terms all matter."""
    return Scorer(
        topics=("t",) * len(one),
        vocabulary=terms,
        table=table,
        oov_idf=5.0,
        sublinear=True,
        oov_weight=0.5,
        slope=0.5,
        pivot=3.0,
        text_coef=one,
        sentence_coef=one,
        intercept=-one,
        points={"balanced": one / 2},
    )


def same(ours: Counts, theirs: Counts) -> bool:
    """Tell whether counts are equal to the last element."""
    names = ("data", "indices", "indptr", "oov")
    return all(np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in names)


if __name__ == "__main__":
    main()
