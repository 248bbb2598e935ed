"""Tables of every format are told apart and read; whole lines are found however blocks and blank lines fall."""

import bz2
import gzip
import io
import json
import lzma
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.predict.tables import (
    Columns,
    ReadOptions,
    UnreadableRow,
    holds_table,
    is_table,
    json_lines,
    open_table,
)
from pipeline.predict.tables.json_lines import FileRange, JsonLines

LINE = st.sampled_from(
    [b'{"text": "a"}', b"", b" \r", b'{"text": "\xc3\xa9 gas"}', b"[1", b'{"text": ""}', b'{"text": "long"}']
)
SHORT, LONGEST = 8, 40
TEXT = Columns("text")


def simple(content: bytes, skip: int) -> list[str | UnreadableRow]:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    rows = [JsonLines(line, number).read(TEXT).texts for number, line in enumerate(lines, 1)]
    return [text for texts in rows for text in texts][skip:]


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
    monkeypatch.setattr(json_lines, "_BLOCK", SHORT)
    content = mark + b"\n".join(lines) + last
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
    monkeypatch.setattr(json_lines, "_BLOCK", SHORT)
    monkeypatch.setattr(json_lines, "MAX_ROW", LONGEST)
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
    assert chunk.rows == JsonLines(FileRange(str(path), 0, 42), 1)
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
    path.write_bytes(b"text,x\na,\xff\nb,\xc3\xa9\n")
    with open_table(str(path)) as table:
        (chunk,) = table.chunks(Columns("text", ("x",)))
    assert chunk.read(TEXT).texts == [UnreadableRow(2, "not UTF-8"), "b"]
    assert chunk.read(TEXT).values == [[None, "\u00e9"]]


ROWS = [{"text": "gas"}, {"text": "One, two"}]
LINES = "".join(f"{json.dumps(row)}\n" for row in ROWS).encode()
CSV = b'text,n\ngas,1\n"One, two",2\n'


