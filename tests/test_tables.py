"""Whole lines are found in any table, however its blocks, its line ends and the rows left out fall."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.predict import tables
from pipeline.predict.tables import Chunk, Columns, FileRange, UnreadableRow, open_table

LINE = st.sampled_from(
    [b'{"text": "a"}', b"", b'{"text": "\xc3\xa9 gas"}', b"[", b'{"text": ""}', b'{"text": "long"}']
)
SHORT, LONGEST = 8, 40
TEXT = Columns("text")


def simple(content: bytes, skip: int) -> list[str | UnreadableRow]:
    lines = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n") if content else []
    return [text for number, line in enumerate(lines, 1) for text in Chunk(number, line, 0).read(TEXT).texts][
        skip:
    ]


def found(name: str, skip: int) -> list[str | UnreadableRow]:
    with open_table(name) as table:
        chunks = list(table.chunks(TEXT, skip=skip))
        read = [chunk.read(TEXT).texts for chunk in chunks]
    starts = [skip + 1 + sum(map(len, read[:place])) for place in range(len(read))]
    assert [chunk.first for chunk in chunks] == starts
    return [text for texts in read for text in texts]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(LINE, max_size=12),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    last=st.sampled_from([b"", b"\n"]),
    skip=st.integers(0, 12),
)
def test_a_file_and_a_stream_give_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[bytes], mark: bytes, last: bytes, skip: int
) -> None:
    monkeypatch.setattr(tables, "_BLOCK", SHORT)
    content = mark + b"\n".join(lines) + last if any(lines) else b""
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    expected = simple(content, skip)
    assert found(str(path), skip) == expected
    assert found("-", skip) == expected


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, LONGEST + SHORT, 10 * LONGEST])
@pytest.mark.parametrize("before", [b"", b"[]\n", b"[]\n" * 5])
def test_a_line_is_too_long_from_one_byte_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, before: bytes
) -> None:
    monkeypatch.setattr(tables, "_BLOCK", SHORT)
    monkeypatch.setattr(tables, "MAX_ROW", LONGEST)
    path = tmp_path / "t.jsonl"
    path.write_bytes(before + b'{"text": "' + b"a" * (length - 12) + b'"}\n{"text": "b"}\n')
    texts = found(str(path), before.count(b"\n"))
    assert isinstance(texts[0], UnreadableRow) == (length > LONGEST)
    assert texts[1:] == ["b"]


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 3)
    with open_table(str(path)) as table:
        (chunk,) = table.chunks(TEXT)
    assert chunk.rows == FileRange(str(path), 0, 42)
    path.write_bytes(b'{"text": "a"}\n')
    with pytest.raises(SourceError, match=r"t\.jsonl: truncated while it was being read"):
        chunk.read(TEXT)
    path.unlink()
    with pytest.raises(SourceError, match=r"t\.jsonl: cannot be read: No such file or directory"):
        chunk.read(TEXT)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl", b'[\n{"id": 1, "text": "a", "x": 2}\n{"text": "b", "y": 3}\n'),
        ("t.csv", b"\xef\xbb\xbfid,text,x\n1,a,2\n,b\n"),
    ],
)
def test_columns_are_chosen_by_name_and_carried_beside_the_text(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with open_table(str(path)) as table:
        assert table.columns == ("id", "text", "x")
        assert table.size == len(content)
        assert table.select("text", []) == Columns("text", ("id",))
        assert table.select("text", ["all", "x"]) == Columns("text", ("id", "text", "x"))
        assert table.select("id", []) == Columns("id")
        (chunk,) = table.chunks(Columns("text", ("id", "x")))
        rows = chunk.read(Columns("text", ("id", "x")))
    assert rows.texts[-2:] == ["a", "b"]
    assert [[str(value or "") for value in values[-2:]] for values in rows.values] == [["1", ""], ["2", ""]]


def test_a_carried_value_that_is_not_utf_8_makes_its_row_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,x\na,\xff\nb,c\n")
    with open_table(str(path)) as table:
        (chunk,) = table.chunks(Columns("text", ("x",)))
    assert chunk.read(TEXT).texts == [UnreadableRow(2, "not UTF-8"), "b"]
    assert chunk.read(TEXT).values == [[None, "c"]]
