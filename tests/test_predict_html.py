import re
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path

import pytest
from serving import ARTICLE

from pipeline.assets import read_asset, script_digest
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.predict.article import predict
from pipeline.predict.html import LEVELS, as_html, view
from pipeline.schema import Article, Topic

HOSTILE = (
    '<script>alert(1)</script> Sappers cleared landmines </p></main>"><img src=x onerror=alert(2)> {{ 7 * 7 }}'
)


@pytest.fixture(scope="module")
def model(small_model: Path) -> Bundle:
    return load_bundle(small_model / "champion.safetensors")


class Page(HTMLParser):
    """Collect tags, text and whatever could make a browser ask for something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asking: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.asking += [name for name, _ in attrs if name in ("src", "style") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_whatever_an_article_says_is_escaped(model: Bundle) -> None:
    topics = (Topic("mine_action", HOSTILE, HOSTILE, "red;}body{display:none"), model.topics[1])
    rows = predict(Article(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "javascript:alert(3)"), model, explained=True)
    page = Page()
    page.feed("".join(as_html([rows], topics)))
    assert "img" not in page.tags
    assert page.tags.count("script") == 1
    assert read_asset("keys.js") in page.text
    assert page.asking == []
    assert HOSTILE in page.text
    assert "display:none" not in page.text


def test_only_the_script_of_the_keys_may_run(model: Bundle) -> None:
    html = "".join(as_html([predict(Article("a.html", ARTICLE), model, explained=True)], model.topics))
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert (
        f"""content="default-src 'none'; style-src 'unsafe-inline'; script-src '{script_digest(script)}'">"""
        in html
    )


def test_several_articles_fold_and_a_copy_is_one_line_that_does_not_count(model: Bundle) -> None:
    articles = [
        Article("a.txt", ARTICLE, "One"),
        Article("b.txt", ARTICLE, "Two", copy_of="a.txt"),
        Article("c.txt", "Lunch."),
    ]
    html = "".join(as_html([predict(article, model, explained=True) for article in articles], model.topics))
    assert re.findall(r'<details class="fold"( open)?>', html) == [" open", ""]
    assert html.count("orchestra played") == 1
    assert "The same text as a.txt." in html
    assert "Of 4 paragraphs." in html
    contents = html.partition('<ol class="contents">')[2].partition("</ol>")[0]
    assert [re.sub(r"<[^>]*>|\s+", " ", entry).split() for entry in contents.split("</li>")[:3]] == [
        ["One", "●", "Mine", "action", "1", "■", "Peace", "process", "1"],
        ["Two", "a", "copy"],
        ["c.txt"],
    ]


def test_every_paragraph_is_there_once(model: Bundle) -> None:
    rows = predict(Article("a.html", ARTICLE), model, explained=True)
    page = Page()
    page.feed("".join(as_html([rows], model.topics)))
    assert page.tags.count("details") == 2  # explanations: a single article does not fold
    for paragraph in ARTICLE.split("\n\n"):
        assert page.text.count(paragraph) == 1
    assert "".join(as_html([], model.topics)).count("No paragraphs.") == 1


def test_a_text_is_cut_where_its_terms_begin_and_end(model: Bundle) -> None:
    (paragraph, *_) = view(predict(Article("a", ARTICLE), model, explained=True), model.topics).paragraphs
    assert "".join(piece.text for piece in paragraph.pieces) == paragraph.row.text
    assert {piece.level for piece in paragraph.pieces} <= set(range(LEVELS + 1))
    (strongest,) = {piece.text.lower() for piece in paragraph.pieces if piece.level == LEVELS}
    assert strongest in paragraph.chips[0].explanation.terms[0].term
    assert paragraph.tint == 0


def test_a_long_report_is_not_held_in_memory(model: Bundle) -> None:
    text = "\n\n".join(["word " * 500] * 100)
    articles = (predict(Article("a", text), model, explained=True) for _ in range(20))
    size = 0
    tracemalloc.start()
    try:
        for piece in as_html(articles, model.topics):
            size += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 5_000_000
    assert peak < size / 2
