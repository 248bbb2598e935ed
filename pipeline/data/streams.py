"""Look at the start of a file or of standard input, and read it from that start all the same."""

import io
import sys
from functools import lru_cache
from typing import BinaryIO, cast

from pipeline.errors import SourceError

LOOK = 1 << 19


class Lookahead(io.RawIOBase):
    """A stream of bytes whose start is known.

    Parameters
    ----------
    file : binary file
    size : int, default LOOK
        Bytes to look at.

    """

    def __init__(self, file: BinaryIO, size: int = LOOK) -> None:
        self.start = b""
        while len(self.start) < size and (piece := file.read(size - len(self.start))):
            self.start += piece
        self._file, self._again = file, memoryview(self.start)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        """Fill the buffer, first with the start."""
        piece = self._again[: len(buffer)] or self._file.read(len(buffer))
        self._again = self._again[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def looked_at(file: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a file, and the file as it was before they were read."""
    stream = Lookahead(file)
    return stream.start, cast(BinaryIO, io.BufferedReader(stream, LOOK))


def standard_input() -> tuple[bytes, BinaryIO]:
    """Return the first bytes of standard input, and all of it to read; raise SourceError where it is closed."""
    try:
        return _looked_at_once(sys.stdin.buffer)
    except OSError as error:
        raise SourceError(f"standard input: cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=1)
def _looked_at_once(file: BinaryIO) -> tuple[bytes, BinaryIO]:
    return looked_at(file)