def compressed_as_zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": compressed_as_zstd}


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl", LINES),
        ("t.csv", CSV),
        ("t.json", json.dumps(ROWS).encode()),
        ("T.TSV", b"text\tn\ngas\t1\nOne, two\t2"),
    ],
)
def test_a_compressed_table_is_read_as_it_was(tmp_path: Path, name: str, content: bytes, ending: str) -> None:
    path = tmp_path / f"{name}.{ending}"
    path.write_bytes(COMPRESS[ending](content))
    assert is_table(str(path))
    assert found(str(path), 0) == ["gas", "One, two"]
    with open_table(str(path)) as table:
        assert table.size == path.stat().st_size


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_damaged_compressed_table_is_one_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.csv.{ending}"
    path.write_bytes(COMPRESS[ending](CSV * 50_000)[:-40])
    with (
        pytest.raises(SourceError, match=rf"t\.csv\.{ending}: damaged \w+: [^\n]+$"),
        open_table(str(path)) as table,
    ):
        for _ in table.chunks(TEXT):
            pass


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("t.ndjson", LINES, ["gas", "One, two"]),
        ("t.json", LINES, ["gas", "One, two"]),
        ("t.jsonl", json.dumps(ROWS).encode(), ["gas", "One, two"]),
        ("t.json", json.dumps(ROWS, indent=1).encode(), ["gas", "One, two"]),
        ("t.csv", LINES, ["gas", "One, two"]),
        ("t.jsonl.gz", LINES, ["gas", "One, two"]),
        ("t.json", b"", []),
        ("t.jsonl", "\ufeffx".encode("utf-16"), [UnreadableRow(1, "not JSON: Expecting value at character 1")]),
        ("t.jsonl", LINES.decode().encode("utf-16"), ["gas", "One, two"]),
        ("t.json", json.dumps(ROWS).encode("utf-16-le"), ["gas", "One, two"]),
        ("t.csv", CSV.decode().encode("utf-16-be"), ["gas", "One, two"]),
        ("t.csv", CSV.decode().encode("utf-32"), ["gas", "One, two"]),
    ],
)
def test_content_tells_what_the_name_leaves_open(
    tmp_path: Path, name: str, content: bytes, texts: list[object]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert found(str(path), 0) == texts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t.csv",
            "text\nзимний дым\n".encode("cp1251"),
            "not UTF-8, looks like windows-1251; convert it to UTF-8 or",
        ),
        (
            "t.jsonl",
            '{"text": "größer"}\n'.encode("cp1252"),
            "not UTF-8, looks like windows-1252; .* use --encoding windows-1252",
        ),
        ("t.csv", b"PK\x03\x04" + b"\0" * 90, "a ZIP archive; unpack it and name the files in it"),
        ("t.csv.zip", b"PK\x03\x04" + b"\0" * 90, "a ZIP archive; unpack it and name the files in it"),
        ("t.xls", b"", "the old format of Excel; save it as XLSX"),
        ("t.ods", b"PK\x03\x04mimetype", "an OpenDocument table; save it as XLSX or CSV"),
        ("t.xlsx", b"\xd0\xcf\x11\xe0", "encrypted or in an old format of Office; save it as XLSX"),
        ("t.parquet", b"PAR1", "not a Parquet file: "),
        (
            "t.parquet",
            gzip.compress(b"PAR1"),
            "Parquet is read from a file of its own alone, not compressed or piped",
        ),
    ],
)
def test_what_is_not_read_is_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert is_table(name)
    with pytest.raises(SourceError, match=rf"^{path}: {message}") as raised, open_table(str(path)):
        pass
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("encoding", ["windows-1251", "koi8-r"])
@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", "text\nзимний дым\n"), ("t.jsonl", '{"text": "зимний дым"}\n')]
)
def test_the_user_can_say_the_encoding(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    with open_table(str(path), ReadOptions(encoding=encoding)) as table:
        (chunk,) = table.chunks(TEXT)
    assert chunk.read(TEXT).texts == ["зимний дым"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", LINES, True),
        ("noending", CSV, True),
        ("a.txt", b"The ministry said, on Monday, that it rained.\n", False),
        ("a.html", LINES, False),
        ("a.docx", b"PK\x03\x04word/document.xml", False),
        ("noending", b"PK\x03\x04[Content_Types].xml word/document.xml", False),
        ("noending", b"PK\x03\x04[Content_Types].xml xl/workbook.xml", True),
        ("a.zip", b"PK\x03\x04rows.csv", True),
        ("a.gz", gzip.compress(LINES), True),
        ("a.gz", gzip.compress(LINES)[:20], False),
    ],
)
def test_a_table_without_a_telling_name_is_told_by_its_content(
    tmp_path: Path, name: str, content: bytes, expected: object
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert not is_table(str(path))
    assert holds_table(str(path)) is expected
    assert not holds_table(str(tmp_path / "missing"))


def test_notes_say_what_was_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(LINES.decode().encode("utf-16"))
    with open_table(str(path)) as table:
        assert table.notes == (f"{path}: holds JSON lines, read as a table", f"{path}: read as UTF-16")


@pytest.mark.parametrize(
    ("content", "keep", "message"),
    [
        (b"text,text\na,b\n", [], "2 columns have the name 'text'"),
        (b"id,id,text\n1,2,a\n", [], "2 columns have the name 'id'"),
        (b"x,x,text\n1,2,a\n", ["x"], "2 columns have the name 'x'"),
        (b"x,x,text\n1,2,a\n", ["all"], "2 columns have the name 'x'"),
        (b"x,x,text\n1,2,a\n", [], None),
    ],
)
def test_columns_of_one_name_are_refused_where_they_are_read(
    tmp_path: Path, content: bytes, keep: list[str], message: str | None
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with open_table(str(path)) as table:
        if message:
            with pytest.raises(SourceError, match=message):
                table.select("text", keep)
        else:
            assert table.select("text", keep) == TEXT
