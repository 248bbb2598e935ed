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


def test_text_has_no_control_character_of_a_document(small_model: Path, topics: tuple[Topic, ...]) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    hostile = "Sappers \x1b[31mcleared\x07 \x9b2Jmines\x85of\tthe\x7f bank.\x1b]0;owned\x07"
    rows = predict(Article(f"a\x1b[1m.txt {hostile}", hostile, f"A {hostile}\ntitle"), bundle, explained=True)
    text = as_bytes(rows, "text", topics).decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert r"Sappers \x1b[31mcleared\x07" in text
    assert r"a\x1b[1m.txt" in text


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


def test_json_has_no_line_end_and_no_control_character_in_a_line() -> None:
    text = "\u00e9\x9b31m\x85\u2028\u2029\x1b"
    assert as_json(text) == '"\u00e9\\u009b31m\\u0085\\u2028\\u2029\\u001b"'
    assert json.loads(as_json(text)) == text


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_long_article_is_written_a_thousand_paragraphs_at_a_time(
    small_model: Path, topics: tuple[Topic, ...], form: Format
) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    long = predict(Article("a", "Mines.\n\n" * 2500), bundle)
    pieces = list(rendered([long], form, topics, width=60, style=lambda text, colour: text))
    assert [piece.count(b"\n") for piece in pieces[1:]] == [1000, 1000, 500]


def test_articles_of_one_name_are_articles_of_their_own(rows: list[Prediction], topics: tuple[Topic, ...]) -> None:
    pieces = rendered([rows, rows], "text", topics, width=60, style=lambda text, colour: text)
    assert b"".join(pieces) == 2 * as_bytes(rows, "text", topics)


def test_text_shows_control_characters_instead_of_obeying_them(
    small_model: Path, topics: tuple[Topic, ...]
) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    found = predict(
        Article("\x1b[2J\u202egnp.txt", "Red \x1b[31m, \x9b1m and \x07.", "T\x1b]0;x\x07"), bundle, explained=True
    )
    text = as_bytes(found, "text", topics, width=100).decode()
    assert text.startswith("\\x1b[2J\\u202egnp.txt\nT\\x1b]0;x\\x07\n")
    assert "Red \\x1b[31m, \\x9b1m and \\x07." in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "'=1", ' "a" ', "a,b\r\n=c"])
def test_csv_keeps_every_cell_as_it_is(small_model: Path, topics: tuple[Topic, ...], value: str) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    found = predict(Article(value, "Mines.", value), bundle)
    (line,) = csv.DictReader(io.StringIO(as_bytes(found, "csv", topics).decode(), newline=""))
    assert (line["source"], line["title"]) == (value, value)
