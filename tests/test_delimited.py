"""CSV is read as it was written, and a row that was written wrongly costs no other."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.predict.tables import Columns, ReadOptions, UnreadableRow, delimited, open_table

CLOSED, DOUBLED = "quote not closed", "quote not doubled in a quoted field"


def read(
    path: Path, column: str = "text", others: tuple[str, ...] = (), skip: int = 0
) -> list[tuple[object, ...]]:
    columns = Columns(column, others)
    with open_table(str(path), ReadOptions(column)) as table:
        chunks = [chunk.read(columns) for chunk in table.chunks(columns, skip=skip)]
    return [row for rows in chunks for row in zip(rows.texts, *rows.values, strict=True)]


def texts(path: Path) -> list[object]:
    return [text for (text,) in read(path)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('id,text\n1,a\n2,"b\n3,c\n4,"d, e"\n', ["a", (3, CLOSED), "c", "d, e"]),
        ('id,text\n1,"a\n', [(2, CLOSED)]),
        ('id,text\r\n1,"a\r\n2,b\r\n', [(2, CLOSED), "b"]),
        ('text,id\n"a,1\nb,2\n"c,3\nd,4\n', [(2, CLOSED), "b", (4, CLOSED), "d"]),
        ('"id","text"\n"1","a\n"2","b"\n"3","c"\n', [(2, CLOSED), "b", "c"]),
        ('id,text\n1,"a\nb\n\nc"\n2,"d"e\n3,f\n', ["a\nb\n\nc", (6, DOUBLED), "f"]),
        ('id,text\n1,"a \\"b\\" c"\n2,d\n', [(2, DOUBLED), "d"]),
        ('id,text\n1,"a ""b"" c"\n2,d "e" f\n', ['a "b" c', 'd "e" f']),
        ('id,text\n1,"a\nb, c",d,e\n2,f\n', [(2, "4 fields, expected 2: unquoted ','?"), "f"]),
        ("id,text\n1,a, b\n2,c\n", [(2, "3 fields, expected 2: unquoted ','?"), "c"]),
        ("text;id\na; b;1\nc;2\n", [(2, "3 fields, expected 2: unquoted ';'?"), "c"]),
        ("id,text\n1,a,\n", [(2, "3 fields, expected 2: unquoted ','?")]),
        ("id,text\n1\n2,a\n", [(2, "no text in column 'text'"), "a"]),
        ("id,text,x\n1,a\n", ["a"]),
        ("\n\nid,text\n\n1,a\n   \n\n2\n\n", ["a", (8, "no text in column 'text'")]),
        ('text\n\na\n""\n\t\nb, c\n', ["a", "", "b, c"]),
        ("id,text\r\r\n1,a\r\r\n", ["a"]),
        ("id,text\r1,a\r2,b\r", ["a", "b"]),
        ('id,text\r\n1,"a\r\nb\rc"\r\n', ["a\r\nb\rc"]),
        ("sep=;\nid;text\n1;a\n2;b;c\n", ["a", (4, "3 fields, expected 2: unquoted ';'?")]),
        ("\nid;text;sep=,\n1;a;b\n", ["a"]),
        ("id|text\n1|a, b\n", ["a, b"]),
        (",text\n0,a\n", ["a"]),
    ],
)
def test_a_bad_row_is_an_error_and_the_others_are_read(
    tmp_path: Path, content: str, expected: list[str | tuple[int, str]]
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode())
    assert texts(path) == [UnreadableRow(*row) if isinstance(row, tuple) else row for row in expected]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    written=st.lists(st.tuples(st.text('a1 ,;"\n\tə', max_size=8), st.text('b,"\nş', max_size=8)), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    skip=st.integers(0, 12),
)
def test_what_a_csv_library_writes_is_read(
    tmp_path: Path, written: list[tuple[str, str]], delimiter: str, quoting: int, line_end: str, skip: int
) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
        writer.writerows([("text", "x"), *written])
    assert read(path, others=("x",), skip=skip) == written[skip:]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 19), quote=st.sampled_from(['"Open', '"Open "x', '"a"b']), quoting=st.booleans())
def test_one_row_with_a_wrong_quote_costs_no_other(
    tmp_path: Path, place: int, quote: str, quoting: object
) -> None:
    path = tmp_path / "t.csv"
    rows = [f'{n},"Row {n}, quoted"' if quoting else f"{n},Row {n}" for n in range(20)]
    rows[place] = f"{place},{quote}"
    path.write_text("\n".join(["id,text", *rows]))
    found = texts(path)
    assert isinstance(found.pop(place), UnreadableRow)
    others = [n for n in range(20) if n != place]
    assert found == [f"Row {n}, quoted" if quoting else f"Row {n}" for n in others]


def test_a_quote_that_is_never_closed_takes_no_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "MAX_ROW", 1000)
    path = tmp_path / "t.csv"
    path.write_text('id,text\n1,"Open\n' + "2,Closed\n" * 500 + '3,"Open\n' + "4,Closed\n" * 500)
    found = texts(path)
    errors = {place: text for place, text in enumerate(found) if text != "Closed"}
    assert errors == {0: UnreadableRow(2, CLOSED), 501: UnreadableRow(503, CLOSED)}
    assert len(found) == 1002


@pytest.mark.parametrize("before", ["", '1,"Open\n'])
def test_a_line_that_is_too_long_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setattr(delimited, "MAX_ROW", 100)
    path = tmp_path / "t.csv"
    path.write_text(f"id,text\n{before}2,{'x' * 1000}\n3,a\n")
    number = 2 + before.count("\n")
    *first, long, last = texts(path)
    assert first == ([UnreadableRow(2, CLOSED)] if before else [])
    assert (long, last) == (UnreadableRow(number, "exceeds the 20 MB limit"), "a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'id,"text\n1,a\n', "line 1: quote not closed"),
        (b'\n\n"id"x,text\n1,a\n', "line 3: quote not doubled in a quoted field"),
        ("ə,x,caf".encode() + b"\xe9\n\xc9\x99\n", "line 1: not UTF-8"),
    ],
)
def test_a_header_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError) as raised, open_table(str(path)):
        pass
    assert str(raised.value) == f"{path}: {message}"


def test_memory_stays_flat(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,text\n" + f'1,"{"a" * 900}"\n' * 20_000)
    tracemalloc.start()
    with open_table(str(path)) as table:
        count = sum(len(chunk.read(Columns("text")).texts) for chunk in table.chunks(Columns("text")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 8_000_000


def test_the_limit_of_the_csv_library_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\na\n")
    before = csv.field_size_limit()
    assert texts(path) == ["a"]
    assert csv.field_size_limit() == before
    assert next(csv.reader(io.StringIO("a,b"))) == ["a", "b"]
