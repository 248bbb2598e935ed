"""A report as sections of tables and plots, and how it is written in Markdown and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Plot

from pipeline.evaluation.tables import Table, as_markdown, records


@dataclass(frozen=True)
class Section:
    """One part of a report: what it shows, in words, then tables and plots (by file name)."""

    id: str
    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    plots: tuple[tuple[str, Plot], ...] = ()


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Write a report in Markdown; of plots it says only their names."""
    parts = [f"# {title}\n"]
    for section in sections:
        parts.append(f"## {section.title}\n")
        parts += [f"{section.text}\n"] if section.text else []
        parts += [as_markdown(table) for table in section.tables]
        parts += [f"Plots: {', '.join(name for name, _ in section.plots)}.\n"] if section.plots else []
    return "\n".join(parts)


def plain_sections(sections: Sequence[Section]) -> dict[str, list[list[dict[str, object]]]]:
    """Give the tables of every section as lists of JSON objects."""
    return {section.id: [records(table) for table in section.tables] for section in sections if section.tables}
