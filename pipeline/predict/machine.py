"""Predictions for machines: JSON lines, CSV and Parquet, as `docs/predict.md` describes them field by field."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from pipeline.schema import Explanation, Prediction

_FIELDS = ("source", "paragraph", "start", "end", "text", "topics", "scores", "margins")
_FACTS = ("title", "date", "origin")
_BATCH = 1000


def as_row(row: Prediction) -> dict[str, Any]:
    """Give one prediction as the fields of its JSON object; facts that the article does not have are left out."""
    fields = {name: getattr(row, name) for name in _FIELDS}
    fields |= {name: getattr(row, name) for name in _FACTS if getattr(row, name) is not None}
    if row.explanation:
        fields["explanation"] = {topic: _explanation(why) for topic, why in row.explanation.items()}
    return fields


def as_json(row: Prediction) -> str:
    """Give one prediction as a JSON object on one line."""
    return json.dumps(as_row(row), ensure_ascii=False)


def as_csv(rows: Iterable[Prediction], topics: Sequence[str]) -> Iterator[str]:
    """Give a header, then a line a prediction: topics joined by a space, one score column a topic."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["source", "paragraph", "start", "end", "text", "topics", *topics, *_FACTS])
    yield _taken(buffer)
    for row in rows:
        scores = [f"{row.scores[topic]:.6f}" for topic in topics]
        facts = [getattr(row, name) for name in _FACTS]
        given = " ".join(row.topics)
        writer.writerow([row.source, row.paragraph, row.start, row.end, row.text, given, *scores, *facts])
        yield _taken(buffer)


def as_parquet(rows: Iterable[Prediction], topics: Sequence[str]) -> Iterator[bytes]:
    """Give one Parquet file with the columns of the CSV; `topics` is a list, scores are doubles."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [("source", pa.string()), ("paragraph", pa.int32()), ("start", pa.int64()), ("end", pa.int64())]
        + [("text", pa.string()), ("topics", pa.list_(pa.string()))]
        + [(topic, pa.float64()) for topic in topics]
        + [(name, pa.string()) for name in _FACTS]
    )
    sink, rest = io.BytesIO(), iter(rows)
    with pq.ParquetWriter(sink, schema) as writer:
        while batch := list(islice(rest, _BATCH)):
            columns = [{n: getattr(row, n) for n in (*_FIELDS[:6], *_FACTS)} | row.scores for row in batch]
            writer.write_table(pa.Table.from_pylist(columns, schema=schema))
    yield sink.getvalue()


def _explanation(why: Explanation) -> dict[str, object]:
    terms = [
        {"term": t.term, "contribution": t.value, "spans": [list(span) for span in t.spans]} for t in why.terms
    ]
    return {"bias": why.bias, "terms": terms, "rest": why.rest}


def _taken(buffer: io.StringIO) -> str:
    line = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return line
