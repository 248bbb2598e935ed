import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive.database import open_archive
from pipeline.archive.words import full_text_query
from pipeline.errors import ArchiveError


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("peace talks", '"peace" "talks"'),
        ('"peace talks" border', '"peace talks" "border"'),
        ("“peace talks”", '"peace talks"'),
        ("«peace talks»*", '"peace talks"*'),
        ("demin*", '"demin"*'),
        ("cease-fire", '"cease-fire"'),
        ("NOT peace OR NEAR(x)", '"NOT" "peace" "OR" "NEAR(x)"'),
        ("text:peace & {talks}", '"text:peace" "{talks}"'),
        ("peace\0talks", '"peace" "talks"'),
        ("мир*", '"мир"*'),
    ],
)
def test_words_become_quoted_phrases(words: str, query: str) -> None:
    assert full_text_query(words) == query


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('"peace', "a quotation mark is not closed in '\"peace'"),
        ("peace “talks", "a quotation mark is not closed"),
        ("***", "no letter or digit to look for in '***'"),
        ('""', "no letter or digit"),
        ("", "no letter or digit"),
        ("- & \u2026", "no letter or digit"),
    ],
)
def test_what_is_no_query_is_told_in_a_sentence(words: str, said: str) -> None:
    with pytest.raises(ArchiveError, match=re.escape(said)):
        full_text_query(words)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("words") / "a.sqlite3"


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text('"*^-+:(){} ANDORNOTEA', max_size=12)
)
def test_the_index_takes_every_query(database: Path, words: str) -> None:
    try:
        query = full_text_query(words)
    except ArchiveError:
        return
    with open_archive(database, create=True) as opened:
        assert isinstance(opened.execute("SELECT rowid FROM words WHERE words MATCH ?", (query,)), sqlite3.Cursor)
