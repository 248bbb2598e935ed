"""Write predictions for people and for machines: text, HTML, JSON lines, CSV and Parquet."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipeline.predict.machine import as_csv, as_json, as_parquet
from pipeline.predict.text import Style, as_text
from pipeline.schema import Prediction, Topic

FORMATS = ("text", "jsonl", "csv", "parquet", "html")

__all__ = ["FORMATS", "Style", "rendered"]


def rendered(
    rows: Iterable[Prediction], form: str, topics: Sequence[Topic], *, width: int, style: Style
) -> Iterator[bytes]:
    """Render predictions in one of FORMATS, in UTF-8, piece by piece as they come where the format lets them."""
    if form == "parquet":
        return as_parquet(rows, [topic.id for topic in topics])
    if form == "html":
        from pipeline.predict.html import as_html

        return (piece.encode() for piece in as_html(rows, topics))
    writers: dict[str, Callable[[], Iterator[str]]] = {
        "text": lambda: as_text(rows, topics, width=width, style=style),
        "jsonl": lambda: (f"{as_json(row)}\n" for row in rows),
        "csv": lambda: as_csv(rows, [topic.id for topic in topics]),
    }
    return (piece.encode() for piece in writers[form]())
