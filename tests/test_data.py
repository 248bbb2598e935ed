"""The labelled data keep what the data card promises; `make check-data` runs these alone."""

import csv
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from statistics import median

import pytest

from pipeline.config import read_config, read_topics
from pipeline.data import corpus, statistics
from pipeline.data.split import near_duplicates

ROOT = Path(__file__).parent.parent
CONFIG = read_config(ROOT / "configs/default.yaml")
TOPICS = read_topics(ROOT / "configs/topics.yaml")
IDS = [topic.id for topic in TOPICS]
OWN_NAMES = ["COP29", "LNG"]  # COP29's own name is the topic, and LNG is a substance, not a name


@pytest.fixture(scope="module")
def rows():
    return corpus.read([ROOT / "data/articles"], IDS)


@pytest.fixture(scope="module")
def codes():
    with (ROOT / "data/subtopics.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["topic"] for row in csv.DictReader(file)}


def is_test(row):
    return any(row.writer in test_set.writers for test_set in CONFIG.data.test.values())


def test_there_is_enough_of_it(rows):
    assert len(rows) >= 10_000
    assert len({row.article for row in rows}) >= 1_800
    assert sum(map(is_test, rows)) >= 1_200
    assert all(row.topics is not None for row in rows)


def test_every_topic_has_a_thousand_paragraphs_and_every_pair_thirty(rows):
    counted = Counter(topic for row in rows for topic in row.topics)
    assert min(counted[topic] for topic in IDS) >= 1_000
    pairs = Counter(pair for row in rows for pair in combinations(sorted(row.topics), 2))
    assert min(pairs[pair] for pair in combinations(sorted(IDS), 2)) >= 30


def test_half_has_no_topic_a_third_of_that_is_near_one_and_a_tenth_has_several(rows):
    none = [row for row in rows if not row.topics]
    assert 0.45 <= len(none) / len(rows) <= 0.60
    near = [row for row in none if row.subtopics and row.subtopics != ("n0",)]
    assert len(near) / len(none) >= 1 / 3
    assert sum(len(row.topics) > 1 for row in rows) / len(rows) >= 0.10


def test_paragraphs_are_as_long_with_a_topic_as_without(rows):
    lengths = {True: [], False: []}
    for row in rows:
        lengths[bool(row.topics)].append(len(row.text.split()))
    every = lengths[True] + lengths[False]
    assert min(every) >= 12
    assert max(every) <= 180
    assert 45 <= median(every) <= 60
    assert 0.85 <= median(lengths[True]) / median(lengths[False]) <= 1.15


def test_it_covers_genres_regions_and_decades(rows):
    genres = Counter(row.genre for row in rows)
    assert len([genre for genre, number in genres.items() if number >= 20]) >= 40
    assert len({row.region for row in rows}) >= 11
    decades = Counter(statistics.decade(row) for row in rows)
    assert min(decades[decade] for decade in ("1980s", "1990s", "2000s", "2010s", "2020s")) >= 100


def test_no_paragraph_nearly_repeats_another(rows):
    pairs = near_duplicates([row.text for row in rows], similarity=0.3)
    assert [(rows[a].text, rows[b].text) for a, b in pairs] == []


def test_no_article_is_in_train_and_test_split_both(rows):
    tested = {row.article for row in rows if is_test(row)}
    assert tested.isdisjoint(row.article for row in rows if not is_test(row))


def test_text_is_too_varied_for_templates(rows):
    assert statistics.distinct_ngrams(rows, n=3) >= 0.70
    assert statistics.distinct_ngrams(rows, n=5) >= 0.97


def test_no_frequent_name_gives_a_topic_away(rows):
    table = statistics.name_precision(rows, most=100).set_index("name")["precision"].astype(float)
    assert table[table > 0.60].drop(OWN_NAMES, errors="ignore").to_dict() == {}


def test_every_paragraph_is_read_twice_and_the_readers_agree(rows):
    unread = [
        (row.article, row.paragraph) for row in rows if row.reader_topics is None or row.writer_topics is None
    ]
    assert unread == []
    assert statistics.reader_agreement(rows, TOPICS)["kappa"].astype(float).min() >= 0.90


def test_the_settled_label_is_one_of_the_two_or_lies_between_them(rows):
    for row in rows:
        agreed = set(row.writer_topics) & set(row.reader_topics)
        given = set(row.writer_topics) | set(row.reader_topics)
        assert agreed <= set(row.topics) <= given, (row.article, row.paragraph)


def test_subtopics_are_known_and_belong_to_the_readers_topics(rows, codes):
    for row in rows:
        assert set(row.subtopics) <= codes.keys(), (row.article, row.paragraph)
        assert {codes[code] for code in row.subtopics} - {""} == set(row.reader_topics), (
            row.article,
            row.paragraph,
        )


def test_every_subtopic_is_covered(rows, codes):
    counted = Counter(code for row in rows for code in row.subtopics)
    assert {code for code in codes if counted[code] < 20} == set()


def test_the_data_card_shows_the_tables_of_the_data(monkeypatch):
    monkeypatch.chdir(ROOT)
    card = (ROOT / "data/README.md").read_text(encoding="utf-8")
    assert statistics.describe(CONFIG) in card


def test_the_corpus_shares_no_text_with_the_real_paragraphs():
    tool = os.environ.get("OVERLAP")
    if not tool:
        pytest.skip("no real paragraphs here: name the tool that knows them, OVERLAP=path/to/overlap.py")
    files = sorted(map(str, (ROOT / "data/articles").glob("*.jsonl")))
    done = subprocess.run([sys.executable, tool, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
