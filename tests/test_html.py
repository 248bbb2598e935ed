import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np

from pipeline.evaluation.tables import Figure
from pipeline.report.document import Section
from pipeline.report.html import html
from pipeline.report.plots import precision_recall, reliability_curves
from pipeline.schema import Topic

TOPICS = (Topic("x", "X & Y", colour="#336699"),)
SCORES, LABELS = np.array([[0.9], [0.2], [0.4]]), np.array([[True], [False], [True]])
PAGE = html(
    "A <report>",
    [
        Section("one", "One", "Text & more.", ([["name", "f1"], ["a<b", Figure(0.5, 0.4, 0.6)]],)),
        Section(
            "two",
            "Two",
            plots=(
                ("first", precision_recall(TOPICS, SCORES, LABELS)),
                ("second", reliability_curves(TOPICS, SCORES, LABELS)),
            ),
        ),
    ],
    lead="Lead.",
)


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(PAGE)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_no_network_and_no_script() -> None:
    tags = Elements().tags
    assert not [tag for tag, _ in tags if tag in ("script", "img", "iframe", "object")]
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


def test_text_is_escaped_and_figures_show_their_interval() -> None:
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
