import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from serving import ARTICLE

from pipeline.model.bundle import load_bundle
from pipeline.predict.article import predict
from pipeline.predict.output import Format, as_json, format_of, own_names, rendered
from pipeline.schema import Article, Prediction, Topic


@pytest.fixture(scope="module")
def topics(small_model: Path) -> tuple[Topic, ...]:
    return load_bundle(small_model / "champion.safetensors").topics


@pytest.fixture(scope="module")
def rows(small_model: Path) -> list[Prediction]:
    bundle = load_bundle(small_model / "champion.safetensors")
    return predict(
        Article("a.html", ARTICLE, "A title", "2025-03-04", "https://example.org"), bundle, explained=True
    )


def as_bytes(rows: list[Prediction], form: Format, topics: tuple[Topic, ...], *, width: int = 60) -> bytes:
    return b"".join(rendered([rows], form, topics, width=width, style=lambda text, colour: text))


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
        for column in ("mine_action", "mine_action_margin"):
            assert float(line[column]) == pytest.approx(row[column], abs=1e-6)
        assert line["text"] == row["text"]


def test_text_has_the_articles_topics_and_the_margins(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    text = as_bytes(rows, "text", topics).decode()
    assert text.startswith(
        "a.html\nA title · 2025-03-04 · https://example.org\n"
        "About: Mine action (1 of 2), Peace process (1 of 2)\n\n  1  Mine action "
    )
    assert re.search(r"Mine action \d\.\d\d \(\+\d\.\d\d\)\n", text)


@pytest.mark.parametrize("width", [10, 30, 41])
def test_text_fits_a_narrow_terminal(rows: list[Prediction], topics: tuple[Topic, ...], width: int) -> None:
    lines = as_bytes(rows, "text", topics, width=width).decode().splitlines()
    assert max(map(len, lines)) <= max(width, 30) + 3


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.txt", "text"), ("a.JSONL", "jsonl"), ("a.csv", "csv"), ("a.parquet", "parquet"), ("a.html", "html")],
)
def test_the_ending_names_the_format(name: str, form: str) -> None:
    assert format_of(Path(name)) == form
    with pytest.raises(ValueError, match=r"no format is written to \.gz; use \.txt, "):
        format_of(Path(f"{name}.gz"))


def test_columns_of_a_table_do_not_take_the_names_of_the_output() -> None:
    columns = ["text", "topics", "x", "x_margin", "input_topics"]
    assert list(own_names(columns, ["x"]).values()) == [
        "text",
        "input_topics",
        "input_x",
        "input_x_margin",
        "input_input_topics",
    ]


def test_json_has_only_what_json_can_have() -> None:
    assert as_json({"a": [float("inf"), (1, b"\x00\xff")]}) == '{"a": [null, [1, "00ff"]]}'
    assert as_json("\u00e9") == '"\u00e9"'
