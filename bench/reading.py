"""Time the pages on an archive of many articles, composed of the project's labelled ones and labelled by a model.

python -m bench.reading [--articles 10000] [--archive FILE]

Each article is eleven labelled paragraphs, dated within 60 days, of one of 40 outlets; every fourth is a copy. An
archive that is named is kept and used again.
"""

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from pipeline.archive.database import open_archive
from pipeline.archive.queries import days
from pipeline.archive.write import Entry, load_model, put
from pipeline.config import read_topics
from pipeline.data import corpus
from pipeline.predict.article import bundle_path
from pipeline.schema import Article

TOPICS = Path("configs/topics.yaml")
FIRST, DAYS, OUTLETS, PARAGRAPHS, REPEATS = date(2026, 1, 1), 60, 40, 11, 7
PAGES = {
    "Today": "/today",
    "Today, 60 days": "/today?since=&until=",
    "Today, 60 days, one topic": "/today?since=&until=&topic={topic}",
    "Today, 60 days, score 0.2 and above": "/today?since=&until=&threshold=0.2",
    "Search, a rare word": "/search?words=sappers",
    "Search, a beginning": "/search?words=demin*",
    'Search, the word "the"': "/search?words=the",
    "Timeline, 30 days": "/timeline",
    "Timeline, 60 days": "/timeline?since=&until=",
    "Article": "/article/77",
    "Views": "/views",
}


def composed(number: int) -> Iterator[Entry]:
    """Compose articles."""
    chance = random.Random(1)
    rows, _ = corpus.read_labelled(
        sorted(Path("data/articles").glob("*.jsonl")), [t.id for t in read_topics(TOPICS)]
    )
    material = [row.text for row in rows]
    text = ""
    for place in range(number):
        if place % 4 != 3:  # noqa: PLR2004  # every fourth is a copy of the one before
            text = "\n\n".join(chance.sample(material, PARAGRAPHS))
        day = (FIRST + timedelta(days=place * DAYS // number)).isoformat()
        article = Article(f"composed/{place}", text, f"Report {place}", day)
        address = f"https://outlet.example/{place}"
        yield Entry(article, address, f"Outlet {chance.randrange(OUTLETS)}", day, dated=True, address=address)


def fill(path: Path, model: Path, number: int) -> None:
    """Put composed articles into an archive that has none."""
    with open_archive(path, create=True) as database:
        if days(database) is None:
            used = load_model(bundle_path(model))
            for entry in composed(number):
                put(database, entry, used, collected=f"{entry.day}T06:00:00+00:00")


def measure(address: str) -> tuple[float, float, int]:
    """Ask for a page again and again: median and longest time in seconds, and its bytes."""
    times, size = [], 0
    for _ in range(REPEATS):
        started = time.perf_counter()
        with urllib.request.urlopen(address, timeout=60) as page:
            size = len(page.read())
        times.append(time.perf_counter() - started)
    return statistics.median(times), max(times), size


def main() -> None:
    """Fill an archive, serve it, and time its pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("models"), help="a bundle file or output folder")
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--archive", type=Path, help="keep the archive here")
    chosen = parser.parse_args()
    topic = read_topics(TOPICS)[0].id
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.archive or Path(folder) / "archive.sqlite3"
        fill(path, chosen.model, chosen.articles)
        command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--log", "off"]
        command += ["--model", str(chosen.model), "--archive", str(path), "--corrections", f"{folder}/c.sqlite3"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            found = re.search(r"(http://\S+)", service.stderr.readline() if service.stderr else "")
            print(f"{chosen.articles} articles, {path.stat().st_size / 1e6:.0f} MB")
            print("| page | median ms | longest ms | kB |\n| --- | --- | --- | --- |")
            for name, page in PAGES.items():
                median, longest, size = measure(f"{found[1] if found else ''}{page.format(topic=topic)}")
                print(f"| {name} | {median * 1000:.0f} | {longest * 1000:.0f} | {size / 1000:.0f} |", flush=True)
            service.terminate()


if __name__ == "__main__":
    main()
