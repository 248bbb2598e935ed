"""JSON that is not in lines is read a row at a time, and damage is one line that says where."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.predict.tables import Columns, UnreadableRow, json_document, open_table

ROWS = [{"id": 1, "text": "gas"}, {"id": 2, "text": "a [b] {c}, d"}]


def read(path: Path, others: tuple[str, ...] = (), skip: int = 0) -> list[tuple[object, ...]]:
    columns = Columns("text", others)
    with open_table(str(path)) as table:
        chunks = [chunk.read(columns) for chunk in table.chunks(columns, skip=skip)]
    return [row for rows in chunks for row in zip(rows.texts, *rows.values, strict=True)]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        json.dumps({"count": 2, "data": ROWS, "next": None}),
        json.dumps({"meta": {"tags": [1, [2]], "empty": []}, "rows": ROWS, "z": [1, 2]}, indent=1),
        "[" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    ],
)
@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_rows_are_found_however_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, block: int
) -> None:
    monkeypatch.setattr(json_document, "_BLOCK", block)
    path = tmp_path / "t.json"
    path.write_text(content)
    assert read(path, others=("id",)) == [("gas", 1), ("a [b] {c}, d", 2)]
    assert read(path, skip=1) == [("a [b] {c}, d",)]


def test_no_more_is_held_than_a_row_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "MAX_ROW", 300)
    monkeypatch.setattr(json_document, "_BLOCK", 100)
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"text": "a" * 50}] * 100))
    assert read(path) == [("a" * 50,)] * 100


def test_one_object_is_one_row_unless_it_has_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"text": "gas", "parts": [{"text": "a part"}]}))
    assert read(path) == [("gas",)]
    path.write_text(json.dumps({"body": "gas"}))
    assert read(path) == [(UnreadableRow(1, "no text in column 'text'"),)]
    path.write_text("[]")
    assert read(path) == []


def test_a_row_that_is_none_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[\n {"text": "gas"},\n 3,\n\n {"text": null}, {"text": ["a"]},\n {"text": "b"}]')
    assert read(path) == [
        ("gas",),
        (UnreadableRow(3, "not a JSON object"),),
        (UnreadableRow(5, "no text in column 'text'"),),
        (UnreadableRow(5, "'text' is not text"),),
        ("b",),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"},\n{"text": "b"', "line 2: not JSON: Expecting ',' delimiter"),
        ('[{"text": "a"},\n', "line 2: not JSON: Expecting value"),
        ('[{"text": "a"}\n', "line 2: not JSON: expected , or ], found the end"),
        ('[{"text": "a"}\n{"text": "b"}]', "line 2: not JSON: expected , or ], found {"),
        ('[{"text": "a"},\n{"text": "b"}]\n]', "line 3: not JSON: expected the end, found ]"),
        ('{"a": [{"text": "a"}], "b": [{"text": "b"}]}', "line 1: 2 arrays of rows, expected one: a, b"),
        ("plain words", "line 1: not JSON: Expecting value"),
        ('[{"text": "' + "a" * 3000 + '"}]', "line 1: exceeds the 20 MB limit"),
    ],
)
def test_damage_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str) -> None:
    monkeypatch.setattr(json_document, "MAX_ROW", 2000)
    monkeypatch.setattr(json_document, "_BLOCK", 100)
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(SourceError) as raised:
        read(path)
    assert str(raised.value) == f"{path}: {message}"


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(VALUE, max_size=5),
    indent=st.sampled_from([None, 0, 1]),
    block=st.integers(1, 20),
)
def test_any_values_of_an_array_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[object], indent: int | None, block: int
) -> None:
    monkeypatch.setattr(json_document, "_BLOCK", block)
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"text": "", "x": value} for value in values], indent=indent))
    assert read(path, others=("x",)) == [("", value) for value in values]
