"""XLSX is read from one sheet, whose first row that is not empty is the header."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.errors import SourceError
from pipeline.predict.tables import Columns, ReadOptions, UnreadableRow, open_table


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, *others: str, sheet: str | None = None) -> list[tuple[object, ...]]:
    columns = Columns("text", others)
    with open_table(str(path), ReadOptions(sheet=sheet)) as table:
        chunks = [chunk.read(columns) for chunk in table.chunks(columns)]
    return [row for rows in chunks for row in zip(rows.texts, *rows.values, strict=True)]


def test_rows_are_read_and_empty_ones_are_none(tmp_path: Path) -> None:
    day = datetime(2025, 3, 4)
    rows = [[], ["id", "text", 2024], [1, "gas", day], [None, None], [2, None, 1.5], [3, 7], ["x", "One,\ntwo"]]
    path = workbook(tmp_path / "t.xlsx", {"News": rows})
    assert read(path, "id", "2024") == [
        ("gas", 1, day),
        (UnreadableRow(5, "no text in column 'text'"), 2, 1.5),
        (UnreadableRow(6, "'text' is not text"), 3, None),
        ("One,\ntwo", "x", None),
    ]


def test_a_sheet_is_chosen_by_name_or_is_the_first(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"One": [["text"], ["a"]], "Two": [["text"], ["b"]]})
    assert read(path) == [("a",)]
    assert read(path, sheet="Two") == [("b",)]
    with open_table(str(path)) as table:
        assert table.notes == (f"{path}: read the first of 2 sheets, 'One'; see --sheet",)
    with open_table(str(path), ReadOptions(sheet="One")) as table:
        assert table.notes == ()
    with pytest.raises(SourceError, match=rf"^{path}: no sheet 'Three', found One, Two$"):
        read(path, sheet="Three")


def test_control_characters_are_read_as_themselves(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"News": [["text"], ["One_x000D_\ntwo"], ["a_x_b"]]})
    assert read(path) == [("One\r\ntwo",), ("a_x_b",)]


def test_other_tables_have_no_sheets(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\na\n")
    with pytest.raises(SourceError, match=r"t\.csv: CSV has no sheets$"):
        read(path, sheet="News")


def test_rows_beyond_the_size_that_a_sheet_claims_are_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"News": [["id", "text"], [1, "gas"]]})
    claimed = tmp_path / "claimed.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(claimed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b'ref="A1:B2"', b'ref="A1"'))
    assert read(claimed, "id") == [("gas", 1)]


@pytest.mark.parametrize("cut", [0, 200, 1000])
def test_a_damaged_workbook_is_one_line(tmp_path: Path, cut: int) -> None:
    path = workbook(tmp_path / "t.xlsx", {"News": [["text"], ["gas"]]})
    path.write_bytes(path.read_bytes()[:-cut] if cut else b"words")
    with pytest.raises(SourceError, match=rf"^{path}: not valid XLSX: [^\n]+$"):
        read(path)


def test_a_damaged_sheet_is_one_line(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"News": [["text"], *[["gas"]] * 3000]})
    damaged = tmp_path / "damaged.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(damaged, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[:-2000] if name.endswith("sheet1.xml") else content)
    with pytest.raises(SourceError, match=rf"^{damaged}: damaged XLSX: [^\n]+$"):
        read(damaged)


def test_a_workbook_without_a_table_has_no_column(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"Empty": []})
    with open_table(str(path)) as table, pytest.raises(SourceError, match="no column 'text', found none"):
        table.select("text", [])
