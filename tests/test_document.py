import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pipeline.assets import script_digest
from pipeline.evaluation.estimates import Estimate, ReliabilityBin
from pipeline.report.document import Section, html, markdown, section_records
from pipeline.report.plots import precision_recall, reliability
from pipeline.schema import Topic

TOPICS = (Topic("x", "X & Y", colour="#336699"),)
Y_SCORE, Y_TRUE = np.array([[0.9], [0.2], [0.4]]), np.array([[True], [False], [True]])
TABLE = pd.DataFrame({"name": ["a<b", "c"], "f1": [Estimate(0.5, 0.4, 0.6), "-"]})
BINS = [ReliabilityBin(0.9, 1.0, 37, 0.95, Estimate(0.75, 0.5, 0.9))]
SECTIONS = [
    Section("one", "One", "Text & more.", (TABLE,)),
    Section(
        "two",
        "Two",
        plots=(
            ("first", precision_recall(TOPICS, Y_SCORE, Y_TRUE)),
            ("second", reliability(TOPICS, [BINS], title="Reliability")),
        ),
    ),
    Section("three", "Three", tables=(TABLE,), folded="rows"),
]
PAGE = html("A <report>", SECTIONS, lead="Lead.")


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(PAGE)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_no_network_and_allows_only_its_own_script() -> None:
    tags = Elements().tags
    assert not [tag for tag, _ in tags if tag in ("img", "iframe", "object")]
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    policy = next(attrs["content"] for _, attrs in tags if attrs.get("http-equiv"))
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{script_digest(script)}'"
    )
    links = [value for _, attrs in tags for name, value in attrs.items() if name in ("href", "src", "xlink:href")]
    assert links
    assert all((link or "").startswith(("#", "data:")) for link in links)
    assert not re.search(r"@import|url\((?!#)", PAGE)


def test_every_id_is_there_once_and_every_reference_is_met() -> None:
    tags = Elements().tags
    ids = Counter(attrs["id"] for _, attrs in tags if "id" in attrs)
    assert max(ids.values()) == 1
    references = {value for _, attrs in tags for name, value in attrs.items() if value and name.endswith("href")}
    references |= {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", PAGE)}
    assert {reference[1:] for reference in references if reference.startswith("#")} <= set(ids)


def test_text_is_escaped_and_estimates_show_their_interval() -> None:
    assert "<h1>A &lt;report&gt;</h1>" in PAGE
    assert '<th scope="row">a&lt;b</th>' in PAGE
    assert "0.500 <small>[0.400, 0.600]</small>" in PAGE


def test_plots_take_the_ink_of_the_page() -> None:
    assert "currentColor" in PAGE
    assert "#336699" in PAGE
    assert "#70767c" not in PAGE


def test_light_dark_and_paper_are_styled() -> None:
    assert "prefers-color-scheme: dark" in PAGE
    assert "@media print" in PAGE


def test_markdown_has_text_and_tables_and_names_the_plots() -> None:
    assert markdown("A report", SECTIONS) == (
        "# A report\n\n## One\n\nText & more.\n\n"
        "| name | f1 |\n| --- | --- |\n| a<b | 0.500 [0.400, 0.600] |\n| c | - |\n\n"
        "## Two\n\nPlots: first, second.\n\n"
        "## Three\n\n| name | f1 |\n| --- | --- |\n| a<b | 0.500 [0.400, 0.600] |\n| c | - |\n"
    )


def test_a_long_section_is_folded_and_says_how_long_it_is() -> None:
    folded = PAGE.partition('<section id="three"')[2]
    assert re.search(r"<details><summary>2 rows</summary>\s*<div", folded)
    assert PAGE.count("<details>") == 1


def test_a_reliability_plot_says_how_many_rows_each_point_is_of() -> None:
    plot = reliability(TOPICS, [BINS], title="Reliability, day")
    (axes,) = plot.axes
    assert [text.get_text() for text in axes.texts] == ["37"]
    (bar,) = axes.collections[0].get_segments()
    assert bar.ravel().tolist() == pytest.approx([0.95, 0.5, 0.95, 0.9])


def test_records_are_the_tables_by_section() -> None:
    f1 = {"value": 0.5, "low": 0.4, "high": 0.6}
    assert section_records(SECTIONS) == {
        name: [[{"name": "a<b", "f1": f1}, {"name": "c", "f1": "-"}]] for name in ("one", "three")
    }
