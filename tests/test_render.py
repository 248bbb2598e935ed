import csv
import io
import json

from pipeline.render import rendered
from pipeline.schema import Explanation, Prediction, Topic

TOPICS = [Topic("bridge", "Bridges", colour="#102030"), Topic("chess", "Chess", colour="#405060")]
ROWS = [
    Prediction(
        "a.txt", 0, 2, 15, 'The "old"\nbr\u00fccke', ("bridge",), {"bridge": 0.9876543210123, "chess": 0.25}
    ),
    Prediction("a.txt", 1, 20, 24, "None", (), {"bridge": 0.0, "chess": 0.0}),
    Prediction("b.txt", 0, 0, 5, "Both,", ("bridge", "chess"), {"bridge": 0.8, "chess": 0.7}),
]
EXPLAINED = Prediction(
    "a.txt", 0, 0, 6, "bridge", ("bridge",), {"bridge": 0.9, "chess": 0.1},
    {"bridge": Explanation(-1.5, (("bridge", 2.25), ("bridg*", 1.0)), 0.5)},
)  # fmt: skip


def text_of(rows: list[Prediction], form: str) -> str:
    return "".join(rendered(rows, form, TOPICS, width=60, style=lambda text, colour: f"<{colour}>{text}</>"))


def test_json_lines_keep_every_field_and_digit() -> None:
    lines = text_of(ROWS, "jsonl").splitlines()
    assert len(lines) == 3
    assert json.loads(lines[0]) == {
        "source": "a.txt",
        "paragraph": 0,
        "start": 2,
        "end": 15,
        "text": 'The "old"\nbr\u00fccke',
        "topics": ["bridge"],
        "scores": {"bridge": 0.9876543210123, "chess": 0.25},
    }
    assert json.loads(lines[1])["topics"] == []


def test_json_lines_with_the_explanation() -> None:
    (line,) = text_of([EXPLAINED], "jsonl").splitlines()
    assert json.loads(line)["explanation"] == {
        "bridge": {
            "bias": -1.5,
            "terms": [{"term": "bridge", "contribution": 2.25}, {"term": "bridg*", "contribution": 1.0}],
            "rest": 0.5,
        }
    }


def test_csv_has_a_column_a_topic_and_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(text_of(ROWS, "csv"), newline="")))
    assert list(rows[0]) == ["source", "paragraph", "start", "end", "text", "topics", "bridge", "chess"]
    assert [row["text"] for row in rows] == [row.text for row in ROWS]
    assert [row["topics"] for row in rows] == ["bridge", "", "bridge chess"]
    assert float(rows[0]["bridge"]) == 0.987654


def test_text_names_the_source_once_and_numbers_paragraphs_from_one() -> None:
    text = text_of(ROWS, "text")
    assert text.count("a.txt\n") == 1
    assert text.count("b.txt\n") == 1
    assert "  1  <#102030>Bridges 0.99</>" in text
    assert "  2  -" in text
    assert "<#102030>Bridges 0.80</>  <#405060>Chess 0.70</>" in text


def test_text_is_wrapped_and_explained() -> None:
    long = Prediction("a.txt", 0, 0, 9, "word " * 60, (), {"bridge": 0.0, "chess": 0.0})
    assert max(map(len, text_of([long], "text").splitlines())) <= 60
    explained = " ".join(text_of([EXPLAINED], "text").split())
    for part in ("Bridges: bridge +2.25, bridg* +1.00", "other terms +0.50", "bias -1.50"):
        assert part in explained


def test_no_rows() -> None:
    assert text_of([], "jsonl") == ""
    assert text_of([], "text") == ""
    assert text_of([], "csv").startswith("source,")
