"""Read and check labelled paragraphs, and split them into training rows and test sets."""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pipeline.config import Config
from pipeline.errors import DataError
from pipeline.schema import LabelledParagraph
from pipeline.text.paragraphs import is_fragment

Row = TypeVar("Row")
_ROW: TypeAdapter[LabelledParagraph] = TypeAdapter(LabelledParagraph)
_SUFFIXES = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Split:
    """Labelled rows to train on and to test on, and how many were left out and why.

    Parameters
    ----------
    train : list of LabelledParagraph
    test : dict of str to list of LabelledParagraph
        By test set, the headline first.
    unlabelled : int
        Rows without a label, left out.
    near_test : int
        Training rows that nearly repeat a test row, left out.

    """

    train: list[LabelledParagraph]
    test: dict[str, list[LabelledParagraph]]
    unlabelled: int
    near_test: int


def read(paths: Iterable[str | Path], topics: Sequence[str], *, unique: bool = True) -> list[LabelledParagraph]:
    """Read labelled paragraphs.

    Parameters
    ----------
    paths : iterable of str or Path
        Files of JSON lines, gzipped or not, or folders of them.
    topics : sequence of str
        The topic ids that a label may have.
    unique : bool, default True
        Whether a repeated text is an error; headings, bylines and other fragments repeat by nature.

    Returns
    -------
    list of LabelledParagraph

    Raises
    ------
    DataError
        With file and line: for broken JSON or UTF-8, a wrong type, an empty text, an unknown topic, a duplicate
        id or text.

    """
    rows: list[LabelledParagraph] = []
    seen: dict[object, str] = {}
    for file in _files(paths):
        for where, line in lines(file):
            row = parsed(_ROW, line, where)
            _check(row, where, topics)
            keys: list[object] = [(row.article, row.paragraph)]
            keys += [row.text.strip()] if unique and not is_fragment(row.text) else []
            for key in keys:
                if first := seen.get(key):
                    what = "text" if isinstance(key, str) else "id"
                    raise DataError(f"{where}: duplicate {what}, first at {first}")
                seen[key] = where
            rows.append(row)
    if not rows:
        raise DataError(f"{', '.join(map(str, paths))}: no labelled paragraphs, expected JSON lines")
    return rows


def read_split(config: Config, topics: Sequence[str]) -> Split:
    """Read an experiment's data and split them into training rows and test sets.

    Unlabelled rows are counted and left out, and so is each training row that nearly repeats a test row.

    Parameters
    ----------
    config : Config
    topics : sequence of str
        The topic ids that a label may have.

    Returns
    -------
    Split

    Raises
    ------
    DataError
        As `read` does, for a test set without a labelled row, and for a topic that no training row, or every one,
        has.

    """
    rows = read(config.data.train, topics, unique=not config.data.duplicates)
    sets = _test_sets(config, rows, topics)
    writers = {writer for held_out in config.data.test.values() for writer in held_out.writers}
    everything = [row for row in rows if row.writer not in writers]
    train, test = labelled(everything), {name: labelled(found) for name, found in sets.items()}
    unlabelled = len(everything) - len(train) + sum(len(sets[name]) - len(test[name]) for name in sets)
    empty = [name for name, found in test.items() if not found]
    if empty:
        raise DataError(f"test set {empty[0]}: no row is labelled")
    near = _near_test(train, [row for found in test.values() for row in found], config.split.near_duplicate)
    kept = [row for index, row in enumerate(train) if index not in near]
    _refuse_topic_without_contrast(kept, topics)
    return Split(kept, test, unlabelled, len(near))


def label_matrix(rows: Sequence[LabelledParagraph], topics: Sequence[str]) -> NDArray[np.bool_]:
    """Return the labels of n rows as an indicator matrix.

    Parameters
    ----------
    rows : sequence of LabelledParagraph
    topics : sequence of str
        The k topic ids, in column order.

    Returns
    -------
    bool array of shape (n, k)

    """
    found = np.zeros((len(rows), len(topics)), bool)
    for index, row in enumerate(rows):
        for topic in row.topics or ():
            found[index, topics.index(topic)] = True
    return found


