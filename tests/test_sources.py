import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_documents import PAGE

from pipeline.data.sources import find, read
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


def test_what_is_hidden_in_a_folder_is_not_read(tmp_path: Path) -> None:
    for name in ("a.txt", ".b.txt", ".git/c.txt", "deep/.Trash/d.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    assert [article.text for article in read([str(tmp_path)]) if isinstance(article, Article)] == ["a.txt"]
    assert only(tmp_path / ".b.txt").text == ".b.txt"  # type: ignore[union-attr]  # it is named


def test_an_empty_name_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("Text.")
    assert str(only("")) == "a SOURCE is empty: is a variable of the shell not set?"
    assert isinstance(only("."), Article)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Word mines " * 58, f"{('Word mines ' * 6)[:60]}\u2026"),
        ("What? " * 1000, f"{('What? ' * 10)[:60]}\u2026"),
        ("\u0434" * 128, "\u0434" * 60 + "\u2026"),
        ("Two lines.\nHere [1]?", "Two lines.\nHere [1]?"),
        ("The team won 3 matches and went home today.", "The team won 3 matches and went home today."),
    ],
    ids=["long", "pattern", "bytes", "lines", "words"],
)
def test_a_text_where_a_name_belongs_is_told(text: str, shown: str) -> None:
    assert str(only(text)) == f"{shown}: no such file; to predict on a text itself, pipe it to `topics predict -`"


@pytest.mark.parametrize("name", ["~/a.txt", " ", "two words.txt", "a.txt\x1b[31m"])
def test_a_name_that_does_not_exist_is_told_whole(name: str) -> None:
    assert str(only(name)).startswith(f"{name}: no ")


def sources(*names: object) -> tuple[list[str], list[str]]:
    """Return what is found, and the notes."""
    notes: list[str] = []
    found = [str(path) for path in find(map(str, names), note=notes.append)]
    return found, notes


def test_each_file_is_read_once_however_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    for name in ("a.txt", "d/b.txt", "-"):
        Path(name).write_text("Text.")
    Path("link.txt").symlink_to("a.txt")
    Path("d2").symlink_to("d")
    once = (["a.txt"], ["1 of the sources is named more than once, and read once"])
    assert sources("a.txt", "./a.txt", "d/../a.txt", tmp_path / "a.txt", "*a.txt") == once
    assert sources("d/b.txt", "d", "d2/b.txt", "a.txt", "a.txt") == (
        ["d/b.txt", "a.txt"],
        ["2 of the sources are named more than once, and read once"],
    )
    assert sources("a.txt", "link.txt") == (["a.txt", "link.txt"], [])
    assert sources("-", "./-") == (["-", str(tmp_path / "-")], [])


def test_a_folder_tells_what_it_leaves_out(tmp_path: Path) -> None:
    for name in ("a.txt", "b.html", "x.bin", "y.BIN", "t.csv", "README", "deep/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Text.")
    (tmp_path / "deep" / "up").symlink_to("..")
    (tmp_path / "gone.txt").symlink_to("nowhere")
    (tmp_path / "self.txt").symlink_to("self.txt")
    (tmp_path / "linked.txt").symlink_to("a.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    found, (note,) = sources(tmp_path)
    assert found == [str(tmp_path / name) for name in ("a.txt", "b.html", "deep/c.md", "linked.txt")]
    start, _, kinds = note.partition(": 4 to read, 8 left out: ")
    assert start == str(tmp_path)
    assert set(kinds.split(", ")) == {
        ".bin (2)",
        ".csv (1)",
        "no ending (1)",
        "broken link (2)",
        "link to a folder (1)",
        "pipe or device (1)",
    }
    assert sources(tmp_path / "deep" / "c.md") == ([str(tmp_path / "deep" / "c.md")], [])


def test_a_folder_of_other_files_says_which(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\n")
    assert str(only(tmp_path)).endswith(".mbox; it has .csv (1)")


@pytest.fixture
def nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, int], Path]]:
    """Give a maker of folders in folders, with an article in the innermost."""

    made: list[str] = []

    def make(name: str, levels: int) -> Path:
        monkeypatch.chdir(tmp_path)
        for _ in range(levels):
            Path(name).mkdir()
            os.chdir(name)
            made.append(name)
        Path("a.txt").write_text("Text.")
        os.chdir(tmp_path)
        return tmp_path / name

    yield make
    for name in made:  # deeper than shutil.rmtree goes
        os.chdir(name)
    Path("a.txt").unlink()
    for name in made:
        os.chdir("..")
        Path(name).rmdir()


def test_a_folder_may_be_very_deep(nested: Callable[[str, int], Path]) -> None:
    found = only(nested("d", 1100))
    assert isinstance(found, Article)
    assert found.source.count("/d") >= 1100


def test_a_folder_below_that_cannot_be_read_is_told(nested: Callable[[str, int], Path]) -> None:
    folder = nested("n" * 200, 25)  # longer than a path may be, so that root cannot read it either
    (folder.parent / "b.txt").write_text("Text.")
    article, error = read([str(folder.parent)])
    assert article == Article(str(folder.parent / "b.txt"), "Text.")
    assert str(error).endswith("n: cannot be read: File name too long")
