"""Write predictions for people and for machines: text, JSON lines and CSV."""

import csv
import io
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.schema import Explanation, Prediction, Topic

Style = Callable[[str, str], str]


def rendered(
    rows: Iterable[Prediction], form: str, topics: Sequence[Topic], *, width: int, style: Style
) -> Iterator[str]:
    """Render predictions as `text`, `jsonl` or `csv`, piece by piece as they come."""
    if form == "jsonl":
        return (f"{as_json(row)}\n" for row in rows)
    if form == "csv":
        return as_csv(rows, [topic.id for topic in topics])
    return as_text(rows, topics, width=width, style=style)


def as_json(row: Prediction) -> str:
    """Give one prediction as a JSON object on one line; the fields are those of `Prediction`."""
    fields = {
        name: getattr(row, name) for name in ("source", "paragraph", "start", "end", "text", "topics", "scores")
    }
    if row.explanation:
        fields["explanation"] = {topic: _explanation(why) for topic, why in row.explanation.items()}
    return json.dumps(fields, ensure_ascii=False)


def as_csv(rows: Iterable[Prediction], topics: Sequence[str]) -> Iterator[str]:
    """Give a header, then a line a prediction: topics joined by a space, one score column a topic."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["source", "paragraph", "start", "end", "text", "topics", *topics])
    yield _taken(buffer)
    for row in rows:
        scores = [f"{row.scores[topic]:.6f}" for topic in topics]
        writer.writerow([row.source, row.paragraph, row.start, row.end, row.text, " ".join(row.topics), *scores])
        yield _taken(buffer)


def as_text(rows: Iterable[Prediction], topics: Sequence[Topic], *, width: int, style: Style) -> Iterator[str]:
    """Give articles for reading, `width` columns wide: each paragraph's number, its topics, and its text."""
    source = None
    for row in rows:
        if row.source != source:
            yield f"{row.source}\n\n"
            source = row.source
        yield _paragraph(row, {topic.id: topic for topic in topics}, max(width, 30), style)


def _paragraph(row: Prediction, topics: dict[str, Topic], width: int, style: Style) -> str:
    given = [style(f"{topics[t].title} {row.scores[t]:.2f}", topics[t].colour) for t in row.topics]
    lines = [f"{row.paragraph + 1:>3}  {'  '.join(given) or '-'}"]
    lines += textwrap.wrap(" ".join(row.text.split()), width, initial_indent=" " * 5, subsequent_indent=" " * 5)
    for topic, why in row.explanation.items():
        terms = ", ".join(f"{term} {value:+.2f}" for term, value in why.terms)
        line = f"{topics[topic].title}: {terms}, other terms {why.rest:+.2f}, bias {why.bias:+.2f}"
        lines += textwrap.wrap(line, width, initial_indent=" " * 7, subsequent_indent=" " * 9)
    return "\n".join(lines) + "\n\n"


def _explanation(why: Explanation) -> dict[str, object]:
    terms = [{"term": term, "contribution": value} for term, value in why.terms]
    return {"bias": why.bias, "terms": terms, "rest": why.rest}


def _taken(buffer: io.StringIO) -> str:
    line = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return line
