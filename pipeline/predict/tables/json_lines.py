"""Read JSON lines: the first process finds whole lines, the workers parse them. Blank lines are no rows."""

import codecs
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SourceError
from pipeline.predict.tables.rows import MAX_ROW, TOO_LARGE, Chunk, Columns, Rows, Table, UnreadableRow, checked
from pipeline.predict.tables.streams import Stream

_BLOCK = 1 << 19
_LINE_END = ord("\n")
_SPACE = b" \t\r\n"


@dataclass(frozen=True)
class FileRange:
    """Bytes of a file, to be read by the process that needs them."""

    name: str
    start: int
    length: int

    def read(self) -> bytes:
        """Read them; raise SourceError if the file no longer has them all."""
        try:
            with Path(self.name).open("rb") as file:
                file.seek(self.start)
                content = file.read(self.length)
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror or error}") from None
        if len(content) < self.length:
            raise SourceError(f"{self.name}: truncated while it was being read")
        return content


@dataclass(frozen=True)
class JsonLines:
    """Whole lines, not parsed yet.

    Parameters
    ----------
    content : bytes or FileRange
    line : int
        Number of the first line, from 1.
    skipped : int, default 0
        Leading rows that are not wanted.

    """

    content: bytes | FileRange
    line: int
    skipped: int = 0

    def read(self, columns: Columns) -> Rows:
        """Parse them."""
        content = self.content if isinstance(self.content, bytes) else self.content.read()
        lines = enumerate(content.removesuffix(b"\n").split(b"\n"), self.line)
        wanted = [(line, number) for number, line in lines if not _is_blank(line)][self.skipped :]
        parsed = [_parsed(line, number) for line, number in wanted]
        texts = [
            row if isinstance(row, UnreadableRow) else checked(row.get(columns.text), number, columns.text)
            for row, (_, number) in zip(parsed, wanted, strict=True)
        ]
        objects = [{} if isinstance(row, UnreadableRow) else row for row in parsed] if columns.others else []
        return Rows(texts, [[row.get(name) for row in objects] for name in columns.others])


def read_json_lines(stream: Stream) -> Table:
    """Open JSON lines.

    Parameters
    ----------
    stream : Stream

    Returns
    -------
    Table

    """
    is_utf_8 = stream.encoding == "utf-8-sig"
    mark = len(codecs.BOM_UTF8) if is_utf_8 and stream.start.startswith(codecs.BOM_UTF8) else 0

    def reader(_: Columns, skip: int) -> Iterator[Chunk]:
        stream.file.read(mark)
        blocks = iter(lambda: stream.file.read(_BLOCK), b"") if is_utf_8 else _as_utf_8(stream)
        return _chunks(blocks, stream.path if is_utf_8 else None, mark, skip, stream.position)

    lines = enumerate(stream.look().encode(errors="replace").splitlines(), 1)
    rows = (_parsed(line, number) for number, line in lines if not _is_blank(line))
    first = next((row for row in rows if isinstance(row, dict)), {})
    return Table(stream.name, tuple(first), stream.size, reader, has_header=False)


def _as_utf_8(stream: Stream) -> Iterator[bytes]:
    text = io.TextIOWrapper(stream.file, stream.encoding, newline="")
    return (block.encode(errors="surrogatepass") for block in iter(lambda: text.read(_BLOCK), ""))


def _chunks(
    blocks: Iterable[bytes], path: str | None, done: int, skip: int, position: Callable[[], int]
) -> Iterator[Chunk]:
    """Find whole lines; those of a file that can be read again are not copied: the worker reads them."""
    row, line, rest = 1, 1, b""
    for block in blocks:
        if whole := block.rfind(b"\n") + 1:
            content = rest + block[:whole]
            lines, rows = _count(content)
            if rows and row + rows > skip + 1:
                place = FileRange(path, done - len(rest), len(content)) if path else content
                yield Chunk(max(row, skip + 1), JsonLines(place, line, max(0, skip + 1 - row)), position())
            row, line, rest = row + rows, line + lines, b""
        done += len(block)
        if len(rest) <= MAX_ROW:  # keep the memory flat in a line without end; `_parsed` says that it is too long
            rest += block[whole:]
    if not _is_blank(rest) and row > skip:
        yield Chunk(row, JsonLines(rest, line), position())


def _count(content: bytes) -> tuple[int, int]:
    """Count the lines of some whole lines, and the rows among them."""
    lines = int(np.count_nonzero(np.frombuffer(content, np.uint8) == _LINE_END))
    if content[0] in _SPACE or any(b"\n%c" % space in content for space in _SPACE):
        return lines, lines - sum(map(_is_blank, content.removesuffix(b"\n").split(b"\n")))
    return lines, lines


def _is_blank(line: bytes) -> bool:
    return len(line) <= MAX_ROW and not line.strip(_SPACE)


def _parsed(line: bytes, number: int) -> dict[str, Any] | UnreadableRow:
    if len(line) > MAX_ROW:
        return UnreadableRow(number, TOO_LARGE)
    try:
        found = json.loads(str(line.removeprefix(codecs.BOM_UTF8), "utf-8"))
    except UnicodeDecodeError:
        return UnreadableRow(number, "not UTF-8")
    except json.JSONDecodeError as error:
        return UnreadableRow(number, f"not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError):
        return UnreadableRow(number, "not JSON: a number is too long, or too much is nested")
    return found if isinstance(found, dict) else UnreadableRow(number, "not a JSON object")