def labelled(rows: Iterable[LabelledParagraph]) -> list[LabelledParagraph]:
    """Keep the rows that somebody has labelled; `topics: []` is a label."""
    return [row for row in rows if row.topics is not None]


def fingerprint(rows: Iterable[LabelledParagraph]) -> str:
    """Hash ids, texts and labels of rows, whatever their order: SHA-256 in hexadecimal."""
    return hashlib.sha256("".join(sorted(row_digest(row) for row in rows)).encode()).hexdigest()


def fingerprint_sets(test: Mapping[str, Sequence[LabelledParagraph]]) -> str:
    """Hash all test sets with their names, whatever their order: SHA-256 in hexadecimal."""
    parts = sorted(f"{name}\x1f{fingerprint(rows)}" for name, rows in test.items())
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()


def row_digest(row: LabelledParagraph) -> str:
    """Hash one row's id, text and labels."""
    topics = "?" if row.topics is None else " ".join(sorted(row.topics))
    parts = [row.article, str(row.paragraph), row.text, topics]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def text_digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Hash texts, without regard to white space and case, to recognise them elsewhere: uint64 [n]."""
    hashes = (hashlib.sha256(" ".join(text.lower().split()).encode()).digest()[:8] for text in texts)
    return np.frombuffer(b"".join(hashes), "<u8")


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if file.name.endswith(_SUFFIXES))
            if not found:
                raise DataError(f"{path}: no .jsonl or .jsonl.gz file in this folder")
            yield from found
        else:
            yield path


def lines(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the lines of a file that are not blank, each with its place, `file:number`; raise DataError."""
    opener = gzip.open if file.name.endswith(".gz") else open
    try:
        with opener(file, "rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield f"{file}:{number}", line
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read: {error}") from None


def parsed(adapter: TypeAdapter[Row], line: bytes, where: str) -> Row:
    """Read one line of JSON as the row that the adapter describes; raise DataError with its place."""
    try:
        line.decode("utf-8")
        return adapter.validate_json(line, strict=True)
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not valid UTF-8 at byte {error.start + 1}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{where}: {key + ': ' if key else ''}{first['msg']}") from None


def _check(row: LabelledParagraph, where: str, topics: Sequence[str]) -> None:
    if not row.text.strip():
        raise DataError(f"{where}: text is empty")
    for topic in row.topics or ():
        if topic not in topics:
            raise DataError(f"{where}: unknown topic {topic!r}, expected one of {', '.join(topics)}")
    if len(set(row.topics or ())) != len(row.topics or ()):
        raise DataError(f"{where}: a topic is given twice")


def _test_sets(
    config: Config, rows: Sequence[LabelledParagraph], topics: Sequence[str]
) -> dict[str, list[LabelledParagraph]]:
    sets = {}
    for name, held_out in config.data.test.items():
        missing = sorted(set(held_out.writers) - {row.writer for row in rows})
        if missing:
            raise DataError(f"{', '.join(config.data.train)}: no rows by test writer {', '.join(missing)}")
        sets[name] = [row for row in rows if row.writer in held_out.writers]
        if held_out.files:
            sets[name] = read(held_out.files, topics, unique=not config.data.duplicates)
    return sets


def _near_test(
    train: Sequence[LabelledParagraph], test: Sequence[LabelledParagraph], similarity: float | None
) -> set[int]:
    """Return the numbers of the training rows that nearly repeat a test row."""
    if similarity is None:
        return set()
    from pipeline.data.split import near_duplicates  # SciPy is slow to import, and reading rows does without

    pairs = near_duplicates([row.text for row in [*train, *test]], similarity=similarity)
    return set(pairs[(pairs[:, 0] < len(train)) & (pairs[:, 1] >= len(train)), 0].tolist())


def _refuse_topic_without_contrast(rows: Sequence[LabelledParagraph], topics: Sequence[str]) -> None:
    counts = label_matrix(rows, topics).sum(0).tolist()
    for what, bad in (("no", 0), ("every", len(rows))):
        found = [topic for topic, count in zip(topics, counts, strict=True) if count == bad]
        if found:
            raise DataError(f"{what} training paragraph has topic {', '.join(found)}: label others, or drop it")
