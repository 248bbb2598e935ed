"""Whole lines are found in any table, however its blocks, its line ends and the rows left out fall."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.predict import rows, tables
from pipeline.predict.rows import Chunk, Place, Problem
from pipeline.predict.tables import read_table

LINE = st.sampled_from(
    [b'{"text": "a"}', b"", b'{"text": "\xc3\xa9 gas"}', b"[", b'{"text": ""}', b'{"text": "long"}']
)
SHORT, LONGEST = 8, 40


def simple(content: bytes, skip: int) -> list[str | Problem]:
    lines = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n") if content else []
    return [text for number, line in enumerate(lines, 1) for text in Chunk(number, line, 0).texts("text")][skip:]


def found(name: str, skip: int) -> list[str | Problem]:
    chunks = list(read_table(name, "text", skip=skip))
    read = [chunk.texts("text") for chunk in chunks]
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
    monkeypatch.setattr(rows, "MAX_ROW", LONGEST)
    path = tmp_path / "t.jsonl"
    path.write_bytes(before + b'{"text": "' + b"a" * (length - 12) + b'"}\n{"text": "b"}\n')
    texts = found(str(path), before.count(b"\n"))
    assert isinstance(texts[0], Problem) == (length > LONGEST)
    assert texts[1:] == ["b"]


def test_a_file_that_is_cut_short_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * 3)
    (chunk,) = read_table(str(path), "text")
    assert chunk.rows == Place(str(path), 0, 42)
    path.write_bytes(b'{"text": "a"}\n')
    with pytest.raises(SourceError, match=r"t\.jsonl: was cut short while it was read"):
        chunk.texts("text")
    path.unlink()
    with pytest.raises(SourceError, match=r"t\.jsonl: cannot be read: No such file or directory"):
        chunk.texts("text")
