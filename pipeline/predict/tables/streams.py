"""Open what a table is read from: a file or standard input, decompressed, with first bytes and encoding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from pipeline.data.encoding import likely_encoding, unicode_encoding
from pipeline.data.streams import LOOK, looked_at, standard_input
from pipeline.errors import MissingExtraError, SourceError

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class Stream:
    """The bytes of a table, in a file or on standard input.

    Parameters
    ----------
    name : str
        As the user wrote it.
    file : binary file
        From its first byte, decompressed.
    start : bytes
        Its first bytes.
    original : binary file or None
        The file itself, where one can go back and forth in it.
    compressed : bool
    declared : str or None
        Codec of the text, as the user says.

    """

    name: str
    file: BinaryIO
    start: bytes
    original: BinaryIO | None
    compressed: bool
    declared: str | None

    @property
    def encoding(self) -> str:
        """Codec of the text; raise SourceError where it is neither declared nor Unicode."""
        codec = self._codec
        if codec is None:
            likely = likely_encoding(self.start)
            guess = f", looks like {likely}" if likely else ""
            raise SourceError(
                f"{self.name}: not UTF-8{guess}; convert it to UTF-8 or use --encoding {likely or 'CODEC'}"
            )
        return codec

    @property
    def path(self) -> str | None:
        """The file in which these very bytes are, where other processes can read them again."""
        return self.name if self.original and not self.compressed else None

    @property
    def size(self) -> int | None:
        """Bytes of the file, where they are known."""
        return Path(self.name).stat().st_size or None if self.original else None

    def position(self) -> int:
        """Return how many bytes of the file are read."""
        return self.original.tell() if self.original else 0

    def whole(self, kind: str) -> BinaryIO:
        """Return the file itself, to go back and forth in; raise SourceError where that cannot be."""
        if not self.original or self.compressed:
            raise SourceError(f"{self.name}: {kind} is read from a file of its own alone, not compressed or piped")
        self.original.seek(0)
        return self.original

    def look(self) -> str:
        """Return the first characters, what cannot be decoded as U+FFFD."""
        return self.start.decode(self._codec or "latin-1", "replace")

    @property
    def _codec(self) -> str | None:
        return self.declared or unicode_encoding(self.start, more=len(self.start) == LOOK)


@contextmanager
def open_stream(name: str, encoding: str | None = None) -> Iterator[Stream]:
    """Open a file, or `-` for standard input.

    Parameters
    ----------
    name : str
    encoding : str or None
        Codec of its text; None to recognise it.

    Yields
    ------
    Stream

    Raises
    ------
    SourceError
        Where it cannot be opened.

    """
    if name == "-":
        with one_line_errors("standard input"):
            stream = _stream(name, *standard_input(), None, encoding)
        yield stream
        return
    with one_line_errors(name):
        opened = Path(name).open("rb")  # noqa: SIM115  # closed below, outside of what may fail
    with opened:
        with one_line_errors(name):
            stream = _stream(name, *looked_at(opened), opened if opened.seekable() else None, encoding)
        yield stream


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Raise SourceError for what goes wrong in reading a file."""
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"{name}: no such file") from None
    except OSError as error:
        raise SourceError(f"{name}: cannot be read: {error.strerror or in_one_line(error)}") from None
    except UnicodeError as error:
        raise SourceError(f"{name}: damaged text: {in_one_line(error)}") from None


def in_one_line(error: Exception) -> str:
    """Return a library's message as one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]


def ending(name: str) -> str:
    """Return a name's ending in lower case, without that of a compression: `.csv` of `Rows.CSV.gz`."""
    path = PurePath(name.lower())
    return PurePath(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix


def compression(start: bytes) -> str | None:
    """Return the compression of a file that starts so."""
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def _stream(name: str, start: bytes, file: BinaryIO, original: BinaryIO | None, declared: str | None) -> Stream:
    if kind := compression(start):
        start, file = looked_at(cast(BinaryIO, _Decompressed(file, kind, name)))
    return Stream(name, file, start, original, kind is not None, declared)


class _Decompressed:
    """Read a compressed file; raise SourceError where it is damaged."""

    def __init__(self, file: BinaryIO, kind: str, name: str) -> None:
        self._file, self._kind, self._name = _decompressor(file, kind), kind, name

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes."""
        try:
            return self._file.read(size)
        except Exception as error:  # each library has errors of its own for a damaged file
            raise SourceError(f"{self._name}: damaged {self._kind}: {in_one_line(error)}") from None


def _decompressor(file: BinaryIO, kind: str) -> BinaryIO:
    if kind == "zstd":
        try:
            from pyarrow import CompressedInputStream, PythonFile
        except ModuleNotFoundError:
            raise MissingExtraError("reading zstd", "parquet") from None
        return cast(BinaryIO, CompressedInputStream(PythonFile(file, "r"), "zstd"))
    opener = import_module({"xz": "lzma"}.get(kind, kind)).open
    return cast(BinaryIO, opener(file))
