"""The archive's file: SQLite with articles, paragraphs, what each model says of them, saved views and feeds.

Writers hold one transaction for an article, so that a process killed at any moment leaves whole articles; readers
are not in their way, as the journal is written ahead.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.errors import ArchiveError

VERSION = 1
_SCHEMA = """
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL,
    topics TEXT NOT NULL,        -- JSON: id, title, colour and threshold of each, in column order
    added TEXT NOT NULL,
    complete INTEGER NOT NULL    -- 1 where every paragraph has its answer: the newest such model's are shown
);
CREATE TABLE stories (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL
);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,    -- its address, else the place it was read from: collected again, it is replaced
    digest TEXT NOT NULL,        -- SHA-256 of its text
    story INTEGER NOT NULL REFERENCES stories(id),
    title TEXT NOT NULL,
    outlet TEXT NOT NULL,
    day TEXT NOT NULL,           -- YYYY-MM-DD: its own date, else the day it was collected
    dated INTEGER NOT NULL,      -- 1 where the date is its own
    date TEXT,                   -- as the article states it
    language TEXT,
    address TEXT,                -- http or https
    source TEXT NOT NULL,        -- file or address that it was read from
    text TEXT NOT NULL,
    notes TEXT NOT NULL,         -- JSON: a sentence each
    collected TEXT NOT NULL      -- UTC, ISO 8601
);
CREATE INDEX articles_day ON articles(day);
CREATE INDEX articles_story ON articles(story);
CREATE TABLE paragraphs (
    id INTEGER PRIMARY KEY,
    article INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (article, number)
);
CREATE VIRTUAL TABLE words USING fts5(text, content='paragraphs', content_rowid='id', tokenize='unicode61');
CREATE TRIGGER words_added AFTER INSERT ON paragraphs BEGIN
    INSERT INTO words(rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER words_removed AFTER DELETE ON paragraphs BEGIN
    INSERT INTO words(words, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TABLE predictions (
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    paragraph INTEGER NOT NULL REFERENCES paragraphs(id) ON DELETE CASCADE,
    scores TEXT NOT NULL,        -- JSON: a number for each topic, in the model's column order
    PRIMARY KEY (model, paragraph)
) WITHOUT ROWID;
CREATE TABLE hits (              -- a row for each topic that a paragraph is given
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    topic TEXT NOT NULL,
    day TEXT NOT NULL,
    paragraph INTEGER NOT NULL REFERENCES paragraphs(id) ON DELETE CASCADE,
    article INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE,
    score REAL NOT NULL,
    about INTEGER NOT NULL,      -- 1 where the article is about the topic, 0 where it only mentions it
    PRIMARY KEY (model, topic, day, paragraph)
) WITHOUT ROWID;
CREATE INDEX hits_article ON hits(article);
CREATE INDEX hits_paragraph ON hits(paragraph);
CREATE TABLE tallies (           -- counts by day and outlet, kept with the articles
    model INTEGER NOT NULL REFERENCES models(id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    outlet TEXT NOT NULL,
    topic TEXT NOT NULL,         -- '' for all paragraphs, with or without a topic
    paragraphs INTEGER NOT NULL, -- that have the topic
    scores REAL NOT NULL,        -- the sum of the topic's scores over all paragraphs
    PRIMARY KEY (model, day, outlet, topic)
) WITHOUT ROWID;
CREATE TABLE views (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,   -- as people read it
    slug TEXT NOT NULL UNIQUE,   -- as addresses and options spell it
    selection TEXT NOT NULL,     -- JSON of archive.selection.Selection
    notify TEXT NOT NULL,        -- JSON: addresses to tell of new matches
    notify_since TEXT NOT NULL   -- UTC, ISO 8601: what was collected before is not new to them
);
CREATE TABLE feeds (
    address TEXT PRIMARY KEY,
    etag TEXT,
    last_modified TEXT,
    checked TEXT,                -- UTC, ISO 8601
    due TEXT,                    -- not to be asked before
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT
);
CREATE TABLE told (              -- which stories a view's digest has told of
    view INTEGER NOT NULL REFERENCES views(id) ON DELETE CASCADE,
    story INTEGER NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (view, story)
) WITHOUT ROWID;
"""


@contextmanager
def open_archive(path: Path, *, create: bool = False) -> Iterator[sqlite3.Connection]:
    """Open an archive.

    Parameters
    ----------
    path : Path
    create : bool, default False
        Make it where there is none.

    Yields
    ------
    sqlite3.Connection
        Rows are addressed by column name; each `with connection:` is a transaction.

    Raises
    ------
    ArchiveError
        Where there is none, or it cannot be read or written, or is no archive, or one of another version.

    """
    if not create and not path.exists():
        raise ArchiveError(f"{path}: no archive here; `topics collect` makes one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = ON")
            _prepare(database, path)
            yield database
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(f"{path}: cannot use this archive: {error}") from None


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        return
    if version:
        raise ArchiveError(f"{path}: an archive of version {version}, this program reads version {VERSION}")
    if database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise ArchiveError(f"{path}: a database, but no archive of this program")
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
