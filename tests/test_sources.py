from pathlib import Path

import pytest
from test_documents import PAGE

from pipeline.data.sources import read
from pipeline.errors import SourceError
from pipeline.schema import Article


def only(*names: object) -> Article | SourceError:
    (found,) = list(read(map(str, names)))
    return found


def test_a_text_file_is_an_article(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Stra\u00dfe\r\nzwei \U0001f600", encoding="utf-8", newline="")
    assert only(path) == Article(str(path), "Stra\u00dfe\r\nzwei \U0001f600")


def test_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\u0259razid\u0259 mina".encode("utf-16"))
    assert only(path) == Article(str(path), "\u0259razid\u0259 mina")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfHello")
    assert only(path) == Article(str(path), "Hello")


def test_a_folder_is_searched_below_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md", "deep/er/c.TXT"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "picture.bin").write_bytes(b"\0\1")
    found = list(read([str(tmp_path)]))
    assert [article.text for article in found if isinstance(article, Article)] == [
        "a.md",
        "b.txt",
        "deep/er/c.TXT",
    ]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\x7fELF\0\0\1", "binary"),
        ("h\u00e9".encode("utf-16")[:-1], "not UTF-16 at byte 5"),
        (
            b'{"text": "a"}\n{"text": "b"}\n',
            "JSON lines, which is a table: predict on it alone, with --text-column",
        ),
        ("id;text\n1;a\n".encode("utf-16"), "CSV, which is a table"),
        (b"id;text\n1;a\n", "CSV, which is a table"),
        (b"caf\xe9", "not UTF-8 at byte 4"),
        (b"ok \xed\xa0\x80", "not UTF-8 at byte 4"),
    ],
)
def test_a_bad_file_is_an_error_in_its_place(tmp_path: Path, content: bytes, words: str) -> None:
    bad, good = tmp_path / "bad.txt", tmp_path / "good.txt"
    bad.write_bytes(content)
    good.write_text("Good.", encoding="utf-8")
    error, article = read([str(bad), str(good)])
    assert isinstance(error, SourceError)
    assert str(error).startswith(f"{bad}: ")
    assert words in str(error)
    assert article == Article(str(good), "Good.")


def test_no_such_file_and_a_folder_without_texts(tmp_path: Path) -> None:
    assert "no such file" in str(only(tmp_path / "none.txt"))
    (tmp_path / "empty").mkdir()
    assert str(only(tmp_path / "empty")).startswith(f"{tmp_path / 'empty'}: no ")


def test_an_article_of_50_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    assert "exceeds the 20 MB limit" in str(only(path))


def test_patterns_match_and_errors_stand_in_their_place(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.txt", "deep/a.html", "deep/skip.bin"):
        (tmp_path / name).write_text(PAGE if name.endswith("html") else "Text.")
    folder = [tmp_path / "b.txt", tmp_path / "deep" / "a.html"]
    assert [found.source for found in read([str(tmp_path)]) if isinstance(found, Article)] == list(
        map(str, folder)
    )
    (found,) = read([f"{tmp_path}/**/*.html"])
    assert isinstance(found, Article)
    errors = list(read([f"{tmp_path}/*.none", str(tmp_path / "missing.txt"), "https://example.org/"]))
    assert [str(error).partition(": ")[2] for error in errors] == [
        "no file matches this pattern",
        "no such file",
        "to read an address, use --url https://example.org/",
    ]
