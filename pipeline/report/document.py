"""A report as sections of tables and plots, written as Markdown, as JSON records, or as one HTML page."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import matplotlib as mpl
import pandas as pd
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from matplotlib.figure import Figure

from pipeline.assets import read_asset, script_digest
from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.tables import as_markdown, to_records
from pipeline.report.plots import INK

_IDS = re.compile(r'( id="|href="#|url\(#)')


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Parameters
    ----------
    id, title : str
    text : str, optional
        What the section shows, in words.
    code : str, optional
        A file's content, shown as it is.
    tables : tuple of DataFrame, optional
    plots : tuple of (name, Figure), optional
    folded : str, optional
        What the rows of the tables are called; the page then shows their number, and them when asked.

    """

    id: str
    title: str
    text: str = ""
    code: str = field(default="", kw_only=True)
    folded: str = field(default="", kw_only=True)
    tables: tuple[pd.DataFrame, ...] = ()
    plots: tuple[tuple[str, Figure], ...] = ()


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Write a report in Markdown; plots are only named."""
    parts = [f"# {title}\n"]
    for section in sections:
        parts.append(f"## {section.title}\n")
        parts += [f"{section.text}\n"] if section.text else []
        parts += [f"```yaml\n{section.code}```\n"] if section.code else []
        parts += [as_markdown(table) for table in section.tables]
        parts += [f"Plots: {', '.join(name for name, _ in section.plots)}.\n"] if section.plots else []
    return "\n".join(parts)


def section_records(sections: Sequence[Section]) -> dict[str, list[list[dict[str, object]]]]:
    """Return the tables of every section as JSON objects, by the section's id."""
    return {section.id: [to_records(table) for table in section.tables] for section in sections if section.tables}


def html(title: str, sections: Sequence[Section], *, lead: str = "") -> str:
    """Write a report as one HTML page, for screen, dark screen and paper.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    lead : str, optional
        A line below the title.

    Returns
    -------
    str
        Style and plots are inside, without network. The one script that its policy allows lets the links of the
        contents work in MLflow's viewer, whose frame opens no link.

    """
    environment = Environment(
        loader=PackageLoader("pipeline"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["svg"] = _svg
    script = read_asset("contents.js")
    inside = {"script": Markup(script), "digest": script_digest(script)}  # our own file
    environment.tests["estimate"] = lambda cell: isinstance(cell, Estimate)
    return environment.get_template("evaluation.html").render(title=title, sections=sections, lead=lead, **inside)


def _svg(plot: Figure, name: str) -> Markup:
    """Draw a plot in the page's own ink and font, with ids that no other plot of the page has."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        plot.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue().split("<svg", 1)[1]
    svg = _IDS.sub(lambda match: f"{match[0]}{name}-", svg.replace(INK, "currentColor"))
    title = plot.get_suptitle() or plot.axes[0].get_title()
    label = Markup('<svg role="img" aria-label="{}"').format(title)
    return label + Markup(svg)  # Matplotlib has escaped every text in it
