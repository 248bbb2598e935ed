"""Write predictions, of articles and of tables alike: text, JSON lines, CSV, Parquet and HTML.

JSON lines, CSV and Parquet have one schema. First come the columns that say what was predicted on (of a table
`row` and its own `id`; of an article `source`, `paragraph`, `start`, `end`, `text`), then `topics`, `scores` and
`margins`, then what else there is: a table's other columns and `error`, an article's
`title`, `date`, `origin` and `language`.
"""

import json
import math
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import MissingExtraError, OutputError
from pipeline.model.aggregation import aggregate
from pipeline.model.scorer import Scorer
from pipeline.predict.article import copied_from
from pipeline.predict.tables import ID, UnreadableRow
from pipeline.schema import Explanation, Prediction, Topic
from pipeline.text.display import one_line, printable, score_text

FORMATS = ("text", "jsonl", "csv", "parquet", "xlsx", "html")
MACHINE_FORMATS = ("jsonl", "csv", "parquet")
Format = Literal["text", "jsonl", "csv", "parquet", "xlsx", "html"]
Style = Callable[[str, str], str]
_ROW_GROUP = 100_000
_BATCH = 1000  # paragraphs that are written at once: an article may have millions
_NARROWEST = 30
_UNSAFE = re.compile("[\x80-\x9f\u2028\u2029]")
_ENDINGS: Mapping[str, Format] = {
    ".txt": "text",
    ".text": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".html": "html",
    ".htm": "html",
}


def format_of(output: Path) -> Format | None:
    """Return the format that a file's ending names.

    Parameters
    ----------
    output : Path

    Returns
    -------
    str or None
        One of FORMATS; None for a name without an ending.

    Raises
    ------
    ValueError
        Where the ending is that of no format.

    """
    ending = output.suffix.lower()
    if ending and ending not in _ENDINGS:
        raise ValueError(f"no format is written to {ending}; use {', '.join(_ENDINGS)}, or set --format")
    return _ENDINGS.get(ending)


@dataclass(frozen=True)
class Predictions:
    """Predictions for n rows of a table, or n paragraphs of articles, column by column.

    Parameters
    ----------
    leading : mapping of str to list of n values
        What identifies a row; integers and strings, and in `id` whatever a table has.
    assigned : bool array of shape (n, k)
    scores, margins : float64 array of shape (n, k)
    trailing : mapping of str to list of n values
        What else a row has. JSON lines leave out a field that is None.
    errors : mapping of int to UnreadableRow
        By position, the rows that have no prediction.

    """

    leading: Mapping[str, list[Any]]
    assigned: NDArray[np.bool_]
    scores: NDArray[np.float64]
    margins: NDArray[np.float64]
    trailing: Mapping[str, list[Any]] = field(default_factory=dict)
    errors: Mapping[int, UnreadableRow] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.scores)


def predict_rows(
    scorer: Scorer,
    leading: Mapping[str, list[Any]],
    texts: list[str | UnreadableRow],
    trailing: dict[str, list[Any]],
) -> Predictions:
    """Predict on n rows.

    Parameters
    ----------
    scorer : Scorer
    leading, trailing : mapping of str to list of n values
        The columns before and after the predictions.
    texts : sequence of n str or UnreadableRow

    Returns
    -------
    Predictions

    """
    errors = {place: text for place, text in enumerate(texts) if isinstance(text, UnreadableRow)}
    scores = scorer.scores([text if isinstance(text, str) else "" for text in texts])
    return Predictions(leading, scorer.labels(scores), scores, scores - scorer.thresholds, trailing, errors)


