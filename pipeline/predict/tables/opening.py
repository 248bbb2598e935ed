"""Open a table: tell its format by its name and its first bytes, and have that format's reader read it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath

from pipeline.data.documents import SUFFIXES as ARTICLES
from pipeline.data.documents import sniffed
from pipeline.data.streams import standard_input
from pipeline.data.tabular import table_kind
from pipeline.errors import SourceError, TopicsError
from pipeline.predict.tables.delimited import read_csv
from pipeline.predict.tables.excel import read_excel
from pipeline.predict.tables.json_document import read_json_document
from pipeline.predict.tables.json_lines import read_json_lines
from pipeline.predict.tables.parquet import read_parquet
from pipeline.predict.tables.rows import Table
from pipeline.predict.tables.streams import COMPRESSIONS, Stream, compression, ending, one_line_errors, open_stream

_BY_ENDING = {
    ".jsonl": "JSON lines",
    ".ndjson": "JSON lines",
    ".json": "JSON",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".parquet": "Parquet",
    ".xlsx": "XLSX",
    ".xlsm": "XLSX",
}
_NOT_READ = {
    ".xls": "the old format of Excel; save it as XLSX",
    ".xlsb": "a binary workbook; save it as XLSX",
    ".ods": "an OpenDocument table; save it as XLSX or CSV",
}
_PLAIN_TEXT = (".txt", ".md")  # endings that tell nothing; the others of articles do
_ZIP, _OFFICE_97 = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
SUFFIXES = (*_BY_ENDING, *(name + packed for name in _BY_ENDING for packed in COMPRESSIONS))


@dataclass(frozen=True)
class ReadOptions:
    """How a table is to be read.

    Parameters
    ----------
    column : str, default "text"
        The column of texts.
    encoding : str or None
        Codec of a text table; None to recognise it.
    sheet : str or None
        Sheet of a workbook; None for the first one.

    """

    column: str = "text"
    encoding: str | None = None
    sheet: str | None = None


def is_table(name: str) -> bool:
    """Tell tables from articles by the ending of their name, which a JSON feed shares: that is looked at."""
    inner = name[:-4] if name.lower().endswith(".zip") else name
    return ending(inner) in (*_BY_ENDING, *_NOT_READ) and not (name.lower().endswith(".json") and _is_feed(name))


def holds_table(name: str, column: str = "text") -> bool:
    """Tell tables from articles by their first bytes, where the name does not tell.

    Parameters
    ----------
    name : str
        A file, or `-` for standard input, which is not used up.
    column : str, default "text"
        The column of texts.

    Returns
    -------
    bool
        False also where it cannot be read.

    """
    if ending(name) in ARTICLES and ending(name) not in _PLAIN_TEXT:
        return False
    if name == "-" and compression(standard_input()[0]):
        return True  # no article is read compressed, and what is decompressed here could not be read again
    if name != "-" and not os.path.isfile(name):  # noqa: PTH113  # Path.is_file raises for a name that is too long
        return False  # what is read of a pipe here could not be read again
    try:
        with open_stream(name) as stream:
            return _is_archive(stream) or (
                sniffed(stream.start) != "RSS or Atom" and _format(stream, column) is not None
            )
    except TopicsError:
        return False


def _is_feed(name: str) -> bool:
    try:
        with open_stream(name) as stream:
            return sniffed(stream.start) == "RSS or Atom"
    except TopicsError:
        return False


@contextmanager
def open_table(name: str, options: ReadOptions | None = None) -> Iterator[Table]:
    """Open a table.

    Parameters
    ----------
    name : str
        A file, or `-` for standard input.
    options : ReadOptions or None

    Yields
    ------
    Table

    Raises
    ------
    SourceError, MissingExtraError
        Where the table as a whole cannot be read.

    """
    chosen = options or ReadOptions()
    if reason := _NOT_READ.get(PurePath(name).suffix.lower()):
        raise SourceError(f"{name}: {reason}")
    with open_stream(name, chosen.encoding) as stream:
        with one_line_errors(name):
            table = _read(stream, chosen)
        yield table


def _read(stream: Stream, options: ReadOptions) -> Table:
    if _is_archive(stream):
        raise SourceError(f"{stream.name}: a ZIP archive; unpack it and name the files in it")
    if stream.start.startswith(_OFFICE_97):
        raise SourceError(f"{stream.name}: encrypted or in an old format of Office; save it as XLSX")
    kind = _format(stream, options.column) or _likely_format(stream)
    if options.sheet is not None and kind != "XLSX":
        raise SourceError(f"{stream.name}: {kind} has no sheets")
    if kind == "Parquet":
        return read_parquet(stream)
    if kind == "XLSX":
        return read_excel(stream, options.sheet)
    if kind == "JSON lines":
        table = read_json_lines(stream)
    elif kind == "JSON":
        table = read_json_document(stream, options.column)
    else:
        table = read_csv(stream, options.column)
    return replace(table, notes=tuple(_notes(stream, kind)))


def _format(stream: Stream, column: str) -> str | None:
    """Return the format of a table; None where this may be none."""
    named = _BY_ENDING.get(ending(stream.name))
    if stream.start.startswith(b"PAR1") or named == "Parquet":
        return "Parquet"
    if named == "XLSX" or (stream.start.startswith(_ZIP) and b"xl/workbook.xml" in stream.start):
        return "XLSX"
    start = stream.look()
    found = table_kind(start, column)
    if found == "JSON lines" and named != "JSON lines" and len(start.split("\n", 2)) < 3:  # noqa: PLR2004  # a line, and what follows it
        return "JSON"  # one object, perhaps around rows
    return found if found in ("JSON lines", "JSON") else named or found


def _likely_format(stream: Stream) -> str:
    """Choose how to read what is said to be a table, and does not look like one."""
    return "JSON lines" if stream.look().lstrip()[:1] in "{[" else "CSV"


def _is_archive(stream: Stream) -> bool:
    """Tell a ZIP archive of other files from a document that is one."""
    return stream.start.startswith(_ZIP) and not any(
        part in stream.start for part in (b"[Content_Types].xml", b"mimetype", b"xl/", b"word/")
    )


def _notes(stream: Stream, kind: str) -> Iterator[str]:
    if stream.name != "-" and ending(stream.name) not in _BY_ENDING:
        yield f"{stream.name}: holds {kind}, read as a table"
    if not stream.declared and not stream.encoding.startswith("utf-8"):
        yield f"{stream.name}: read as {stream.encoding.upper()}"
