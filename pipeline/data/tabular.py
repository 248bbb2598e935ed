"""Tell tables from prose by their first lines: JSON lines, JSON documents and CSV."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Literal

Kind = Literal["JSON lines", "JSON", "CSV"]
DELIMITERS = ",;\t|"
_NO_DELIMITER = "\x1f"
_OBJECT_LINE = re.compile(r"""\s*\{\s*(?:["'][^"']*["']\s*:|\}\s*,?\s*$)""")
_DOCUMENT = re.compile(r"""\s*(?:\[\s*\{\s*["'}]|\{\s*"[^"]*"\s*:|\[\s*\]\s*$)""")
_ARRAY = re.compile(r"\s*\[\s*")
_QUOTED = re.compile(r'"(?:[^"]|"")*(?:"|$)')
_COLUMN = re.compile(r"[^\W\d][\w.-]*(?: [\w.-]+){0,3}")
_EXCEL_HINT = re.compile(r"sep=(.)\s*$", re.IGNORECASE)
_ROWS_TO_SEE = 20


def table_kind(start: str, column: str = "text") -> Kind | None:
    """Tell which table a text begins.

    The rules are strict, as no article may be taken for a table. JSON lines: the first two lines that are not
    blank begin an object each. JSON: a value that is an array of objects, or objects and nothing after them. CSV:
    the first line is a header of several plain names and the second is not blank; one of the names is `column`, or
    the rows that follow have as many fields.

    Parameters
    ----------
    start : str
        The text, or its first some thousand characters.
    column : str, default "text"
        The column of texts.

    Returns
    -------
    {"JSON lines", "JSON", "CSV"} or None

    """
    lines = [line for line in start.splitlines() if line.strip()][:2]
    if lines and _OBJECT_LINE.match(lines[0]) and lines[-1].lstrip().startswith("{"):
        return "JSON lines"
    if _is_document(start):
        return "JSON"
    return "CSV" if _is_csv(start, column) else None


def delimiter_of(header: str, column: str = "text") -> str:
    """Choose the delimiter of a CSV file by its header.

    Parameters
    ----------
    header : str
        The first line.
    column : str, default "text"

    Returns
    -------
    str
        The first of comma, semicolon, tab and bar by which the header has that column, else the one that it has
        most of outside of quotes. A header without any is that of one column, whose texts have commas as they
        like: the delimiter is a character that no text has.

    """
    for delimiter in DELIMITERS:
        if delimiter in header and column in _fields(header, delimiter):
            return delimiter
    plain = _QUOTED.sub("", header)
    counts = {delimiter: plain.count(delimiter) for delimiter in _NO_DELIMITER + DELIMITERS}
    return max(counts, key=counts.__getitem__)


def excel_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line `sep=;` names, which Excel writes and reads; None for other lines."""
    found = _EXCEL_HINT.match(line)
    return found.group(1) if found else None


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _is_document(start: str) -> bool:
    """Tell whether a value is JSON by how it begins and what follows the first row; a damaged row is JSON, too."""
    if not _DOCUMENT.match(start):
        return False
    array = _ARRAY.match(start)
    try:
        _, end = json.JSONDecoder().raw_decode(start, array.end() if array else len(start) - len(start.lstrip()))
    except (ValueError, RecursionError):
        return True
    rest = start[end:].lstrip()
    if array and rest.startswith("]"):
        return not rest[1:].strip()
    return rest[:1] in ("," if array else "{,")


def _is_csv(start: str, column: str) -> bool:
    lines = start.splitlines(keepends=True)
    hint = excel_delimiter(lines[0]) if lines else None
    lines = lines[1:] if hint else lines
    if not lines or (len(lines) > 1 and not lines[1].strip()):
        return False
    if lines[0].strip() == column:
        return len(lines) > 1
    delimiter = hint or delimiter_of(lines[0], column)
    header = _fields(lines[0], delimiter)
    names = header[1:] if header and not header[0] else header  # an unnamed first column is pandas' index
    if not names or len(header) == 1 or len({*names}) < len(names) or not all(map(_COLUMN.fullmatch, names)):
        return False
    return column in header or {len(header)} == set(_widths(lines[1:], delimiter))


def _widths(lines: list[str], delimiter: str) -> Iterator[int]:
    """Return how many fields each of the first rows has."""
    whole = lines[:-1] or lines  # the last may be cut
    reader = csv.reader(whole[: 10 * _ROWS_TO_SEE], delimiter=delimiter, strict=True)
    try:
        for _, record in zip(range(_ROWS_TO_SEE), reader, strict=False):
            yield (
                0 if any(field.startswith(" ") for field in record) else len(record)
            )  # in prose, commas precede spaces
    except csv.Error:
        yield 0