class LineWriter:
    """Write predictions as lines of JSON or CSV.

    Each line is one formatted template: some hundred thousand rows a second leave no time for more.

    Parameters
    ----------
    topics : sequence of str
        The k topic ids.
    number : {"%.6f", "%r"}, default "%.6f"
        How scores and margins are written: with 6 decimals, or in full.

    """

    def __init__(self, topics: Sequence[str], *, number: str = "%.6f") -> None:
        self.topics, self.number = tuple(topics), number
        self._labels: dict[bytes, str] = {}

    def header(self, leading: Sequence[str], trailing: Sequence[str]) -> bytes:
        """Return what precedes the first row."""
        raise NotImplementedError

    def encode(self, rows: Predictions) -> bytes:
        """Return the lines of some rows, in UTF-8."""
        return _encoded("".join(self.lines(rows)))

    def lines(self, rows: Predictions) -> list[str]:
        """Return one line a row."""
        template = self._template(list(rows.leading))
        columns = [self._column(values) for values in rows.leading.values()]
        columns.append(self._label_column(rows.assigned))
        columns += [*rows.scores.T.tolist(), *rows.margins.T.tolist(), self._tails(rows)]
        lines = list(map(template.__mod__, zip(*columns, strict=True)))
        for place, error in rows.errors.items():
            lines[place] = self._error_line(rows, place, error)
        return lines

    def _template(self, leading: Sequence[str]) -> str:
        raise NotImplementedError

    def _value(self, value: Any) -> str:
        raise NotImplementedError

    def _join_labels(self, labels: list[str]) -> str:
        raise NotImplementedError

    def _tails(self, rows: Predictions) -> list[str]:
        raise NotImplementedError

    def _error_line(self, rows: Predictions, place: int, error: UnreadableRow) -> str:
        raise NotImplementedError

    def _column(self, values: list[Any]) -> list[Any]:
        """Return what `%s` of the template writes for each value."""
        return values if all(type(value) is int for value in values) else list(map(self._value, values))

    def _label_column(self, assigned: NDArray[np.bool_]) -> list[str]:
        """Look up the written labels by the bits of a row: few sets of labels occur, in many rows."""
        packed = np.packbits(assigned, axis=1)
        keys = packed.view(f"S{packed.shape[1]}").ravel().tolist() if packed.size else []
        for key in set(keys) - self._labels.keys():
            row = assigned[keys.index(key)]
            self._labels[key] = self._join_labels([t for t, yes in zip(self.topics, row, strict=True) if yes])
        return [self._labels[key] for key in keys]


class JsonLinesWriter(LineWriter):
    """Write predictions as a JSON object a line, a field without a value left out."""

    def header(self, leading: Sequence[str], trailing: Sequence[str]) -> bytes:
        """Return nothing: JSON lines have no header."""
        return b""

    def _template(self, leading: Sequence[str]) -> str:
        named = "".join(f"{_escaped(name)}: %s, " for name in leading)
        numbers = ", ".join(f"{_escaped(topic)}: {self.number}" for topic in self.topics)
        return f'{{{named}"topics": [%s], "scores": {{{numbers}}}, "margins": {{{numbers}}}%s}}\n'

    def _value(self, value: Any) -> str:
        return as_json(value)

    def _join_labels(self, labels: list[str]) -> str:
        return ", ".join(map(as_json, labels))

    def _tails(self, rows: Predictions) -> list[str]:
        tails = [""] * len(rows)
        for name, values in rows.trailing.items():
            start = f", {as_json(name)}: "
            tails = [
                tail if value is None else f"{tail}{start}{as_json(value)}"
                for tail, value in zip(tails, values, strict=True)
            ]
        return tails

    def _error_line(self, rows: Predictions, place: int, error: UnreadableRow) -> str:
        fields = {name: values[place] for name, values in rows.leading.items()}
        fields |= {"line": error.line, "error": error.reason}
        fields |= {name: values[place] for name, values in rows.trailing.items() if values[place] is not None}
        return f"{as_json(fields)}\n"


