"""Read and check labelled paragraphs, and split them into training rows and test sets."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from pipeline.config import Config, HeldOutSettings
from pipeline.data.records import find, parsed, records
from pipeline.data.sampling import draw_articles
from pipeline.errors import DataError
from pipeline.schema import LabelledParagraph
from pipeline.text.paragraphs import is_fragment

Rows = Sequence[LabelledParagraph]
_ROW: TypeAdapter[LabelledParagraph] = TypeAdapter(LabelledParagraph)


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
        Training rows that repeat a test row, or nearly, left out.
    test_unlabelled : dict of str to int
        Of the rows without a label, those of each test set.
    test_files : tuple of str
        Files of test sets that lie in a folder of training files, not trained on.

    """

    train: list[LabelledParagraph]
    test: dict[str, list[LabelledParagraph]]
    unlabelled: int
    near_test: int
    test_unlabelled: Mapping[str, int] = field(default_factory=dict)
    test_files: tuple[str, ...] = ()


def read(paths: Iterable[str | Path], topics: Sequence[str], *, unique: bool = True) -> list[LabelledParagraph]:
    """Read labelled paragraphs.

    Parameters
    ----------
    paths : iterable of str or Path
        Labelled files, or folders of them; see `pipeline.data.records`.
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
    for file in find(paths):
        for where, content in records(file):
            row = parsed(_ROW, content, where, beside="topics")
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


def read_labelled(paths: Sequence[str | Path], topics: Sequence[str]) -> tuple[list[LabelledParagraph], int]:
    """Read rows to measure on, in which texts may repeat, and count those that are left out for want of a label.

    Raises DataError as `read` does, and where no row has a label.
    """
    rows = read(paths, topics, unique=False)
    kept = labelled(rows)
    if not kept:
        raise DataError(f"{', '.join(map(str, paths))}: no row is labelled, nothing to measure")
    return kept, len(rows) - len(kept)


def read_split(config: Config, topics: Sequence[str], *, to_train: bool = True) -> Split:
    """Read an experiment's data and split them into training rows and test sets.

    Unlabelled rows are counted and left out, and so is each training row that repeats a test row, or nearly.
    A file of a test set is never trained on, though it lie in a training folder.

    Parameters
    ----------
    config : Config
    topics : sequence of str
        The topic ids that a label may have.
    to_train : bool, default True
        Refuse a topic that no training row has, or every one: there is nothing to learn of it.

    Returns
    -------
    Split

    Raises
    ------
    DataError
        As `read` does, for a test set without a labelled row or with rows of another, for a file that is named to
        train and to test on, and for a topic without contrast.

    """
    files, test_files = _training_files(config)
    rows = read(files, topics, unique=not config.data.duplicates)
    chosen = _chosen(config, rows, topics)
    sets = {name: [rows[index] for index in sorted(found)] for name, found in chosen.items()}
    for name, held_out in config.data.test.items():
        if held_out.files:
            sets[name] = read(held_out.files, topics, unique=not config.data.duplicates)
    sets = {name: sets[name] for name in config.data.test}
    everything = [row for index, row in enumerate(rows) if not any(index in found for found in chosen.values())]
    train, test = labelled(everything), {name: labelled(found) for name, found in sets.items()}
    test_unlabelled = {name: len(sets[name]) - len(test[name]) for name in sets}
    empty = [name for name, found in test.items() if not found]
    if empty:
        raise DataError(f"test set {empty[0]}: no row is labelled")
    repeating = _repeating(config, train, [row for found in test.values() for row in found])
    kept = [row for index, row in enumerate(train) if index not in repeating]
    if to_train:
        _refuse_topic_without_contrast(kept, topics)
    unlabelled = len(everything) - len(train) + sum(test_unlabelled.values())
    return Split(kept, test, unlabelled, len(repeating), test_unlabelled, test_files)


def label_matrix(rows: Rows, topics: Sequence[str]) -> NDArray[np.bool_]:
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
    folded = (" ".join(text.lower().split()).encode(errors="surrogatepass") for text in texts)
    hashes = (hashlib.sha256(content).digest()[:8] for content in folded)
    return np.frombuffer(b"".join(hashes), "<u8")


def _check(row: LabelledParagraph, where: str, topics: Sequence[str]) -> None:
    if not row.text.strip():
        raise DataError(f"{where}: text is empty")
    for topic in row.topics or ():
        if topic not in topics:
            raise DataError(f"{where}: unknown topic {topic!r}, expected one of {', '.join(topics)}")
    if len(set(row.topics or ())) != len(row.topics or ()):
        raise DataError(f"{where}: a topic is given twice")


def _training_files(config: Config) -> tuple[list[Path], tuple[str, ...]]:
    """List the files to train on, and those left out because a test set in the same folder names them."""
    test = {file.resolve(): name for name, held in config.data.test.items() for file in find(held.files)}
    for path in map(Path, config.data.train):
        if path.resolve() in test:
            raise DataError(f"{path}: named in data.train and in the test set {test[path.resolve()]}")
    found = find(config.data.train)
    kept = [file for file in found if file.resolve() not in test]
    if not kept:
        raise DataError(f"{', '.join(config.data.train)}: no file is left to train on beside those of test sets")
    return kept, tuple(str(file) for file in found if file.resolve() in test)


def _chosen(config: Config, rows: Rows, topics: Sequence[str]) -> dict[str, set[int]]:
    """Return the numbers of the rows of each test set that is chosen among the training files' rows."""
    owner: dict[int, str] = {}
    named = {name: held for name, held in config.data.test.items() if held.writers or held.articles}
    drawn = {name: held for name, held in config.data.test.items() if held.share is not None}
    for name, held in named.items():
        for index in _named_rows(config, held, rows):
            if (other := owner.setdefault(index, name)) != name:
                raise DataError(f"article {rows[index].article}: in two test sets, {other} and {name}")
    for name, held in drawn.items():
        labels = label_matrix(rows, topics)
        free = [index for index, row in enumerate(rows) if index not in owner and row.topics is not None]
        articles = draw_articles(
            [rows[index].article for index in free],
            labels[free],
            share=held.share or 0.0,
            random_state=config.random_state,
        )
        if not articles:
            number = len({rows[index].article for index in free})
            why = f"{number} are labelled, and training needs two, and one with each topic; label more"
            raise DataError(f"test set {name}: no article can be held out: {why}")
        found = [index for index, row in enumerate(rows) if row.article in articles and index not in owner]
        owner |= dict.fromkeys(found, name)
    return {name: {index for index, of in owner.items() if of == name} for name in named | drawn}


