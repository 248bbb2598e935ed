from pathlib import Path

import pytest

from pipeline.errors import SourceError
from pipeline.monitoring.grouping import TableOptions, read_groups
from pipeline.monitoring.sample import Group


def groups(*names: object, **options: str) -> tuple[list[Group], list[str], list[str]]:
    errors: list[str] = []
    notes: list[str] = []
    found = read_groups(
        [str(name) for name in names],
        TableOptions(**options),
        complain=lambda error: errors.append(str(error)),
        note=notes.append,
    )
    return list(found), errors, notes


def test_articles_are_split_into_paragraphs_and_unreadable_ones_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("First things first.\n\nThen the second.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    found, errors, _ = groups(tmp_path)
    assert found == [(f"{tmp_path}/a.txt", ["First things first.", "Then the second."])]
    assert errors[0] == f"{tmp_path}/b.txt: empty"
    assert errors[1].startswith(f"{tmp_path}/c.txt: ")


def test_rows_of_a_table_stand_alone_or_belong_to_articles(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,page\none,x\ntwo,x\n,y\n", encoding="utf-8")
    alone, _, _ = groups(path)
    assert alone == [(f"{path}\n1", ["one"]), (f"{path}\n2", ["two"])]
    named, _, _ = groups(path, article_column="page")
    assert named == [(f"{path}\nx", ["one"]), (f"{path}\nx", ["two"])]


def test_a_column_called_article_is_used_unasked_and_rows_without_text_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = ['{"body": "one", "article": "a"}', '{"article": "a"}', '{"body": 3, "article": "a"}', "{", ""]
    path.write_text("\n".join(rows), encoding="utf-8")
    found, errors, notes = groups(path, column="body")
    assert found == [(f"{path}\na", ["one"])]
    assert errors == [f"{path}, line 2: no text in column 'body'"]
    assert notes == ["3 rows have no text and are left out"]


def test_several_tables_do_not_share_articles(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("text\none\n", encoding="utf-8")
    found, _, _ = groups(tmp_path)
    assert [name for name, _ in found] == [f"{tmp_path}/a.csv\n1", f"{tmp_path}/b.csv\n1"]


def test_what_cannot_be_one_sample_is_refused(tmp_path: Path) -> None:
    table, text = tmp_path / "rows.csv", tmp_path / "a.txt"
    table.write_text("text\none\n", encoding="utf-8")
    text.write_text("One.", encoding="utf-8")
    with pytest.raises(SourceError, match=r"rows\.csv is a table, and .*a\.txt is none: give one kind at a time"):
        groups(table, text)
    with pytest.raises(SourceError, match=r"rows\.csv: no column 'body', found text; see --text-column"):
        groups(table, column="body")
    with pytest.raises(SourceError, match="no column 'page'"):
        groups(table, article_column="page")
    with pytest.raises(SourceError, match="no such file"):
        groups(table, tmp_path / "missing.csv")
