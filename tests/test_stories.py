"""One story once: copies are found whatever was edited and in whatever order they come."""

import random
import sqlite3
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
from archiving import add, check, entry, made_archive, made_model

from pipeline.archive.database import transaction
from pipeline.archive.stories import are_copies, fingerprints, shingles
from pipeline.archive.write import ArchiveModel, Entry, remove


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArchiveModel:
    return made_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


def prose(seed: int, words: int) -> str:
    """Make a text that shares no shingle with that of another seed."""
    chance = random.Random(seed)
    return " ".join(
        f"{chance.choice('bdfgklmnprst')}{chance.choice('aeiou')}{chance.randrange(500)}x" for _ in range(words)
    )


def article(seed: int, paragraphs: int = 6) -> list[str]:
    return [prose(100 * seed + n, 50) for n in range(paragraphs)]


def copies(one: Sequence[str], other: Sequence[str]) -> bool:
    found = [
        are_copies(shingles("\n\n".join(a)), shingles("\n\n".join(b))) for a, b in ((one, other), (other, one))
    ]
    assert found[0] == found[1], "whether two articles are copies depends on their order"
    return found[0]


def stories(database: sqlite3.Connection) -> list[set[str]]:
    rows = database.execute("SELECT story, key FROM articles ORDER BY key").fetchall()
    by_story: dict[int, set[str]] = {}
    for row in rows:
        by_story.setdefault(row["story"], set()).add(row["key"])
    return sorted(by_story.values(), key=min)


def other_words(paragraphs: Sequence[str], every: int) -> list[str]:
    """Put another word in the place of each so-many-th."""
    return [
        " ".join("instead" if n % every == every - 1 else word for n, word in enumerate(text.split()))
        for text in paragraphs
    ]


ARTICLE = article(1)
LOCAL = prose(900, 50)


@pytest.mark.parametrize(
    "copy",
    [
        ["A headline of the paper", *ARTICLE],
        ["OSLO, March 3 (Agency) \u2013 " + ARTICLE[0], *ARTICLE[1:], "With agencies"],
        [text.upper().replace(" ", "\u00a0") for text in ARTICLE],
        [LOCAL, *ARTICLE],
        [*ARTICLE[:1], *ARTICLE[2:], LOCAL],
        ARTICLE[:3],
        ARTICLE[:2],
        other_words(ARTICLE, 20),
    ],
    ids=["headline", "dateline", "typography", "local", "cut", "half", "third", "edited"],
)
def test_an_edited_text_is_a_copy(copy: list[str]) -> None:
    assert copies(ARTICLE, copy)


@pytest.mark.parametrize(
    "other",
    [
        article(2),
        [*article(3)[:4], *ARTICLE[-2:]],
        [LOCAL, ARTICLE[2], *article(4)[:4]],
        other_words(ARTICLE, 10),
        [*ARTICLE, *article(5), *article(6), *article(7)],
        ARTICLE[:1],
    ],
    ids=["another", "follow-up", "quoting", "template", "round-up", "sixth"],
)
def test_a_text_that_shares_less_is_none(other: list[str]) -> None:
    assert not copies(ARTICLE, other)


def test_short_texts_are_copies_only_where_they_are_the_same() -> None:
    assert copies(["Lunch was served."], ["LUNCH was\nserved"])
    assert not copies(["Lunch was served."], ["Lunch was served. Then tea."])
    assert not copies(["Lunch was served in the garden today."], ["Lunch was served in the garden."])


def test_any_long_run_that_two_texts_share_gives_them_a_fingerprint_in_common() -> None:
    chance = random.Random(4)
    for seed in range(200):
        shared = prose(5000 + seed, 35)
        one, other = (
            f"{prose(start + seed, chance.randrange(1, 400))} {shared} {prose(start, chance.randrange(1, 400))}"
            for start in (6000, 7000)
        )
        assert set(fingerprints(shingles(one))) & set(fingerprints(shingles(other)))


def entries_of(texts: dict[str, list[str]], **days: str) -> list[Entry]:
    return [
        entry(key, "\n\n".join(text), title=key, outlet=key, day=days.get(key, "2026-03-01"))
        for key, text in texts.items()
    ]


TEXTS = {
    "agency": ARTICLE,
    "daily": ARTICLE[:3],
    "weekly": [*ARTICLE[3:], LOCAL],
    "other": article(2),
    "another": [LOCAL, *article(2)[1:]],
    "alone": article(3),
}


