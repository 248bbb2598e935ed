"""Texts that are nearly the same and labelled differently, with the words in which they differ."""

import difflib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.data.split import near_duplicates
from pipeline.text.tokenizer import words

_CONTEXT = 12  # words of a change that are shown at most


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with its labels, and where it stands."""

    where: str
    text: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two texts that are nearly the same and labelled differently.

    Parameters
    ----------
    first, second : Labelled
    disputed : tuple of str
        The topics that one of them has alone.
    changes : tuple of (str, str)
        The words that stand in the first, and in their place in the second; either may be empty.

    """

    first: Labelled
    second: Labelled
    disputed: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]

    def as_text(self) -> str:
        """Write it for a terminal: both places with their labels, and the words that differ."""
        places = "".join(
            f"{found.where}: {', '.join(found.topics) or 'none'}\n" for found in (self.first, self.second)
        )
        differ = "; ".join(f"{old or '-'} / {new or '-'}" for old, new in self.changes) or "the same words"
        return f"{places}  {differ}\n  {' '.join(self.first.text.split())[:100]}\n"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return asdict(self)


def contradictions(rows: Sequence[Labelled], *, similarity: float) -> list[Contradiction]:
    """Find pairs of texts that are nearly the same and labelled differently.

    Parameters
    ----------
    rows : sequence of Labelled
    similarity : float
        The least Jaccard similarity of 4-word shingles of a pair. Texts of the same words are a pair however short
        they are.

    Returns
    -------
    list of Contradiction
        In order of the first rows.

    """
    pairs = {(int(first), int(second)) for first, second in _pairs(rows, similarity)}
    return [
        _contradiction(rows[first], rows[second])
        for first, second in sorted(pairs)
        if set(rows[first].topics) != set(rows[second].topics)
    ]


def changed_words(first: str, second: str) -> tuple[tuple[str, str], ...]:
    """Return where two texts differ: the words of the first, and those in their place in the second.

    Parameters
    ----------
    first, second : str

    Returns
    -------
    tuple of (str, str)
        Either is empty where words were put in or left out; long ones are cut.

    """
    old, new = first.split(), second.split()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return tuple(
        (_cut(old[begin:end]), _cut(new[start:stop]))
        for kind, begin, end, start, stop in matcher.get_opcodes()
        if kind != "equal"
    )


def _pairs(rows: Sequence[Labelled], similarity: float) -> list[tuple[int, int]]:
    """Return pairs to compare; of rows with the same words and labels, the first stands for all."""
    texts = [" ".join(words(row.text)) for row in rows]
    first: dict[tuple[str, frozenset[str]], int] = {}
    for place, row in enumerate(rows):
        first.setdefault((texts[place], frozenset(row.topics)), place)
    kept = np.array(list(first.values()), np.int64)
    by_text: dict[str, list[int]] = {}
    for place in kept.tolist():
        by_text.setdefault(texts[place], []).append(place)
    same = [(group[0], other) for group in by_text.values() for other in group[1:]]
    near = near_duplicates([rows[place].text for place in kept], similarity=similarity)
    return same + [(first, second) for first, second in kept[near].tolist() if texts[first] != texts[second]]


def _contradiction(first: Labelled, second: Labelled) -> Contradiction:
    disputed = tuple(sorted(set(first.topics) ^ set(second.topics)))
    return Contradiction(first, second, disputed, changed_words(first.text, second.text))


def _cut(found: Sequence[str]) -> str:
    return " ".join(found[:_CONTEXT]) + (" …" if len(found) > _CONTEXT else "")
