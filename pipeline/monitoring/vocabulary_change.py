"""Find the words of new text that a model does not know, and known ones whose rate changed most."""

import math

import pandas as pd

from pipeline.model.scorer import Scorer
from pipeline.monitoring.reference import ReferenceSample
from pipeline.monitoring.sample import Sample

_SHOWN, _FEWEST_ARTICLES, _SURE = 20, 2, 3.0


def new_words(sample: Sample, scorer: Scorer) -> pd.DataFrame:
    """List the out-of-vocabulary words that are in most articles, of those in several.

    Parameters
    ----------
    sample : Sample
    scorer : Scorer

    Returns
    -------
    DataFrame
        Columns `word`, `articles` and `share`.

    """
    known, total = set(scorer.vocabulary.strings), len(sample.foreign)
    found = [(w, n) for w, n in sample.words.items() if w not in known and n >= _FEWEST_ARTICLES]
    shown = sorted(found, key=lambda item: (-item[1], item[0]))[:_SHOWN]
    rows = [[word, count, _percent(count / total)] for word, count in shown]
    return pd.DataFrame(rows, columns=["word", "articles", "share"])


def changed_words(sample: Sample, before: ReferenceSample, scorer: Scorer) -> pd.DataFrame:
    """List the known words whose share of articles changed most surely.

    By the z-score of the log odds (Monroe, Colaresi and Quinn 2008, "Fightin' words"), of articles rather than of
    occurrences, as a word that is used once is soon used again.

    Parameters
    ----------
    sample : Sample
    before : ReferenceSample
    scorer : Scorer

    Returns
    -------
    DataFrame
        Columns `word`, `articles of the reference`, `articles`, as shares, and `z`.

    """
    known, total = set(scorer.vocabulary.strings), len(sample.foreign)
    unlisted = max(min(before.words.values(), default=0) - 1, 0)  # words not listed are in fewer articles
    frequent = (word for word, count in sample.words.items() if count >= _FEWEST_ARTICLES)
    changes = []
    for word in known.intersection((*before.words, *frequent)):
        first, second = before.words.get(word, unlisted), sample.words[word]
        z = _z_score(first, before.articles, second, total)
        if abs(z) >= _SURE:
            changes.append((word, first / before.articles, second / total, z))
    shown = sorted(changes, key=lambda item: (-abs(item[3]), item[0]))[:_SHOWN]
    rows = [[word, _percent(first), _percent(second), f"{z:+.1f}"] for word, first, second, z in shown]
    return pd.DataFrame(rows, columns=["word", "articles of the reference", "articles", "z"])


def _z_score(first: int, first_total: int, second: int, second_total: int) -> float:
    cells = [
        first + 0.5,
        max(first_total - first, 0) + 0.5,
        second + 0.5,
        max(second_total - second, 0) + 0.5,
    ]
    return math.log(cells[2] * cells[1] / (cells[3] * cells[0])) / math.sqrt(sum(1 / cell for cell in cells))


def _percent(share: float) -> str:
    return f"{share:.1%}"
