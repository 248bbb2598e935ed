"""Save corrections, a row each in SQLite, and export them as labelled paragraphs."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import OutputError

_TABLE = """
CREATE TABLE IF NOT EXISTS corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    article TEXT NOT NULL,
    paragraph INTEGER NOT NULL,
    text TEXT NOT NULL,
    model_topics TEXT NOT NULL,
    person_topics TEXT NOT NULL,
    model TEXT NOT NULL,
    time TEXT NOT NULL
)
"""
_COLUMNS = "article, paragraph, text, model_topics, person_topics, model, time"


@dataclass(frozen=True, slots=True)
class Correction:
    """The topics that the model and a person assign to a paragraph.

    Parameters
    ----------
    article : str
        What keeps an article's paragraphs together.
    paragraph : int
    text : str
    model_topics, person_topics : tuple of str
    model : str
        The run that trained the model.
    time : str
        UTC, ISO 8601.

    """

    article: str
    paragraph: int
    text: str
    model_topics: tuple[str, ...]
    person_topics: tuple[str, ...]
    model: str
    time: str


def beside(model: Path) -> Path:
    """Choose the file of a model's corrections: those of another label set stay apart.

    Parameters
    ----------
    model : Path
        A bundle, or an output directory.

    Returns
    -------
    Path
        In that directory; beside a bundle of another name than training gives it, a file that has its name too.

    """
    if not model.is_file():
        return model / "corrections.sqlite3"
    if model.stem in ("champion", "candidate"):
        return model.with_name("corrections.sqlite3")
    return model.with_name(f"{model.stem}.corrections.sqlite3")


def of_registered(address: str) -> Path:
    """Choose the file of the corrections of a model in MLflow's registry: all its versions share it.

    Parameters
    ----------
    address : str
        `models:/NAME@ALIAS` or `models:/NAME/VERSION`.

    Returns
    -------
    Path
        In the user's folder for data, named by the model.

    """
    name = address.removeprefix("models:").strip("/").partition("@")[0].partition("/")[0]
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(data) / "paragraph-topics" / f"{name}.corrections.sqlite3"


def check(path: Path) -> None:
    """Refuse a file to which no correction could be added; a missing one is not made yet.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        Where its folder or the file cannot be written, or it is no file of corrections.

    """
    if not path.name or path.is_dir():
        raise OutputError(f"{path}: cannot save corrections: expected a file, not a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()  # SQLite writes its journal beside the file
    except FileExistsError:
        raise OutputError(f"{path}: cannot save corrections: {path.parent} is not a folder") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot save corrections: {error.strerror or error}") from None
    if path.exists():
        with _opened(path) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(f"SELECT {_COLUMNS} FROM corrections LIMIT 0")
            database.rollback()


def add(path: Path, correction: Correction) -> None:
    """Save a correction.

    Parameters
    ----------
    path : Path
        A SQLite file; made where there is none.
    correction : Correction

    Raises
    ------
    OutputError
        Where it cannot be written.

    """
    values = (
        correction.article,
        correction.paragraph,
        correction.text,
        json.dumps(correction.model_topics),
        json.dumps(correction.person_topics),
        correction.model,
        correction.time,
    )
    with _opened(path) as database, database:
        database.execute(
            f"INSERT INTO corrections ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )


def latest(path: Path, *, most: int = -1) -> list[Correction]:
    """List corrections.

    Parameters
    ----------
    path : Path
    most : int, default -1
        How many; -1 for all.

    Returns
    -------
    list of Correction
        The newest first; none where there is no file.

    Raises
    ------
    OutputError
        Where the file is no database.

    """
    if not path.exists():
        return []
    with _opened(path) as database:
        rows = database.execute(
            f"SELECT {_COLUMNS} FROM corrections ORDER BY id DESC LIMIT ?",
            (most,),
        ).fetchall()
    return [
        Correction(a, p, text, _ids(model), _ids(person), run, time)
        for a, p, text, model, person, run, time in rows
    ]


def export(path: Path) -> Iterator[str]:
    """Export corrections as labelled paragraphs.

    Parameters
    ----------
    path : Path

    Yields
    ------
    str
        A JSON object for each text, oldest first, with the topics of its latest correction.

    Raises
    ------
    OutputError
        Where there is no file.

    """
    if not path.exists():
        raise OutputError(f"{path}: no corrections; they are made on the page of `topics serve`")
    by_text: dict[str, Correction] = {}
    for correction in latest(path):
        by_text.setdefault(" ".join(correction.text.split()), correction)
    ids: dict[tuple[str, int], int] = {}
    for found in reversed(by_text.values()):
        place = (found.article, found.paragraph)
        ids[place] = ids.get(place, -1) + 1
        article = f"corrected-{found.article}" + (f"-{ids[place]}" if ids[place] else "")
        yield json.dumps(
            {
                "article": article,
                "paragraph": found.paragraph,
                "text": found.text,
                "topics": found.person_topics,
                "date": found.time,
            },
            ensure_ascii=False,
        )


def now() -> str:
    """Return the present time."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=5)) as database:
            database.execute(_TABLE)
            yield database
    except (OSError, sqlite3.Error) as error:
        raise OutputError(f"{path}: cannot save corrections: {error}") from None


def _ids(text: str) -> tuple[str, ...]:
    ids: Sequence[str] = json.loads(text)
    return tuple(ids)