class CsvWriter(LineWriter):
    """Write predictions as CSV: topics parted by spaces, a column of scores and one of margins for each topic.

    Parameters
    ----------
    topics : sequence of str
    number : {"%.6f", "%r"}, default "%.6f"
    errors : bool, default False
        Whether there is a last column for the error of an unreadable row.

    """

    def __init__(self, topics: Sequence[str], *, number: str = "%.6f", errors: bool = False) -> None:
        super().__init__(topics, number=number)
        self.errors = errors

    def header(self, leading: Sequence[str], trailing: Sequence[str]) -> bytes:
        """Return the line of column names."""
        names = [*leading, "topics", *self.topics, *map(margin_column, self.topics), *trailing]
        return f"{','.join(map(_csv_field, [*names, *self._error_column('error')]))}\r\n".encode()

    def _template(self, leading: Sequence[str]) -> str:
        return ",".join(["%s"] * (len(leading) + 1) + [self.number] * (2 * len(self.topics))) + "%s\r\n"

    def _value(self, value: Any) -> str:
        return _csv_field(value)

    def _join_labels(self, labels: list[str]) -> str:
        return _csv_field(" ".join(labels))

    def _tails(self, rows: Predictions) -> list[str]:
        columns = [list(map(_csv_field, values)) for values in rows.trailing.values()]
        columns += self._error_column([""] * len(rows))
        return [f",{','.join(values)}" for values in zip(*columns, strict=True)] if columns else [""] * len(rows)

    def _error_line(self, rows: Predictions, place: int, error: UnreadableRow) -> str:
        first = [_csv_field(values[place]) for values in rows.leading.values()]
        last = [_csv_field(values[place]) for values in rows.trailing.values()]
        empty = [""] * (1 + 2 * len(self.topics))
        return ",".join([*first, *empty, *last, *self._error_column(_csv_field(str(error)))]) + "\r\n"

    def _error_column(self, content: Any) -> list[Any]:
        return [content] if self.errors else []


class ParquetWriter:
    """Write predictions to one Parquet file: `topics` is a list, scores and margins are doubles.

    Parameters
    ----------
    file : binary file
    topics : sequence of str
    leading, trailing : mapping of str to Arrow type or None
        The columns before and after the predictions; None for text.
    errors : bool, default False
        Whether there is a last column for the error of an unreadable row.

    """

    def __init__(
        self,
        file: BinaryIO,
        topics: Sequence[str],
        leading: Mapping[str, Any],
        trailing: Mapping[str, Any],
        *,
        errors: bool = False,
    ) -> None:
        self._file, self._topics, self._errors = file, tuple(topics), errors
        self._leading, self._trailing = leading, trailing
        self._waiting: list[Any] = []
        self._rows = 0

    def write(self, rows: Predictions) -> None:
        """Add rows; raise OutputError for a value that its column cannot hold."""
        pa = arrow()

        try:
            table = pa.table(self._arrays(rows), schema=self._schema)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise OutputError(f"a value cannot be written as Parquet: {error}") from None
        self._waiting.append(table)
        self._rows += len(rows)
        if self._rows >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is waiting, and the end of the file."""
        self._flush()
        self._parquet.close()

    @cached_property
    def _schema(self) -> Any:
        pa = arrow()

        text, number = pa.string(), pa.float64()
        fields = [(name, kind or text) for name, kind in self._leading.items()]
        fields += [("topics", pa.list_(text)), *((topic, number) for topic in self._topics)]
        fields += [(margin_column(topic), number) for topic in self._topics]
        fields += [(name, kind or text) for name, kind in self._trailing.items()]
        return pa.schema([*fields, ("error", text)] if self._errors else fields)

    @cached_property
    def _parquet(self) -> Any:
        from pyarrow import parquet

        return parquet.ParquetWriter(self._file, self._schema)

    def _flush(self) -> None:
        pa = arrow()

        if self._waiting:
            self._parquet.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._rows = [], 0

    def _arrays(self, rows: Predictions) -> list[Any]:
        """Return the columns in the order of the schema; a row with an error has no predictions."""
        missing = np.zeros(len(rows), bool)
        missing[list(rows.errors)] = True
        found = [_arrow_array(values, self._schema.field(name).type) for name, values in rows.leading.items()]
        found += [self._topic_lists(rows.assigned, missing)]
        found += [_numbers(column, missing) for column in (*rows.scores.T, *rows.margins.T)]
        found += [_arrow_array(values, self._schema.field(name).type) for name, values in rows.trailing.items()]
        if self._errors:
            errors = [str(rows.errors[i]) if i in rows.errors else None for i in range(len(rows))]
            found.append(_arrow_array(errors, self._schema.field("error").type))
        return found

    def _topic_lists(self, assigned: NDArray[np.bool_], missing: NDArray[np.bool_]) -> Any:
        pa = arrow()

        offsets = np.concatenate([[0], np.cumsum(assigned.sum(1))]).astype(np.int32)
        values = np.array(self._topics, object)[np.nonzero(assigned)[1]]
        return pa.ListArray.from_arrays(offsets, pa.array(values, pa.string()), mask=pa.array(missing))


def arrow() -> Any:
    """Return pyarrow; raise MissingExtraError where it is not installed."""
    try:
        import pyarrow
    except ModuleNotFoundError:
        raise MissingExtraError("writing Parquet", "parquet") from None
    return pyarrow


def margin_column(topic: str) -> str:
    """Return the name of a topic's margins in CSV and Parquet."""
    return f"{topic}_margin"