def _named_rows(config: Config, held: HeldOutSettings, rows: Rows) -> list[int]:
    what, names = ("writer", held.writers) if held.writers else ("article", held.articles)
    missing = sorted(set(names) - {getattr(row, what) for row in rows})
    if missing:
        raise DataError(f"{', '.join(config.data.train)}: no rows by test {what} {', '.join(missing)}")
    return [index for index, row in enumerate(rows) if getattr(row, what) in names]


def _repeating(config: Config, train: Rows, test: Rows) -> set[int]:
    """Return the numbers of the training rows that repeat a test row, or nearly, where texts may not repeat."""
    found: set[int] = set()
    if not config.data.duplicates:
        same = np.isin(text_digests(row.text for row in train), text_digests(row.text for row in test))
        found = set(np.flatnonzero(same).tolist())
    if config.split.near_duplicate is None:
        return found
    from pipeline.data.split import near_duplicates  # SciPy is slow to import, and reading rows does without

    pairs = near_duplicates([row.text for row in [*train, *test]], similarity=config.split.near_duplicate)
    return found | set(pairs[(pairs[:, 0] < len(train)) & (pairs[:, 1] >= len(train)), 0].tolist())


def _refuse_topic_without_contrast(rows: Rows, topics: Sequence[str]) -> None:
    counts = label_matrix(rows, topics).sum(0).tolist()
    for what, bad in (("no", 0), ("every", len(rows))):
        found = [topic for topic, count in zip(topics, counts, strict=True) if count == bad]
        if found:
            raise DataError(f"{what} training paragraph has topic {', '.join(found)}: label others, or drop it")
