"""How well one story is told from another: planted copies and look-alikes of the project's articles, by kind.

python -m bench.stories [--articles 200] [--seed 7]

Each article is put into one archive with a copy of each kind, edited as newspapers edit what an agency sends, and
with look-alikes: articles that share much of a text and are another story. All come in a random order. A copy is
found where it is in the story of its article; a look-alike is mistaken where it is in that of the article it
resembles.
"""

import argparse
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.archive.database import open_archive
from pipeline.archive.write import ArchiveModel, Entry, load_model, put
from pipeline.config import read_topics
from pipeline.data import corpus
from pipeline.evaluation.tables import as_markdown
from pipeline.schema import Article

Paragraphs = list[str]
Edit = Callable[[Paragraphs, Sequence[Paragraphs], random.Random], Paragraphs]
DAY, YEAR_LATER = "2026-03-02", "2027-03-02"
MATERIAL = 7  # articles that each is edited with, and no other: else these would tie stories together
LEAST, LONG = 3, 20  # paragraphs of text that an article has, and words of each
_TYPE = str.maketrans({'"': "\u201c", "'": "\u2019", "-": "\u2010", " ": "\u00a0"})
_CITIES = ("BAKU", "GENEVA", "TBILISI", "NAIROBI", "OSLO", "ANKARA")
_NAME = re.compile(r"\b[A-Z][a-z]+\b|\d+")


@dataclass(frozen=True)
class Planted:
    """An article to collect: of which number, edited how."""

    number: int
    kind: str
    text: str
    day: str