@pytest.mark.parametrize("order", random.Random(1).sample(list(permutations(TEXTS)), 6))
def test_stories_do_not_depend_on_the_order_in_which_articles_come(
    tmp_path: Path, model: ArchiveModel, order: tuple[str, ...]
) -> None:
    """The daily and the weekly share nothing: the agency's text ties them together, and may come last."""
    by_key = dict(zip(TEXTS, entries_of(TEXTS), strict=True))
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, *(by_key[key] for key in order))
        assert stories(database) == [{"agency", "daily", "weekly"}, {"alone"}, {"another", "other"}]
        check(database)


def test_a_story_has_the_title_of_its_first_article_and_the_days_of_all(
    tmp_path: Path, model: ArchiveModel
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        days = {"agency": "2026-03-03", "daily": "2026-03-02", "weekly": "2026-03-09"}
        add(database, model, *entries_of({key: TEXTS[key] for key in days}, **days))
        rows = database.execute("SELECT title, first_day, last_day FROM stories").fetchall()
        assert [tuple(row) for row in rows] == [("daily", "2026-03-02", "2026-03-09")]


def tell(database: sqlite3.Connection, story: int) -> None:
    """Note that a view's reader knows a story."""
    columns = len(database.execute("PRAGMA table_info(views)").fetchall())
    database.execute(f"INSERT INTO views VALUES (1, 'v', 'v', '{{}}', '[]'{', 0' * (columns - 5)})")
    database.execute("INSERT INTO told VALUES (1, ?, 'now')", (story,))
    database.commit()


@pytest.mark.parametrize("how", ["removed", "changed"])
def test_a_story_falls_apart_where_what_tied_it_together_goes(
    tmp_path: Path, model: ArchiveModel, how: str
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, *entries_of(TEXTS))
        (story,) = database.execute("SELECT story FROM articles WHERE key = 'daily'").fetchone()
        tell(database, story)
        if how == "removed":
            with transaction(database):
                remove(
                    database, [row[0] for row in database.execute("SELECT id FROM articles WHERE key = 'agency'")]
                )
        else:
            add(database, model, *entries_of({"agency": article(8)}))
        rest = [
            {"daily"},
            {"other", "another"},
            {"weekly"},
            {"alone"},
            *([{"agency"}] if how == "changed" else []),
        ]
        assert sorted(map(sorted, stories(database))) == sorted(map(sorted, rest))
        told = {row[0] for row in database.execute("SELECT key FROM told JOIN articles USING (story)")}
        assert {"daily", "weekly"} <= told <= {"daily", "weekly", "agency"}, "what was told would be told again"
        check(database)


def test_a_story_that_joins_two_counts_as_told_where_one_of_them_was(tmp_path: Path, model: ArchiveModel) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, *entries_of({key: TEXTS[key] for key in ("daily", "weekly")}))
        (story,) = database.execute("SELECT story FROM articles WHERE key = 'weekly'").fetchone()
        tell(database, story)
        add(database, model, *entries_of({"agency": ARTICLE}))
        assert stories(database) == [{"agency", "daily", "weekly"}]
        assert database.execute("SELECT count(*) FROM told JOIN articles USING (story)").fetchone()[0] == 3
        check(database)


def test_the_same_text_a_year_later_is_another_story_unless_a_date_is_not_stated(
    tmp_path: Path, model: ArchiveModel
) -> None:
    text = "\n\n".join(ARTICLE)
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, entry("a", text, day="2026-03-01"), entry("b", text, day="2027-03-01"))
        add(database, model, entry("c", text, day="2026-04-01"))
        assert stories(database) == [{"a", "c"}, {"b"}]
        add(database, model, entry("d", text, day="2028-01-01", dated=False))
        assert stories(database) == [{"a", "b", "c", "d"}]


def test_a_story_of_very_many_copies_takes_each_in_a_time_that_does_not_grow(
    tmp_path: Path, model: ArchiveModel
) -> None:
    with made_archive(tmp_path / "a.sqlite3") as database:
        add(database, model, *(entry(f"{n:03}", "\n\n".join([f"Paper {n}", *ARTICLE])) for n in range(120)))
        assert stories(database) == [{f"{n:03}" for n in range(120)}]
        compared = []
        database.set_trace_callback(lambda query: compared.append(query) if "dated, text FROM" in query else None)
        add(database, model, entry("last", "\n\n".join(ARTICLE)))
        assert len(compared) <= 3, "it was compared with each copy"
