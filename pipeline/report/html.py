"""A report as one HTML file: style and plots inside, no script, no network; for screen, dark screen and paper."""

import io
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files

import matplotlib as mpl
from matplotlib.figure import Figure as Plot

from pipeline.evaluation.tables import Cell, Figure, Row, Table
from pipeline.report.document import Section
from pipeline.report.plots import INK

_LONG = 60
_IDS = re.compile(r'( id="|href="#|url\(#)')


def html(title: str, sections: Sequence[Section], *, lead: str = "") -> str:
    """Write a report as a page with a table of contents."""
    style = files("pipeline.report").joinpath("report.css").read_text(encoding="utf-8")
    contents = "".join(f'<li><a href="#{s.id}">{escape(s.title)}</a></li>' for s in sections)
    body = "".join(_section(section) for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1><p>{escape(lead)}</p></header>\n"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>\n<main>\n{body}</main>\n</body>\n</html>\n'
    )


def _section(section: Section) -> str:
    parts = [f'<section id="{section.id}">\n<h2>{escape(section.title)}</h2>\n']
    parts += [f"<p>{escape(section.text)}</p>\n"] if section.text else []
    parts += [_table(table, section.title) for table in section.tables]
    plots = "".join(_plot(name, plot) for name, plot in section.plots)
    parts += [f'<div class="plots">{plots}</div>\n'] if plots else []
    return "".join(parts) + "</section>\n"


def _table(table: Table, label: str) -> str:
    head = "".join(f'<th scope="col">{escape(str(cell))}</th>' for cell in table[0])
    body = "".join(_row(row) for row in table[1:])
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n"
    )


def _row(row: Row) -> str:
    return f'<tr><th scope="row">{escape(str(row[0]))}</th>{"".join(_cell(cell) for cell in row[1:])}</tr>\n'


def _cell(cell: Cell) -> str:
    if isinstance(cell, Figure):
        value, _, spread = str(cell).partition(" ")
        return f'<td class="number">{value} <small>{escape(spread)}</small></td>'
    if isinstance(cell, int) or cell == "-":
        return f'<td class="number">{cell}</td>'
    return f"<td{' class=long' if len(cell) > _LONG else ''}>{escape(cell)}</td>"


def _plot(name: str, plot: Plot) -> str:
    """Draw a plot in the page's own ink and font, with ids that no other plot of the page has."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        plot.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue().split("<svg", 1)[1]
    svg = _IDS.sub(lambda match: f"{match[0]}{name}-", svg.replace(INK, "currentColor"))
    title = plot.axes[0].get_title()
    return f'<figure><svg role="img" aria-label="{escape(title)}"{svg}</figure>\n'
