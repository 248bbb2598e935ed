"""How large an archive is and how fast it is filled, labelled anew, exported and pruned.

python -m bench.archive [--articles 10000]

The articles are made of the corpus's paragraphs, six or so each, of forty outlets over ninety days; every fifth is
a copy of another, with a line of its own.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from pipeline.archive.database import open_archive
from pipeline.archive.relabel import relabel
from pipeline.archive.retention import compact, contents, prune
from pipeline.archive.transfer import export
from pipeline.archive.write import Entry, load_model, put
from pipeline.config import read_topics
from pipeline.data import corpus
from pipeline.schema import Article

FIRST, DAYS, OUTLETS, COPIES = date(2026, 1, 1), 90, 40, 5
LENGTHS = range(2, 11)  # paragraphs


def made_articles(most: int, texts: Sequence[str], chance: random.Random) -> Iterator[Entry]:
    """Make articles of paragraphs, each from another article."""
    before = ""
    for number in range(most):
        text = "\n\n".join(chance.sample(list(texts), chance.choice(LENGTHS)))
        if number % COPIES == COPIES - 1:
            text = f"From our correspondent in town {number}\n\n{before}"
        before, day = text, FIRST + timedelta(number * DAYS // most)
        article = Article(f"https://example.org/{number}", text, f"Article {number}", day.isoformat())
        outlet = f"Outlet {chance.randrange(OUTLETS)}"
        yield Entry(article, article.source, outlet, day.isoformat(), dated=True, address=article.source)


@contextmanager
def timed(what: str, articles: int) -> Iterator[None]:
    """Print how long a block takes."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{what}: {seconds:.1f} s, {articles / seconds:,.0f} articles/s", flush=True)


def main() -> None:
    """Fill an archive and print a line for each thing done with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--model", type=Path, default=Path("models/candidate.safetensors"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    ids = [topic.id for topic in read_topics(Path("configs/topics.yaml"))]
    texts = [row.text for row in corpus.read(["data/articles"], ids, unique=False)]
    model, chance = load_model(options.model), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.sqlite3"
        with open_archive(path, create=True) as database:
            database.execute("PRAGMA synchronous = NORMAL")  # as `topics collect` does
            with timed("collected", options.articles):
                for entry in made_articles(options.articles, texts, chance):
                    put(database, entry, model, collected=entry.day)
            compact(database)
            found = contents(database, path)
            print(f"{found.articles:,} articles, {found.paragraphs:,} paragraphs, {found.stories:,} stories")
            characters = database.execute("SELECT sum(length(text)) FROM articles").fetchone()[0]
            print(f"{characters / 1e6:.1f} million characters")
            print(f"archive: {found.size / 1e6:.1f} MB")
            for form in ("jsonl", "parquet"):
                with timed(f"exported, {form}", options.articles):
                    export(database, Path(folder) / form, form)
                size = sum(file.stat().st_size for file in (Path(folder) / form).iterdir())
                print(f"export, {form}: {size / 1e6:.1f} MB")
            with timed("labelled anew", options.articles):
                relabel(database, replace(model, sha256="another"))
            with timed("half of it pruned", options.articles // 2):
                prune(database, before=FIRST + timedelta(DAYS // 2))
                compact(database)


if __name__ == "__main__":
    main()
