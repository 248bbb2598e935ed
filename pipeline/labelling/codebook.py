"""The codebook beside the labelling page: what it says of each topic, and the rulings nearest to a paragraph."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.schema import Topic
from pipeline.text.tokenizer import words

_HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)
_ITEM = re.compile(r"^[-*] ")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_RULE = re.compile(r"^\|[\s:|-]+\|$")
_PREFIX = 5  # letters in which "cleared" and "clearance" are one word
_SHORTEST = 4  # letters: most shorter words say nothing of a subject


@dataclass(frozen=True, slots=True)
class Ruling:
    """A list item or a table row of the codebook, and the section that it stands in."""

    section: str
    text: str


@dataclass(frozen=True)
class Codebook:
    """What a codebook says.

    Parameters
    ----------
    topics : dict of str to tuple of str
        By topic id, the paragraphs of its section.
    rulings : tuple of Ruling
        Of all other sections.

    """

    topics: Mapping[str, tuple[str, ...]]
    rulings: tuple[Ruling, ...]

    def nearest(self, text: str, *, most: int = 3) -> list[Ruling]:
        """Choose the rulings that share most with a text.

        Parameters
        ----------
        text : str
        most : int, default 3

        Returns
        -------
        list of Ruling
            By cosine similarity of TF-IDF over words and their first letters, the nearest first; only those that
            share a word with the text.

        """
        counted = [Counter(_terms(ruling.text)) for ruling in self.rulings]
        rows = Counter(term for terms in counted for term in terms)
        idf = {term: math.log(1 + len(counted) / number) for term, number in rows.items()}
        asked = set(_terms(text))
        scores = [_similarity(terms, asked, idf) for terms in counted]
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return [self.rulings[i] for i in order[:most] if scores[i] > 0]


def read_codebook(text: str, topics: Sequence[Topic]) -> Codebook | None:
    """Read a codebook in Markdown: a section `## id` or `## id · Title` for a topic, rulings in the others.

    Parameters
    ----------
    text : str
    topics : sequence of Topic

    Returns
    -------
    Codebook or None
        None where it has a section of none of the topics: it is another label set's.

    """
    headings = [*_HEADING.finditer(text), None]
    known = {name.lower(): topic.id for topic in topics for name in (topic.id, topic.title)}
    about: dict[str, tuple[str, ...]] = {}
    rulings: list[Ruling] = []
    for heading, following in pairwise(headings):
        assert heading is not None  # only the last is
        body = text[heading.end() : following.start() if following else len(text)]
        names = [name.strip().lower() for name in heading[1].split("·")]
        topic = next((known[name] for name in names if name in known), None)
        if topic:
            about[topic] = tuple(_plain(part) for part in re.split(r"\n\s*\n", body.strip()))
        else:
            rulings += [Ruling(_plain(heading[1]), ruling) for ruling in _rulings(body)]
    return Codebook(about, tuple(rulings)) if about else None


def _rulings(body: str) -> list[str]:
    """Return the items of lists, with their continued lines, and the rows of tables without their headings."""
    found: list[str] = []
    lines = body.splitlines()
    for number, line in enumerate(lines):
        if _ITEM.match(line):
            found.append(line[2:])
        elif line.startswith("  ") and found:
            found[-1] += f" {line.strip()}"
        elif line.startswith("|") and not _RULE.match(line.strip()) and not _is_head(lines, number):
            found.append(": ".join(filter(None, (cell.strip() for cell in line.strip().strip("|").split("|")))))
    return [_plain(ruling) for ruling in found]


def _is_head(lines: Sequence[str], number: int) -> bool:
    return number + 1 < len(lines) and bool(_RULE.match(lines[number + 1].strip()))


def _plain(text: str) -> str:
    return " ".join(_LINK.sub(r"\1", text).replace("**", "").replace("`", "").split())


def _terms(text: str) -> list[str]:
    found = [word for word in words(text) if len(word) >= _SHORTEST]
    return found + [f"{word[:_PREFIX]}*" for word in found]


def _similarity(terms: Counter[str], asked: set[str], idf: Mapping[str, float]) -> float:
    norm = math.sqrt(sum((number * idf[term]) ** 2 for term, number in terms.items()))
    return sum(terms[term] * idf[term] ** 2 for term in asked & terms.keys()) / norm if norm else 0.0
