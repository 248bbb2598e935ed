"""Tell which articles tell one story, and keep the archive's stories: one for each group of near-copies.

Two articles are copies where they share most of the shorter one's shingles, runs of four words, in whole passages.
So a copy may be shortened, and may have another headline, beginning and end. They are none where

- they share less than 60 % of the shorter one, or less than 75 % where that is many phrases rather than passages:
  a template that is filled in with other names and numbers;
- one is more than three times as long, as a round-up that holds a whole report is not that report;
- both state their dates, more than a month apart, as some texts come every year.

A story is what copies, and copies of copies, tie together. So it does not depend on the order in which they came.

Copies are looked for among the articles that share fingerprints. Those are chosen by winnowing (Schleimer,
Wilkerson and Aiken 2003): of any run of 35 words that two texts share, one shingle is in the fingerprints of both.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from pipeline.text.tokenizer import words

SHINGLE = 4  # words
WINDOW = 32  # shingles
SHARED = 0.6  # of the shorter article's shingles, in passages
SHARED_IN_PHRASES = 0.75
PASSAGE = 16  # shingles that a shared passage has on average
LEAST = 8  # shingles that are shared
LONGEST = 3  # times the words of the shorter one
DAYS = 31
_FEW = 0.25  # of the fingerprints of the one that has fewer: copies share more
_CANDIDATES = f"""
    WITH found AS (
        SELECT article, count(*) AS shared FROM json_each(?) AS own JOIN fingerprints ON hash = own.value
        GROUP BY article
    )
    SELECT id, story, day, dated FROM found JOIN articles ON id = article
    WHERE shared >= {_FEW} * min(?, (SELECT count(*) FROM fingerprints WHERE article = id))
    ORDER BY shared DESC
