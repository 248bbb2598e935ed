"""Predictions for reading in a terminal: the article's topics, then each paragraph with its own."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from pipeline.model.aggregation import aggregate
from pipeline.schema import Prediction, Topic

Style = Callable[[str, str], str]
_NARROWEST = 30


def as_text(rows: Iterable[Prediction], topics: Sequence[Topic], *, width: int, style: Style) -> Iterator[str]:
    """Give articles for reading, `width` columns wide, with topics in their colours by `style`.

    Each given topic has its score and, in brackets, the margin: how far the score is above the threshold.
    """
    by_id = {topic.id: topic for topic in topics}
    width = max(width, _NARROWEST)
    for _, group in groupby(rows, attrgetter("source")):
        article = list(group)
        yield _heading(article, by_id, width, style)
        for row in article:
            yield _paragraph(row, by_id, width, style)


def _heading(article: list[Prediction], topics: Mapping[str, Topic], width: int, style: Style) -> str:
    first = article[0]
    facts = [fact for fact in (first.title, first.date, first.origin) if fact]
    found = aggregate([row.topics for row in article])
    about = [f"{topics[topic].title} ({n} of {found.paragraphs})" for topic, n in found.about.items()]
    mentioned = [f"{topics[topic].title} ({n})" for topic, n in found.mentioned.items()]
    summary = f"About: {', '.join(about) or 'none of the topics'}"
    summary += f". Mentioned: {', '.join(mentioned)}" if mentioned else ""
    lines = [first.source, *([" · ".join(facts)] if facts else []), summary]
    text = "\n".join(line for long in lines for line in textwrap.wrap(long, width) or [""])
    for topic in {**found.about, **found.mentioned}:
        text = text.replace(f"{topics[topic].title} (", f"{style(topics[topic].title, topics[topic].colour)} (")
    return f"{text}\n\n"


def _paragraph(row: Prediction, topics: Mapping[str, Topic], width: int, style: Style) -> str:
    labels = [(topics[t], f"{topics[t].title} {row.scores[t]:.2f} ({row.margins[t]:+.2f})") for t in row.topics]
    lines = _fitted(labels, width - 5, style) or ["-"]
    lines = [f"{row.paragraph + 1:>3}  {lines[0]}", *(" " * 5 + line for line in lines[1:])]
    lines += textwrap.wrap(" ".join(row.text.split()), width, initial_indent=" " * 5, subsequent_indent=" " * 5)
    for topic, why in row.explanation.items():
        terms = ", ".join(f"{term.term} {term.value:+.2f}" for term in why.terms)
        near = "" if topic in row.topics else f", near miss {row.scores[topic]:.2f} ({row.margins[topic]:+.2f})"
        line = f"{topics[topic].title}{near}: {terms}, other terms {why.rest:+.2f}, bias {why.bias:+.2f}"
        lines += textwrap.wrap(line, width, initial_indent=" " * 7, subsequent_indent=" " * 9)
    return "\n".join(lines) + "\n\n"


def _fitted(labels: list[tuple[Topic, str]], width: int, style: Style) -> list[str]:
    """Put labels on lines that fit; widths are counted before colour codes are added."""
    lines: list[list[tuple[Topic, str]]] = []
    for topic, label in labels:
        if lines and sum(len(text) + 2 for _, text in lines[-1]) + len(label) <= width:
            lines[-1].append((topic, label))
        else:
            lines.append([(topic, label)])
    return ["  ".join(style(label, topic.colour) for topic, label in line) for line in lines]
