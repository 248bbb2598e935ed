"""Rows of a table of texts: read texts, or lines of JSON to be read by whoever labels them.

A row that cannot be read keeps its place as a `Problem`: there is one answer for each row.
"""

import codecs
import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SourceError

MAX_ROW = 20_000_000


@dataclass(frozen=True)
class Problem:
    """Why a row has no text: the line it is on (in Parquet: its row), from 1, and the reason."""

    line: int
    reason: str


@dataclass(frozen=True)
class Place:
    """Where lines of JSON are: a file, their first byte and their number of bytes."""

    name: str
    start: int
    length: int

    def read(self) -> bytes:
        """Read them; raise SourceError if the file no longer has them all."""
        try:
            with Path(self.name).open("rb") as file:
                file.seek(self.start)
                lines = file.read(self.length)
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror or error}") from None
        if len(lines) < self.length:
            raise SourceError(f"{self.name}: was cut short while it was read")
        return lines


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows, the first numbered `first` from 1: read texts, or lines of JSON that are read later.

    `end` is how far the table is read with this chunk: bytes, in Parquet rows. So many lines before the first row
    are `answered` already.
    """

    first: int
    rows: list[str | Problem] | bytes | Place
    end: int
    answered: int = 0

    def texts(self, column: str) -> list[str | Problem]:
        """Give the text of every row, a blank line of JSON lines being a row without text."""
        if isinstance(self.rows, list):
            return self.rows
        lines = self.rows.read() if isinstance(self.rows, Place) else self.rows
        if self.first == 1:
            lines = lines.removeprefix(codecs.BOM_UTF8)
        unanswered = lines.removesuffix(b"\n").split(b"\n")[self.answered :]
        return [_text(line, number, column) for number, line in enumerate(unanswered, self.first)]


def _text(line: bytes, number: int, column: str) -> str | Problem:
    if len(line) > MAX_ROW:
        return Problem(number, f"longer than {MAX_ROW // 1_000_000} MB")
    try:
        found = json.loads(str(line, "utf-8"))
    except (ValueError, RecursionError):
        return Problem(number, "not JSON in UTF-8" if line.strip() else "an empty line")
    if not isinstance(found, dict):
        return Problem(number, "not a JSON object")
    return checked(found.get(column), number, column)


def checked(text: object, line: int, column: str) -> str | Problem:
    """Give what is in the column of texts, or why it is no text."""
    if isinstance(text, str):
        return text
    return Problem(line, f"no text in {column}" if text is None else f"{column} is not text")