"""
Shingles = NDArray[np.uint32]


def shingles(text: str) -> Shingles:
    """Hash the shingles of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    uint32 array
        In the order of the text; of a text shorter than a shingle, one for all of it.

    """
    found = words(text)
    runs = (" ".join(found[start : start + SHINGLE]) for start in range(max(1, len(found) - SHINGLE + 1)))
    return np.fromiter((zlib.crc32(run.encode()) for run in runs), np.uint32)


def fingerprints(hashes: Shingles) -> list[int]:
    """Choose the shingles by which copies are found: the least of every window.

    Parameters
    ----------
    hashes : uint32 array
        As `shingles` returns them.

    Returns
    -------
    list of int

    """
    if len(hashes) <= WINDOW:
        return [int(hashes.min())]
    windows = np.lib.stride_tricks.sliding_window_view(hashes, WINDOW)
    found: list[int] = np.unique(windows.min(axis=1)).tolist()
    return found


def are_copies(one: Shingles, other: Shingles) -> bool:
    """Tell whether two articles are copies, but for their dates.

    Parameters
    ----------
    one, other : uint32 array
        Their shingles.

    Returns
    -------
    bool

    """
    shorter, longer = sorted((one, other), key=lambda hashes: (len(hashes), hashes.tobytes()))
    words_beyond = SHINGLE - 1  # of the last shingle
    if len(longer) + words_beyond > LONGEST * (len(shorter) + words_beyond):
        return False
    is_shared = np.isin(shorter, longer)
    shared = np.count_nonzero(is_shared)
    if shared < LEAST:
        return np.array_equal(one, other)
    passages = np.count_nonzero(np.diff(is_shared, prepend=False) & is_shared)
    needed = SHARED if shared >= PASSAGE * passages else SHARED_IN_PHRASES
    return bool(shared >= needed * len(shorter))


def link(database: sqlite3.Connection, article: int) -> int:
    """Put an article into the story of its copies; where these are of several stories, they become one.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    article : int
        One in a story of its own, without fingerprints.

    Returns
    -------
    int
        The story: the oldest of them.

    """
    row = _row(database, article)
    hashes = shingles(row["text"])
    own = fingerprints(hashes)
    stories = sorted({row["story"], *_stories_of_copies(database, row, hashes, own)})
    database.executemany("INSERT INTO fingerprints (hash, article) VALUES (?, ?)", [(one, article) for one in own])
    for absorbed in stories[1:]:
        database.execute("UPDATE articles SET story = ? WHERE story = ?", (stories[0], absorbed))
        _copy_told(database, absorbed, stories[0])
        _drop(database, absorbed)
    _describe(database, stories[0])
    return int(stories[0])


def unlink(database: sqlite3.Connection, articles: Iterable[int]) -> None:
    """Take articles out of their stories, each into one of its own.

    A story that only they tied together falls apart; its parts count as told where it was.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.
    articles : iterable of int

    """
    left = set()
    for article in articles:
        row = _row(database, article)
        left.add(row["story"])
        database.execute("DELETE FROM fingerprints WHERE article = ?", (article,))
        _move(database, [row], row["story"])
    for story in left:
        _split(database, story)


def new_story(database: sqlite3.Connection) -> int:
    """Add a story, to be described when it has articles.

    Parameters
    ----------
    database : sqlite3.Connection
        In a transaction.

    Returns
    -------
    int

    """
    made = database.execute("INSERT INTO stories (title, first_day, last_day) VALUES ('', '', '')")
    return int(made.lastrowid or 0)


def _stories_of_copies(
    database: sqlite3.Connection, row: sqlite3.Row, hashes: Shingles, own: Sequence[int]
) -> set[int]:
    """Find the stories that have a copy of an article; of each, one copy is enough."""
    found: set[int] = set()
    for candidate in database.execute(_CANDIDATES, (json.dumps(own), len(own))).fetchall():
        if candidate["story"] not in found and _may_be_copies(row, candidate):
            other = _row(database, candidate["id"])
            if are_copies(hashes, shingles(other["text"])):
                found.add(candidate["story"])
    return found


def _may_be_copies(one: sqlite3.Row, other: sqlite3.Row) -> bool:
    """Tell whether the dates of two articles allow it."""
    if not (one["dated"] and other["dated"]):
        return True
    return abs(date.fromisoformat(one["day"]) - date.fromisoformat(other["day"])).days <= DAYS


def _split(database: sqlite3.Connection, story: int) -> None:
    rest = database.execute(
        "SELECT id, story, day, dated, text FROM articles WHERE story = ? ORDER BY day, key", (story,)
    ).fetchall()
    for group in _tied(rest)[1:]:
        _move(database, group, story)
    if rest:
        _describe(database, story)
    else:
        _drop(database, story)


def _tied(rows: Sequence[sqlite3.Row]) -> list[list[sqlite3.Row]]:
    """Group articles by what copies tie together."""
    known = {row["id"]: shingles(row["text"]) for row in rows}
    waiting = list(rows)
    groups = []
    while waiting:
        group = [waiting.pop(0)]
        for member in group:  # it grows meanwhile
            near = [
                row
                for row in waiting
                if _may_be_copies(member, row) and are_copies(known[member["id"]], known[row["id"]])
            ]
            group += near
            waiting = [row for row in waiting if row not in near]
        groups.append(group)
    return groups


def _move(database: sqlite3.Connection, rows: Sequence[sqlite3.Row], told_as: int) -> None:
    """Give articles a story of their own."""
    story = new_story(database)
    database.executemany("UPDATE articles SET story = ? WHERE id = ?", [(story, row["id"]) for row in rows])
    _copy_told(database, told_as, story)
    _describe(database, story)


def _copy_told(database: sqlite3.Connection, story: int, other: int) -> None:
    database.execute(
        "INSERT OR IGNORE INTO told (view, story, time) SELECT view, ?, time FROM told WHERE story = ?",
        (other, story),
    )


def _drop(database: sqlite3.Connection, story: int) -> None:
    database.execute("DELETE FROM told WHERE story = ?", (story,))
    database.execute("DELETE FROM stories WHERE id = ?", (story,))


def _describe(database: sqlite3.Connection, story: int) -> None:
    """Give a story the title of its first article, and the days of all."""
    database.execute(
        "UPDATE stories SET"
        " title = (SELECT title FROM articles WHERE story = stories.id ORDER BY day, key LIMIT 1),"
        " first_day = (SELECT min(day) FROM articles WHERE story = stories.id),"
        " last_day = (SELECT max(day) FROM articles WHERE story = stories.id)"
        " WHERE id = ?",
        (story,),
    )


def _row(database: sqlite3.Connection, article: int) -> sqlite3.Row:
    row: sqlite3.Row = database.execute(
        "SELECT id, story, day, dated, text FROM articles WHERE id = ?", (article,)
    ).fetchone()
    return row
