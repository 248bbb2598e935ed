import bz2
import gzip
import json
import lzma
import os
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pipeline.data.records import find, parsed, records
from pipeline.errors import DataError
from pipeline.schema import LabelledParagraph

ROW = TypeAdapter(LabelledParagraph)
ONE, TWO = ({"article": "a", "paragraph": n, "text": f"Bridge {n}.", "topics": []} for n in (0, 1))
LINES = f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n".encode()
ARRAY = json.dumps([ONE, TWO]).encode()
PRETTY = json.dumps([ONE, TWO], indent=1).encode()
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("content", "places"),
    [
        (LINES, [1, 2]),
        (BOM + LINES, [1, 2]),
        (LINES.replace(b"\n", b"\r\n"), [1, 2]),
        (b"\n \n" + LINES + b"\n\n", [3, 4]),
        (LINES.rstrip(b"\n"), [1, 2]),
        (BOM + json.dumps(ONE).encode() + b"\n" + BOM + json.dumps(TWO).encode(), [1, 2]),
        (ARRAY, [1, 1]),
        (BOM + ARRAY + b"\n", [1, 1]),
        (b"\n\n  " + PRETTY, [4, 10]),
        (PRETTY.replace(b"\n", b"\r\n"), [2, 8]),
    ],
)
@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", bytes), ("A.NDJSON.GZ", gzip.compress), ("a.json.bz2", bz2.compress), ("a.xz", lzma.compress)],
)
def test_lines_and_arrays_are_read_packed_or_not(tmp_path, content, places, name, pack):
    file = tmp_path / name
    file.write_bytes(pack(content))
    found = list(records(file))
    assert [json.loads(row) for _, row in found] == [ONE, TWO]
    assert [where for where, _ in found] == [f"{file}:{line}" for line in places]


def test_what_a_file_is_packed_with_is_seen_by_its_content(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(LINES)
    (tmp_path / "b.jsonl").write_bytes(gzip.compress(LINES))
    assert [len(list(records(tmp_path / name))) for name in ("a.jsonl.gz", "b.jsonl")] == [2, 2]


@pytest.mark.parametrize(
    ("content", "where", "words"),
    [
        (gzip.compress(LINES)[:-9], "", "cannot be read: "),
        (bz2.compress(LINES)[:-9], "", "cannot be read: "),
        (lzma.compress(LINES)[:-9], "", "cannot be read: "),
        (PRETTY[:-1], ":13", "Invalid JSON: expected a comma or the end of the array"),
        (b"[" + json.dumps(ONE).encode() + b",\n]", ":2", "Invalid JSON: Expecting value"),
        (b"[{}\n{}]", ":1", "Invalid JSON: expected a comma"),
        (ARRAY + b"\n\n{}", ":3", "more after the array"),
        (b'[\n{"article": "\xff"}]', ":2", "not valid UTF-8"),
        (b"[" * 100_000, ":1", "Invalid JSON: nested too deep"),
    ],
)
def test_a_file_that_cannot_be_read_through_is_named_with_its_line(tmp_path, content, where, words):
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(records(file))
    assert str(caught.value).startswith(f"{file}{where}: {words}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            b'{"article": "a", "paragraph": 0, "text": "x", "topcis": []}',
            "'topcis': no such key, did you mean topics?",
        ),
        (
            b'{"article": "a", "paragraph": 0, "text": "x", "Topics": []}',
            "'Topics': no such key, did you mean topics?",
        ),
        (
            b'{"article": "a", "paragraph": 0, "text": "x", "score": 1}',
            "'score': no such key, expected only article, ",
        ),
        (
            b'{"article": "a", "paragraph": 0, "text": "x", "topics": [], "topics": ["b"]}',
            "key given twice: topics",
        ),
        (b'{"article": "a", "paragraph": 0, "text": "x", }', "Invalid JSON: trailing comma at column 47"),
        (b"a,b,c", "Invalid JSON: expected value at column 1; expected an object on each line, or one array"),
        (b"3", "Input should be an object; expected an object on each line"),
        ('{"article": "\u00e9"}'.encode("utf-16"), "not valid UTF-8 at byte 1; convert it to UTF-8"),
    ],
)
def test_a_row_that_is_none_is_told_with_what_was_expected(row, words):
    with pytest.raises(DataError) as caught:
        parsed(ROW, row, "x.jsonl:7")
    assert str(caught.value).startswith(f"x.jsonl:7: {words}")
    assert str(caught.value).count("line") <= words.count("line") + words.count("each line")


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(LINES)
    return folder


def test_a_folder_is_searched_with_those_below_it_and_without_what_is_hidden(tmp_path):
    read = ["B.JSONL", "a.jsonl", "c.ndjson", "d.json", "e.jsonl.gz", "f.NDJSON.bz2", "sub/deeper/g.json.xz"]
    folder = touched(tmp_path / "data", *read, "._a.jsonl", ".hidden.jsonl", ".git/h.jsonl")
    touched(folder, "README.md", "README", "LICENSE.txt", "topics.yaml", "make.py")
    assert find([folder]) == [folder / name for name in read]
    assert find([folder / "a.jsonl", tmp_path / "none.jsonl"]) == [folder / "a.jsonl", tmp_path / "none.jsonl"]


@pytest.mark.parametrize(
    "name", ["rows.csv", "a.jsonl.zip", "a.jsonl.bak", "sub/notes.txt", "rows", "a.jsonl.zst", "a.parquet"]
)
def test_a_file_of_another_kind_in_a_folder_is_refused_not_left_out(tmp_path, name):
    folder = touched(tmp_path / "data", "a.jsonl", name)
    with pytest.raises(DataError) as caught:
        find([folder])
    assert str(caught.value).startswith(f"{folder / name}: not labelled data, expected .jsonl, .ndjson or .json")


def test_linked_folders_are_searched_once_and_a_loop_ends(tmp_path):
    folder = touched(tmp_path / "data", "a.jsonl")
    (folder / "linked").symlink_to(touched(tmp_path / "other", "b.jsonl"))
    (tmp_path / "other" / "loop").symlink_to(folder)
    assert find([folder]) == [folder / "a.jsonl", folder / "linked" / "b.jsonl"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_opened_is_told(tmp_path):
    folder = touched(tmp_path / "data", "a.jsonl", "closed/b.jsonl")
    (folder / "closed").chmod(0)
    with pytest.raises(DataError, match="closed: cannot be read: Permission denied"):
        find([folder])
    (folder / "closed").chmod(0o700)


def test_a_row_with_a_label_may_have_columns_that_are_not_read() -> None:
    row = b'{"article": "a", "paragraph": 0, "text": "x", "topics": ["b"], "origin": "o", "beat": [1], "score": 1}'
    assert parsed(ROW, row, "x.jsonl:7", beside="topics") == LabelledParagraph("a", 0, "x", ("b",))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b'{"article": "a", "paragraph": 0, "text": "x", "labels": []}', "'labels': no such key, expected only"),
        (b'{"article": "a", "paragraph": 0, "txt": "x", "topics": []}', "'txt': no such key, did you mean text?"),
        (b'{"article": "a", "paragraph": 0, "text": "x", "topics": [], "titel": "t"}', "did you mean title?"),
        (b'{"article": "a", "paragraph": 0, "text": "x", "topics": [], "o": 1, "o": 2}', "key given twice: o"),
    ],
)
def test_a_column_that_may_be_a_misspelt_key_is_refused(row: bytes, words: str) -> None:
    with pytest.raises(DataError, match=re.escape(words)):
        parsed(ROW, row, "x.jsonl:7", beside="topics")