def _headline(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [" ".join(chance.choice(others)[-1].split()[:9]), *text]


def _dateline(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [
        f"{chance.choice(_CITIES)}, March {chance.randint(1, 28)} (Agency) \u2013 {text[0]}",
        *text[1:],
        "With agencies",
    ]


def _typography(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [
        paragraph.translate(_TYPE).upper() if n == 0 else paragraph.translate(_TYPE)
        for n, paragraph in enumerate(text)
    ]


def _local(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [chance.choice(others)[0], *text]


def _first(share: float) -> Edit:
    return lambda text, others, chance: text[: max(1, round(share * len(text)))]


def _middle_cut(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [*text[:1], *text[2:], chance.choice(others)[-1]]


def _rewritten(every: int) -> Edit:
    """Put another word in the place of one in so many."""

    def edit(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
        words = " ".join(chance.choice(others)).split()
        return [
            " ".join(chance.choice(words) if chance.random() < 1 / every else word for word in paragraph.split())
            for paragraph in text
        ]

    return edit


def _follow_up(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    """Report what is new, and repeat the background."""
    return [*chance.choice(others)[:3], *text[-max(1, round(0.4 * len(text))) :]]


def _quoting(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    other = chance.choice(others)
    return [*other[:1], text[len(text) // 2], *other[1:]]


def _template(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    """Keep the sentences, and put other names and numbers into them: a readout of another meeting."""
    names = _NAME.findall(" ".join(paragraph for other in others for paragraph in other))
    return [_NAME.sub(lambda found: chance.choice(names), paragraph) for paragraph in text]


def _round_up(text: Paragraphs, others: Sequence[Paragraphs], chance: random.Random) -> Paragraphs:
    return [paragraph for report in [*others, text] for paragraph in report]


COPIES: dict[str, Edit] = {
    "the same text": lambda text, others, chance: text,
    "another headline": _headline,
    "another dateline, a closing line": _dateline,
    "other quotes, hyphens, blanks and capitals": _typography,
    "a local first paragraph": _local,
    "the second paragraph cut, another closing one": _middle_cut,
    "the first half": _first(0.5),
    "the first third": _first(0.34),
    "one word in 20 is another": _rewritten(20),
    "one word in 10 is another": _rewritten(10),
    "one word in 5 is another": _rewritten(5),
}
LOOKALIKES: dict[str, Edit] = {
    "a follow-up that repeats 40 % as background": _follow_up,
    "another report that quotes a paragraph": _quoting,
    "the same template with other names and numbers": _template,
    "a round-up of eight reports": _round_up,
    "the same text, dated a year later": lambda text, others, chance: text,
}
ANOTHER = "another article of the corpus"


def planted(
    articles: Sequence[Paragraphs], material: Sequence[Paragraphs], chance: random.Random
) -> list[Planted]:
    """Plant copies and look-alikes of each article, edited with what articles say that are not collected."""
    found = []
    for number, text in enumerate(articles):
        others = material[number * MATERIAL : (number + 1) * MATERIAL]
        for kind, edit in {ANOTHER: COPIES["the same text"], **COPIES, **LOOKALIKES}.items():
            day = YEAR_LATER if kind == "the same text, dated a year later" else DAY
            found.append(Planted(number, kind, "\n\n".join(edit(text, others, chance)), day))
    return found


def read_articles(most: int, chance: random.Random) -> list[Paragraphs]:
    """Draw articles of the corpus."""
    ids = [topic.id for topic in read_topics(Path("configs/topics.yaml"))]
    by_article: dict[str, Paragraphs] = defaultdict(list)
    for row in corpus.read(["data/articles"], ids, unique=False):
        by_article[row.article].append(row.text)
    long = [text for text in by_article.values() if sum(len(one.split()) > LONG for one in text) >= LEAST]
    return chance.sample(long, most)


def stories_of(found: Sequence[Planted], model: ArchiveModel, chance: random.Random) -> list[int]:
    """Collect all in a random order, and return the story of each."""
    order = chance.sample(range(len(found)), len(found))
    with (
        tempfile.TemporaryDirectory() as folder,
        open_archive(Path(folder) / "a.sqlite3", create=True) as database,
    ):
        for place in order:
            one = found[place]
            article = Article(str(place), one.text, date=one.day)
            put(database, Entry(article, str(place), "Gazette", one.day, dated=True), model, collected=one.day)
        rows = dict(database.execute("SELECT key, story FROM articles").fetchall())
    return [rows[str(place)] for place in range(len(found))]


def measured(found: Sequence[Planted], stories: Sequence[int]) -> list[tuple[str, str, str]]:
    """Count by kind, and over all pairs that are in one story."""
    own = {one.number: story for one, story in zip(found, stories, strict=True) if one.kind == ANOTHER}
    together: dict[str, list[bool]] = defaultdict(list)
    for one, story in zip(found, stories, strict=True):
        together[one.kind].append(story == own[one.number])
    rows = [(kind, "copy", _share(together[kind])) for kind in COPIES]
    rows += [(kind, "look-alike", _share(together[kind])) for kind in LOOKALIKES]
    by_story: dict[int, set[int]] = defaultdict(set)
    for number, story in own.items():
        by_story[story].add(number)
    rows.append((ANOTHER, "look-alike", _share([len(by_story[story]) > 1 for story in own.values()])))
    return rows


def precision_and_recall(found: Sequence[Planted], stories: Sequence[int]) -> tuple[float, float]:
    """Return the share of the pairs in one story that are copies of one article, and the reverse."""
    members: dict[int, list[int]] = defaultdict(list)
    for place, story in enumerate(stories):
        members[story].append(place)
    groups = [
        (found[a].number, found[b].number, found[a].kind in LOOKALIKES or found[b].kind in LOOKALIKES)
        for places in members.values()
        for n, a in enumerate(places)
        for b in places[n + 1 :]
    ]
    right = sum(one == other and not is_lookalike for one, other, is_lookalike in groups)
    size = len(COPIES) + 1
    numbers = len({one.number for one in found})
    return right / len(groups), right / (numbers * size * (size - 1) / 2)


def _share(found: Sequence[bool]) -> str:
    return f"{100 * sum(found) / len(found):.1f} %"


def main() -> None:
    """Print a table in Markdown: a row a kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--model", type=Path, default=Path("models/candidate.safetensors"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    articles = read_articles((1 + MATERIAL) * options.articles, chance)
    found = planted(articles[: options.articles], articles[options.articles :], chance)
    started = time.perf_counter()
    stories = stories_of(found, load_model(options.model), chance)
    seconds = time.perf_counter() - started
    table = pd.DataFrame(measured(found, stories), columns=["text", "is a", "in the story of the article"])
    print(as_markdown(table))
    precision, recall = precision_and_recall(found, stories)
    print(
        f"\n{len(found):,} articles in {seconds:.0f} s; of pairs: precision {precision:.4f}, recall {recall:.4f}"
    )


if __name__ == "__main__":
    main()
