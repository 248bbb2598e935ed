"""Read JSON that is not in lines: an array of rows, an object around one such array, or objects in sequence."""

import io
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from pipeline.errors import SourceError
from pipeline.predict.tables.rows import (
    MAX_ROW,
    TOO_LARGE,
    Chunk,
    Columns,
    Record,
    Table,
    UnreadableRow,
    checked,
    grouped,
)
from pipeline.predict.tables.streams import Stream

_BLOCK = 1 << 16
_SPACE = " \t\r\n"
_Row = tuple[int, Any]
"""A row's line, and its value."""


def read_json_document(stream: Stream, column: str) -> Table:
    """Open JSON, which is read a row at a time.

    Parameters
    ----------
    stream : Stream
    column : str
        The column of texts: an object with this field is a row, not an object around rows.

    Returns
    -------
    Table

    Raises
    ------
    SourceError
        Where the first row cannot be read.

    """
    text = io.TextIOWrapper(stream.file, stream.encoding, newline="")
    rows = _rows(_Values(text.read, stream.name), column)
    first = next(rows, None)
    fields = tuple(first[1]) if first and isinstance(first[1], dict) else ()

    def reader(columns: Columns, skip: int) -> Iterator[Chunk]:
        found = chain([first] if first else [], rows)
        return grouped((_record(*row, columns) for row in found), skip, lambda _: stream.position())

    return Table(stream.name, fields, stream.size, reader, has_header=False)


class _Values:
    """The values of a JSON text, one after the other, with no more of it in memory than one of them takes.

    Parameters
    ----------
    read : callable
        The most characters to read, to the next ones.
    name : str
        Of the table, for errors.

    """

    def __init__(self, read: Callable[[int], str], name: str) -> None:
        self.line = 1
        self._read, self._name = read, name
        self._text, self._place = "", 0
        self._decode = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Return the next character that is not white space; an empty string at the end."""
        while True:
            while self._place < len(self._text):
                if self._text[self._place] not in _SPACE:
                    return self._text[self._place]
                self._advance(self._place + 1)
            if not self._more(_BLOCK):
                return ""

    def take(self, *expected: str) -> str:
        """Take the next character; raise SourceError where it is none of these."""
        char = self.peek()
        if char not in expected or not char:
            raise self.error(f"not JSON: expected {' or '.join(expected)}, found {char or 'the end'}")
        self._place += 1
        return char

    def look(self) -> tuple[Any, int]:
        """Return the next value and where it ends; raise SourceError where it is not JSON."""
        self.peek()
        size = _BLOCK
        while True:
            problem: Exception | None = None
            try:
                value, end = self._decode(self._text, self._place)
            except (ValueError, RecursionError) as error:
                problem, value, end = error, None, len(self._text)
            if len(self._text) - self._place > MAX_ROW:
                raise self.error(TOO_LARGE)
            if end < len(self._text) or not self._more(size):  # at the end of the text a number may go on
                break
            size *= 2
        if problem:
            raise self.error(f"not JSON: {problem.msg if isinstance(problem, json.JSONDecodeError) else problem}")
        return value, end

    def value(self) -> Any:
        """Take the next value."""
        value, end = self.look()
        self._advance(end)
        return value

    def _advance(self, place: int) -> None:
        self.line += self._text.count("\n", self._place, place)
        self._place = place

    def _more(self, size: int) -> bool:
        piece = self._read(size)
        if piece:
            self._text, self._place = self._text[self._place :] + piece, 0
        return bool(piece)

    def error(self, reason: str) -> SourceError:
        """Return an error at the current line."""
        return SourceError(f"{self._name}: line {self.line}: {reason}")


def _rows(values: _Values, column: str) -> Iterator[_Row]:
    """Find the rows, whichever way they are written."""
    first = values.peek()
    if first == "[":
        yield from _elements(values)
    elif first and (key := _key_of_rows(values, column)) is not None:
        yield from _elements_within(values, key)
    else:
        yield from _sequence(values)
    if char := values.peek():
        raise values.error(f"not JSON: expected the end, found {char}")


def _key_of_rows(values: _Values, column: str) -> str | None:
    """Return under which key an object has rows; None where it is a row itself."""
    found, _ = values.look()
    if not isinstance(found, dict) or column in found:
        return None
    keys = [key for key, value in found.items() if _is_array_of_objects(value)]
    if len(keys) > 1:
        raise values.error(f"{len(keys)} arrays of rows, expected one: {', '.join(keys[:10])}")
    return keys[0] if keys else None


def _is_array_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def _elements_within(values: _Values, key: str) -> Iterator[_Row]:
    values.take("{")
    while values.value() != key:
        values.take(":")
        values.value()
        values.take(",")
    values.take(":")
    yield from _elements(values)
    while values.take(",", "}") == ",":
        values.value()
        values.take(":")
        values.value()


def _sequence(values: _Values) -> Iterator[_Row]:
    while values.peek():
        yield values.line, values.value()
        if values.peek() == ",":
            values.take(",")


def _elements(values: _Values) -> Iterator[_Row]:
    """Return the elements of an array; raise SourceError where it is damaged."""
    values.take("[")
    if values.peek() == "]":
        values.take("]")
        return
    while True:
        values.peek()
        yield values.line, values.value()
        if values.take(",", "]") == "]":
            return


def _record(line: int, value: Any, columns: Columns) -> Record:
    if not isinstance(value, dict):
        return UnreadableRow(line, "not a JSON object"), *[None] * len(columns.others)
    return checked(value.get(columns.text), line, columns.text), *map(value.get, columns.others)
