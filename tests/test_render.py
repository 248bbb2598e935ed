import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from serving import ARTICLE

from pipeline.model.bundle import load_bundle
from pipeline.predict.article import predict
from pipeline.predict.output import rendered
from pipeline.schema import Article, Prediction, Topic

HOSTILE = (
    '<script>alert(1)</script> Sappers cleared landmines </p></main>"><img src=x onerror=alert(2)> {{ 7 * 7 }}'
)


@pytest.fixture(scope="module")
def topics(small_model: Path) -> tuple[Topic, ...]:
    return load_bundle(small_model / "champion.safetensors").topics


@pytest.fixture(scope="module")
def rows(small_model: Path) -> list[Prediction]:
    bundle = load_bundle(small_model / "champion.safetensors")
    return predict(
        Article("a.html", ARTICLE, "A title", "2025-03-04", "https://example.org"), bundle, explained=True
    )


def as_bytes(rows: list[Prediction], form: str, topics: tuple[Topic, ...], *, width: int = 60) -> bytes:
    return b"".join(rendered(rows, form, topics, width=width, style=lambda text, colour: text))


def test_json_lines_have_the_documented_fields(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    first = json.loads(as_bytes(rows, "jsonl", topics).splitlines()[0])
    assert {
        name: first[name] for name in ("source", "paragraph", "start", "topics", "title", "date", "origin")
    } == {
        "source": "a.html",
        "paragraph": 0,
        "start": 0,
        "topics": ["mine_action"],
        "title": "A title",
        "date": "2025-03-04",
        "origin": "https://example.org",
    }
    term = first["explanation"]["mine_action"]["terms"][0]
    assert all(first["text"][start:end] for start, end in term["spans"])
    assert first["margins"].keys() == first["scores"].keys()


def test_csv_and_parquet_say_the_same(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    lines = list(csv.DictReader(io.StringIO(as_bytes(rows, "csv", topics).decode())))
    table = pq.read_table(io.BytesIO(as_bytes(rows, "parquet", topics)))
    assert table.column_names == list(lines[0])
    for line, row in zip(lines, table.to_pylist(), strict=True):
        assert line["topics"].split() == row["topics"]
        assert float(line["mine_action"]) == pytest.approx(row["mine_action"], abs=1e-6)
        assert line["text"] == row["text"]


def test_text_has_the_articles_topics_and_the_margins(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    text = as_bytes(rows, "text", topics).decode()
    assert text.startswith(
        "a.html\nA title · 2025-03-04 · https://example.org\n"
        "About: Mine action (1 of 3), Peace process (1 of 3)\n\n  1  Mine action "
    )
    assert re.search(r"Mine action \d\.\d\d \(\+\d\.\d\d\)\n", text)


@pytest.mark.parametrize("width", [10, 30, 41])
def test_text_fits_a_narrow_terminal(rows: list[Prediction], topics: tuple[Topic, ...], width: int) -> None:
    lines = as_bytes(rows, "text", topics, width=width).decode().splitlines()
    assert max(map(len, lines)) <= max(width, 30) + 3


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


def test_the_html_report_escapes_whatever_an_article_says(small_model: Path) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    topics = (Topic("mine_action", HOSTILE, HOSTILE, "red;}body{display:none"), bundle.topics[1])
    rows = predict(Article(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "javascript:alert(3)"), bundle, explained=True)
    page = Page()
    page.feed(as_bytes(rows, "html", topics).decode())
    assert not {"script", "img"} & set(page.tags)
    assert page.asking == []
    assert HOSTILE in page.text
    assert "display:none" not in page.text


def test_the_html_report_has_every_paragraph_once(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    page = Page()
    page.feed(as_bytes(rows, "html", topics).decode())
    assert page.tags.count("details") == 2
    for paragraph in ARTICLE.split("\n\n"):
        assert page.text.count(paragraph) == 1
    assert as_bytes([], "html", topics).decode().count("No paragraph could be read.") == 1
