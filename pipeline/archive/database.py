"""The archive's file: SQLite with articles, paragraphs, what each model says of them, saved views and feeds.

Writers hold one transaction for an article, so that a process killed at any moment leaves whole articles; readers
are not in their way, as the journal is written ahead.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipeline.errors import ArchiveError

VERSION = 1
# AUTOINCREMENT: a number that pages and people link to is never given again
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
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL
);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
CREATE INDEX articles_facts ON articles(id, story, outlet, day, collected);  -- without the text: read at once
CREATE TABLE paragraphs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
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
    PRIMARY KEY (paragraph, model)  -- in this order, as a paragraph is removed more often than a model
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
CREATE TABLE fingerprints (       -- of the articles' texts: articles that share one may tell the same story
    hash INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES articles(id) ON DELETE CASCADE,
    PRIMARY KEY (hash, article)
) WITHOUT ROWID;
CREATE INDEX fingerprints_article ON fingerprints(article);
CREATE TABLE sources (           -- what was read: it is not parsed again until its content is another
    place TEXT PRIMARY KEY,      -- file or address
    reading TEXT NOT NULL,       -- how: the program's version, and options
    digest TEXT NOT NULL,        -- SHA-256 of its content
    articles INTEGER NOT NULL    -- how many it held
) WITHOUT ROWID;
CREATE TABLE pruned (            -- articles that grew too old: they are not collected again
    key TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE views (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,   -- as people read it
    slug TEXT NOT NULL UNIQUE,   -- as addresses and options spell it
    selection TEXT NOT NULL,     -- JSON of archive.selection.Selection
    notify TEXT NOT NULL,        -- JSON: addresses to tell of new matches
    notify_since TEXT NOT NULL   -- UTC, ISO 8601: what was collected before is not new to them
);
CREATE TABLE feeds (             -- and other addresses that are asked again
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
CREATE TABLE notices (           -- what a view tells, one for each address
    id INTEGER PRIMARY KEY,
    view INTEGER NOT NULL REFERENCES views(id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    mark TEXT NOT NULL UNIQUE,   -- what it is recognised by: the same at every attempt
    content BLOB,                -- what is sent; NULL once it was, or was given up
    made TEXT NOT NULL,
    due TEXT NOT NULL,           -- not to be sent before
    attempts INTEGER NOT NULL DEFAULT 0,  -- counted before each
    sent TEXT,
    error TEXT                   -- of the last attempt
);
"""


_REASONS = {
    sqlite3.SQLITE_BUSY: "another process has held it for too long; try again",
    sqlite3.SQLITE_LOCKED: "another process has held it for too long; try again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened, or not be written beside",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it from a copy, or import an export",
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_NOTADB: "it is no archive, or damaged",
    sqlite3.SQLITE_READONLY: "it is read-only",
}


@contextmanager
def open_archive(path: Path, *, create: bool = False, patience: float = 30.0) -> Iterator[sqlite3.Connection]:
    """Open an archive.

    Parameters
    ----------
    path : Path
    create : bool, default False
        Make it where there is none.
    patience : float, default 30
        Seconds to wait for another process that is writing.

    Yields
    ------
    sqlite3.Connection
        Rows are addressed by column name; `transaction` writes.

    Raises
    ------
    ArchiveError
        Where there is none, or it cannot be read or written, or is no archive, or one of another version. What
        SQLite raises in the block becomes one, too.

    """
    try:
        _check_place(path, create=create)
        with closing(sqlite3.connect(path, timeout=patience)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = ON")
            _check_version(database, path)
            yield database
    except sqlite3.Error as error:
        raise ArchiveError(f"{path}: cannot use this archive: {_reason(error)}") from None


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Write all that the block does, or nothing; other writers wait from the beginning.

    A transaction that read first and then wrote would fail where another process wrote in between.

    Parameters
    ----------
    database : sqlite3.Connection

    """
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.rollback()
        raise
    database.commit()


def _check_place(path: Path, *, create: bool) -> None:
    try:
        if path.is_dir():
            raise ArchiveError(f"{path}: expected the file of an archive, not a folder")
        if not path.exists():
            if not create:
                raise ArchiveError(f"{path}: no archive here; `topics collect` makes one")
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
    except FileExistsError:
        raise ArchiveError(f"{path}: cannot use this archive: {path.parent} is not a folder") from None
    except OSError as error:
        raise ArchiveError(f"{path}: cannot use this archive: {error.strerror or error}") from None


def _make(path: Path) -> None:
    """Make an archive beside its place and link it there: two processes at once end with one that is whole."""
    with tempfile.TemporaryDirectory(prefix=".archive-", dir=path.parent) as folder:
        part = Path(folder) / "part"
        with closing(sqlite3.connect(part)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        try:
            os.link(part, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            part.rename(path)


def _reason(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", None)  # none where Python itself, not SQLite, raised it
    return _REASONS.get(code & 0xFF, str(error)) if code is not None else str(error)


def _check_version(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise ArchiveError(f"{path}: an archive of version {version}, this program reads version {VERSION}")
    if not version:
        found = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        raise ArchiveError(
            f"{path}: {'a database, but no archive of this program' if found else 'empty, no archive'}"
        )
