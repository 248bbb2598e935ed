import json
from pathlib import Path

import pytest

from pipeline.data import corpus
from pipeline.errors import OutputError
from pipeline.serve.corrections import Correction, add, export, latest


def correction(text: str, *topics: str, article: str = "a", paragraph: int = 0) -> Correction:
    return Correction(article, paragraph, text, ("b",), topics, "run", "2025-01-01T00:00:00+00:00")


def test_what_is_kept_comes_back_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.sqlite3"
    add(path, correction("one", "a"))
    add(path, correction("two"))
    assert latest(path) == [correction("two"), correction("one", "a")]
    assert latest(path, most=1) == [correction("two")]


def test_export_is_labelled_data_and_the_latest_word_counts(tmp_path: Path) -> None:
    path, out = tmp_path / "c.sqlite3", tmp_path / "c.jsonl"
    for found in (correction("one", "a"), correction("two", paragraph=1), correction("one  ", "b")):
        add(path, found)
    add(path, correction("another text at the same place", "a"))
    out.write_text("\n".join(export(path)))
    rows = corpus.read([out], ["a", "b"])
    assert {(row.text.strip(), row.topics) for row in rows} == {
        ("one", ("b",)),
        ("two", ()),
        ("another text at the same place", ("a",)),
    }
    assert len({(row.article, row.paragraph) for row in rows}) == 3


def test_no_file_is_an_error_on_export_and_nothing_to_list(tmp_path: Path) -> None:
    assert latest(tmp_path / "no.sqlite3") == []
    with pytest.raises(OutputError, match="no corrections here"):
        list(export(tmp_path / "no.sqlite3"))


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    path.write_text(json.dumps({"not": "a database"}) * 100)
    with pytest.raises(OutputError, match="cannot be kept here"):
        add(path, correction("one"))
