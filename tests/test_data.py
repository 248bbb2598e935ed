"""The labelled data keep what the data card promises; `make check-data` runs these alone."""

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
OWN_NAMES = ["COP29", "LNG", "Ottawa"]  # two name the topic or its treaty; LNG is a substance, not a name


@pytest.fixture(scope="module")
def rows():
    return corpus.read([ROOT / "data/articles"], IDS)


def is_test(row):
    return any(row.writer in test_set.writers for test_set in CONFIG.data.test.values())


def test_there_is_enough_of_it(rows):
    train = [row for row in rows if not is_test(row)]
    assert len(train) >= 14_000
    assert len({row.article for row in train}) >= 2_700
    assert all(row.topics is not None for row in rows)


def test_every_topic_has_thirteen_hundred_training_paragraphs_and_every_pair_thirty(rows):
    train = [row for row in rows if not is_test(row)]
    counted = Counter(topic for row in train for topic in row.topics)
    assert min(counted[topic] for topic in IDS) >= 1_300
    pairs = Counter(pair for row in train for pair in combinations(sorted(row.topics), 2))
    assert min(pairs[pair] for pair in combinations(sorted(IDS), 2)) >= 30


def test_about_half_has_no_topic_and_some_have_several(rows):
    train = [row for row in rows if not is_test(row)]
    assert 0.40 <= sum(not row.topics for row in train) / len(train) <= 0.60
    assert sum(len(row.topics) > 1 for row in train) / len(train) >= 0.05


def test_test_sets_hold_a_days_news_and_the_corpus_mix(rows):
    sets = {
        name: [row for row in rows if row.writer in test_set.writers]
        for name, test_set in CONFIG.data.test.items()
    }
    topical = {name: sum(bool(row.topics) for row in found) / len(found) for name, found in sets.items()}
    assert len(sets["day"]) >= 1_500
    assert 0.12 <= topical["day"] <= 0.20
    assert len(sets["mixed"]) >= 700
    assert 0.40 <= topical["mixed"] <= 0.60
    articles = Counter(row.article for row in sets["day"])
    assert median(articles.values()) >= 8


def test_lengths_are_those_of_news(rows):
    train = [row for row in rows if not is_test(row)]
    lengths = sorted(len(row.text.split()) for row in train)
    shares = [sum(low <= n < high for n in lengths) / len(lengths) for low, high in [(0, 25), (25, 70), (70, 400)]]
    assert shares[0] >= 0.10
    assert 0.35 <= shares[1] <= 0.65
    assert shares[2] >= 0.20
    assert 35 <= median(lengths) <= 65


def test_it_covers_genres_regions_and_decades(rows):
    genres = Counter(row.genre for row in rows)
    assert len([genre for genre, number in genres.items() if number >= 60]) >= 30
    assert len({row.region for row in rows}) >= 11
    decades = Counter(statistics.decade(row) for row in rows)
    assert min(decades[decade] for decade in ("1980s", "1990s", "2000s", "2010s", "2020s")) >= 60


def test_no_paragraph_with_a_topic_nearly_repeats_another(rows):
    pairs = near_duplicates([row.text for row in rows], similarity=0.3)
    assert [(rows[a].text, rows[b].text) for a, b in pairs if rows[a].topics or rows[b].topics] == []
    assert len(pairs) <= 30  # disclaimers and notices to subscribers


def test_no_article_is_in_train_and_test_split_both(rows):
    tested = {row.article for row in rows if is_test(row)}
    assert tested.isdisjoint(row.article for row in rows if not is_test(row))


def test_text_is_too_varied_for_templates(rows):
    assert statistics.distinct_ngrams(rows, n=3) >= 0.60
    assert statistics.distinct_ngrams(rows, n=5) >= 0.95


def test_no_frequent_name_gives_a_topic_away(rows):
    table = statistics.name_precision(rows, most=100).set_index("name")["precision"].astype(float)
    assert table[table > 0.80].drop(OWN_NAMES, errors="ignore").to_dict() == {}


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
