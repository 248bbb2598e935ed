"""Predictions as one HTML file that needs nothing else: no script, no address, its style inside."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline.predict.view import articles
from pipeline.schema import Prediction, Topic

if TYPE_CHECKING:
    from jinja2 import Environment

MARKS = "●■▲◆★✚⬟⬢"


def as_html(rows: Iterable[Prediction], topics: Sequence[Topic]) -> Iterator[str]:
    """Give the report; articles that share a source are one."""
    style = (files("pipeline") / "static" / "style.css").read_text(encoding="utf-8")
    views = list(articles(rows, topics))
    counts = [sum(topic.id in row.row.topics for view in views for row in view.paragraphs) for topic in topics]
    total = sum(len(view.paragraphs) for view in views)
    page = environment().get_template("report.html")
    yield page.render(articles=views, topics=topics, counts=counts, total=total, style=style)


@lru_cache(maxsize=1)
def environment() -> "Environment":
    """Give the templates, which escape whatever they are given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("pipeline"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["colour"] = _colour
    made.globals["marks"] = MARKS
    return made


def _colour(topic: Topic) -> str:
    """Let only a colour's hexadecimal digits into a style sheet."""
    digits = topic.colour.removeprefix("#")
    return (
        f"#{digits}" if len(digits) in (3, 6) and all(c in "0123456789abcdefABCDEF" for c in digits) else "#5f6368"
    )