def own_names(columns: Iterable[str], topics: Sequence[str]) -> dict[str, str]:
    """Choose the names that a table's columns have in the output.

    Parameters
    ----------
    columns : iterable of str
    topics : sequence of str
        The topic ids.

    Returns
    -------
    dict of str to str
        From each column to its own name, or to `input_<name>` where the output has that name itself.

    """
    taken = {"row", ID, "topics", "scores", "margins", "line", "error", *topics, *map(margin_column, topics)}
    names = {}
    for column in columns:
        name = column
        while name in taken:
            name = f"input_{name}"
        taken.add(name)
        names[column] = name
    return names


def as_json(value: Any) -> str:
    """Write a value as JSON.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
        Dates, bytes and the like as text, a number that is not finite as null; what some readers take for the end
        of a line, and terminals for a command, is escaped.

    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_as_text)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, default=_as_text)
    return text if text.isascii() else _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_objects(rows: Sequence[Prediction], topics: Sequence[str]) -> list[str]:
    """Write the predictions for paragraphs as JSON objects.

    Parameters
    ----------
    rows : sequence of Prediction
    topics : sequence of str
        The topic ids.

    Returns
    -------
    list of str
        One object for each paragraph, with scores in full precision.

    """
    return [
        line.removesuffix("\n") for line in JsonLinesWriter(topics, number="%r").lines(of_paragraphs(rows, topics))
    ]


def of_paragraphs(rows: Sequence[Prediction], topics: Sequence[str], *, explained: bool = True) -> Predictions:
    """Arrange the predictions for paragraphs by column.

    Parameters
    ----------
    rows : sequence of Prediction
    topics : sequence of str
        The topic ids.
    explained : bool, default True
        Whether there is a column of explanations.

    Returns
    -------
    Predictions

    """
    leading = {name: [getattr(row, name) for row in rows] for name in _LEADING}
    trailing: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in _TRAILING}
    if explained:
        trailing["explanation"] = [_explanations(row.explanation) for row in rows]
    shape = len(rows), len(topics)
    assigned = np.array([[topic in row.topics for topic in topics] for row in rows], bool).reshape(shape)
    scores = np.array([[row.scores[topic] for topic in topics] for row in rows], float).reshape(shape)
    margins = np.array([[row.margins[topic] for topic in topics] for row in rows], float).reshape(shape)
    return Predictions(leading, assigned, scores, margins, trailing)


def rendered(
    articles: Iterable[Sequence[Prediction]],
    form: Format,
    topics: Sequence[Topic],
    *,
    width: int,
    style: Style,
    brief: bool = False,
) -> Iterator[bytes]:
    r"""Render the predictions for articles.

    Parameters
    ----------
    articles : iterable of sequence of Prediction
    form : {"text", "jsonl", "csv", "parquet", "xlsx", "html"}
    topics : sequence of Topic
    width : int
        Columns of the terminal, for `text`.
    style : callable
        `(text, colour)` to the text in that colour, for `text`.
    brief : bool, default False
        Of several articles, show in `text` only the paragraphs with a topic, and a line for each article.

    Yields
    ------
    bytes
        Some paragraphs at a time. Half a surrogate pair, as in a name that is not UTF-8, is written as `\udce9`.

    """
    ids = [topic.id for topic in topics]
    if form == "text":
        write = as_brief_text if brief else as_text
        yield from map(_encoded, write(articles, topics, width=width, style=style))
    elif form == "html":
        from pipeline.predict.html import as_html

        yield from map(_encoded, as_html(articles, topics))
    elif form == "parquet":
        yield from _parquet_pieces(articles, ids)
    elif form == "xlsx":
        from pipeline.predict.excel import as_xlsx

        yield from as_xlsx((of_paragraphs(batch, ids, explained=False) for batch in _batches(articles)), topics)
    else:
        writer = JsonLinesWriter(ids, number="%r") if form == "jsonl" else CsvWriter(ids)
        yield writer.header(_LEADING, _TRAILING)
        for batch in _batches(articles):
            yield writer.encode(of_paragraphs(batch, ids, explained=form == "jsonl"))


def as_text(
    articles: Iterable[Sequence[Prediction]], topics: Sequence[Topic], *, width: int, style: Style
) -> Iterator[str]:
    """Render articles for reading: an article's topics, then each paragraph with its own.

    Parameters
    ----------
    articles : iterable of sequence of Prediction
    topics : sequence of Topic
    width : int
        Columns of the terminal.
    style : callable
        `(text, colour)` to the text in that colour.

    Yields
    ------
    str
        The heading of an article, or a paragraph. Each assigned topic has its score and, in brackets, its margin.

    """
    by_id = {topic.id: topic for topic in topics}
    width = max(width, _NARROWEST)
    for article in articles:
        yield _heading(article, by_id, width, style)
        for row in article:
            yield _paragraph(row, by_id, width, style)


def as_brief_text(
    articles: Iterable[Sequence[Prediction]], topics: Sequence[Topic], *, width: int, style: Style
) -> Iterator[str]:
    """Render articles for a first look: a line for each, and below it its paragraphs with a topic alone.

    A single article is rendered whole. The parameters, and what is yielded, are those of `as_text`.
    """
    remaining = iter(articles)
    first = list(islice(remaining, 2))
    if len(first) < 2:  # noqa: PLR2004
        yield from as_text(first, topics, width=width, style=style)
        return
    by_id = {topic.id: topic for topic in topics}
    width = max(width, _NARROWEST)
    for article in chain(first, remaining):
        yield _line(article, by_id, width, style)
        if copied_from(article) is None:
            relevant = [row for row in article if row.topics]
            yield from (_paragraph(row, by_id, width, style) for row in relevant)


_LEADING = ("source", "paragraph", "start", "end", "text")
_TRAILING = ("title", "date", "origin", "language")


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # half a surrogate pair has no UTF-8


def _batches(articles: Iterable[Sequence[Prediction]]) -> Iterator[Sequence[Prediction]]:
    for article in articles:
        for first in range(0, len(article), _BATCH):
            yield article[first : first + _BATCH]


def _parquet_pieces(articles: Iterable[Sequence[Prediction]], topics: Sequence[str]) -> Iterator[bytes]:
    pa = arrow()

    leading = {"source": None, "paragraph": pa.int32(), "start": pa.int64(), "end": pa.int64(), "text": None}
    file = BytesIO()
    writer = ParquetWriter(file, topics, leading, dict.fromkeys(_TRAILING))
    for batch in _batches(articles):
        writer.write(of_paragraphs(batch, topics, explained=False))
        yield _taken(file)
    writer.close()
    yield _taken(file)


def _taken(file: BytesIO) -> bytes:
    """Take what was written: the writer counts for itself how far the file goes."""
    content = file.getvalue()
    file.seek(0)
    file.truncate()
    return content


def _numbers(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> Any:
    pa = arrow()

    return pa.array(np.ascontiguousarray(values), mask=missing)


def _arrow_array(values: list[Any], kind: Any) -> Any:
    pa = arrow()

    if kind == pa.string():
        values = [None if value is None else _plain(value) for value in values]
    return pa.array(values, type=kind)


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else as_json(value)
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _escaped(name: str) -> str:
    return as_json(name).replace("%", "%%")


def _csv_field(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else as_json(value)
    quoted = "," in text or '"' in text or "\n" in text or "\r" in text
    return '"{}"'.format(text.replace('"', '""')) if quoted else text


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def _explanations(found: Mapping[str, Explanation]) -> dict[str, object] | None:
    return {topic: _explanation(explanation) for topic, explanation in found.items()} or None


def _explanation(found: Explanation) -> dict[str, object]:
    terms = [
        {"term": t.term, "contribution": t.value, "spans": [list(span) for span in t.spans]} for t in found.terms
    ]
    return {"bias": found.bias, "terms": terms, "rest": found.rest}


def _heading(article: Sequence[Prediction], topics: Mapping[str, Topic], width: int, style: Style) -> str:
    first = article[0]
    facts = [one_line(fact) for fact in (first.title, first.date, first.origin) if fact]
    texts, topics_of = zip(*((row.text, row.topics) for row in article), strict=True)
    found = aggregate(texts, topics_of)
    about = [f"{topics[topic].title} ({n} of {found.paragraphs})" for topic, n in found.about.items()]
    mentioned = [f"{topics[topic].title} ({n})" for topic, n in found.mentioned.items()]
    parts = [f"About: {', '.join(about)}"] if about else []
    parts += [f"Mentions: {', '.join(mentioned)}"] if mentioned else []
    summary = ". ".join(parts) or "None of the topics"
    lines = [one_line(first.source), *([" · ".join(facts)] if facts else []), summary]
    text = "\n".join(line for long in lines for line in textwrap.wrap(long, width) or [""])
    for topic in {**found.about, **found.mentioned}:
        text = text.replace(f"{topics[topic].title} (", f"{style(topics[topic].title, topics[topic].colour)} (")
    return f"{text}\n\n"


def _line(article: Sequence[Prediction], topics: Mapping[str, Topic], width: int, style: Style) -> str:
    """Name an article with the number of its paragraphs that have each topic, or what it repeats."""
    first = article[0]
    name = one_line(f"{first.source}: {first.title}" if first.title else first.source)
    original = copied_from(article)
    if original is not None:
        return "\n".join(textwrap.wrap(f"{name}: the same text as {one_line(original)}", width)) + "\n\n"
    counts = Counter(topic for row in article for topic in row.topics)
    labels = [(topics[topic], f"{topics[topic].title} {counts[topic]}") for topic in topics if counts[topic]]
    relevant = sum(bool(row.topics) for row in article)
    lines = [*textwrap.wrap(f"{name} ({relevant} of {len(article)} paragraphs)", width)]
    lines += [f"  {line}" for line in _fitted(labels, width - 2, style) or ["none of the topics"]]
    return "\n".join(lines) + "\n\n"


def _paragraph(row: Prediction, topics: Mapping[str, Topic], width: int, style: Style) -> str:
    labels = [
        (topics[t], f"{topics[t].title} {score_text(row.scores[t])} ({row.margins[t]:+.2f})") for t in row.topics
    ]
    lines = _fitted(labels, width - 5, style) or ["-"]
    lines = [f"{row.paragraph + 1:>3}  {lines[0]}", *(" " * 5 + line for line in lines[1:])]
    lines += textwrap.wrap(
        printable(" ".join(row.text.split())), width, initial_indent=" " * 5, subsequent_indent=" " * 5
    )
    for topic, found in row.explanation.items():
        near = f", near miss {score_text(row.scores[topic])} ({row.margins[topic]:+.2f})"
        name = f"{topics[topic].title}{'' if topic in row.topics else near}"
        line = f"{name}: {_spoken(found)}; other terms {found.rest:+.2f}, bias {found.bias:+.2f}"
        lines += textwrap.wrap(printable(line), width, initial_indent=" " * 7, subsequent_indent=" " * 9)
    return "\n".join(lines) + "\n\n"


def _spoken(found: Explanation) -> str:
    """List the terms that speak for a topic, then those against it."""
    sides: dict[str, list[str]] = {"for": [], "against": []}
    for term in found.terms:
        sides["for" if term.value >= 0 else "against"].append(f"{term.term} {term.value:+.2f}")
    return "; ".join(f"{side}: {', '.join(terms)}" for side, terms in sides.items() if terms) or "no term"


def _fitted(labels: list[tuple[Topic, str]], width: int, style: Style) -> list[str]:
    """Put labels on lines that fit; widths are counted before colour codes are added."""
    lines: list[list[tuple[Topic, str]]] = []
    for topic, label in labels:
        if lines and sum(len(text) + 2 for _, text in lines[-1]) + len(label) <= width:
            lines[-1].append((topic, label))
        else:
            lines.append([(topic, label)])
    return ["  ".join(style(label, topic.colour) for topic, label in line) for line in lines]
