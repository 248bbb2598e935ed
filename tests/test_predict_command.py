"""`topics predict` on articles, through the real command line."""

import csv
import gzip
import io
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest
import support
from serving import ARTICLE
from test_documents import PAGE
from test_web import site  # noqa: F401  # a fixture

from pipeline.cli.predict import predict_command
from pipeline.model.bundle import load_bundle

ESCAPE = "\x1b["
HEAVY = [
    "sklearn",
    "pandas",
    "mlflow",
    "scipy",
    "matplotlib",
    "pyarrow",
    "trafilatura",
    "fastapi",
    "jinja2",
    "yaml",
]


@pytest.fixture
def news(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    folder.mkdir()
    (folder / "a.txt").write_text(ARTICLE)
    (folder / "b.html").write_text(PAGE)
    (folder / "c.txt").write_bytes(b"caf\xe9")
    return folder


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE)
    return path


def predict(model: Path, *arguments: object, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
    return support.run("predict", "--model", model, *arguments, stdin=stdin)


def one_line(done: "subprocess.CompletedProcess[str]", words: str) -> None:
    """Check that a command failed with nothing but one line on standard error."""
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_file_folder_and_standard_input_give_the_same(small_model: Path, article: Path) -> None:
    rows = support.json_lines(predict(small_model, article).stdout)
    assert [row["topics"] for row in rows] == [["mine_action"], ["peace_process"], []]
    assert all(row["text"] == ARTICLE[row["start"] : row["end"]] for row in rows)
    assert rows == support.json_lines(predict(small_model, article.parent).stdout)
    piped = support.json_lines(predict(small_model, "-", stdin=ARTICLE.encode()).stdout)
    assert [row | {"source": str(article)} for row in piped] == rows


def test_the_console_script_is_the_same_command(small_model: Path, article: Path) -> None:
    script = ["topics", "predict", str(article), "--model", str(small_model)]
    done = subprocess.run(script, env=support.ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout == predict(small_model, article).stdout


@pytest.mark.parametrize("point", ["precision", "balanced", "recall"])
def test_the_operating_point_decides(small_model: Path, point: str) -> None:
    words = ("landmines", "ceasefire", "garden", "field", "sappers talks", "lunch peace", "village agreed")
    text = "\n\n".join(f"The {word} of the day." for word in words)
    rows = support.json_lines(predict(small_model, "-", "--threshold", point, stdin=text.encode()).stdout)
    scorer = load_bundle(small_model / "champion.safetensors").scorer.at(point)
    assigned = scorer.labels(scorer.scores([row["text"] for row in rows]))
    assert [[topic in row["topics"] for topic in scorer.topics] for row in rows] == assigned.tolist()
    for row in rows:
        differences = [row["scores"][topic] - row["margins"][topic] for topic in scorer.topics]
        assert differences == pytest.approx(scorer.thresholds.tolist(), abs=1e-12)


def test_an_unknown_operating_point_is_one_line_with_those_there_are(small_model: Path, article: Path) -> None:
    expected = "no operating point 'high', expected one of precision, balanced, recall"
    one_line(predict(small_model, article, "--threshold", "high"), expected)


def test_text_has_margins_and_explanations(small_model: Path, article: Path) -> None:
    text = predict(small_model, article, "--format", "text", "--explain").stdout
    assert re.search(r"^  1  Mine action [01]\.\d\d \(\+[01]\.\d\d\)$", text, re.MULTILINE)
    assert "other terms" in text


@pytest.mark.parametrize(
    ("name", "options", "start"),
    [
        ("out/rows.csv", [], b"source,paragraph,start,end,text,topics,mine_action"),
        ("rows.jsonl", [], b'{"source": "'),
        ("rows.html", [], b"<!doctype html>"),
        ("rows.txt", [], b"/"),
        ("rows.parquet", [], b"PAR1"),
        ("rows.parquet", ["--format", "csv"], b"source,"),
        ("rows", [], b'{"source": "'),
    ],
)
def test_the_format_follows_the_ending_of_the_output(
    small_model: Path, article: Path, tmp_path: Path, name: str, options: list[str], start: bytes
) -> None:
    done = predict(small_model, article, "--output", tmp_path / name, *options)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / name).read_bytes().lstrip().startswith(start)


def test_sources_that_cannot_be_read_do_not_cost_the_others(small_model: Path, news: Path) -> None:
    done = predict(small_model, news, news / "none.txt")
    rows = support.json_lines(done.stdout)
    assert [row["source"].rpartition("/")[2] for row in rows] == ["a.txt"] * 3 + ["b.html"] * 3
    assert rows[3]["title"] == "Mines cleared"
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"error: {news}/c.txt: not UTF-8 at byte 4; looks like windows-1252; convert it to UTF-8",
        f"error: {news}/none.txt: no such file",
        f"2 read, 2 not: {news}/c.txt (not UTF-8 at byte 4; looks like windows-1252; convert it to UTF-8), "
        f"{news}/none.txt (no such file)",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x89PNG\r\n\0\0", "binary"), (b"\xef\xbb\xbf\n", "no paragraphs"), (b"a" * 20_000_001, "20 MB limit")],
    ids=["binary", "no paragraphs", "large"],
)
def test_a_bad_article_is_one_line(small_model: Path, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    one_line(predict(small_model, path), f"{path}: ")
    one_line(predict(small_model, path), words)


def test_a_missing_or_damaged_model_is_one_line(small_model: Path, article: Path, tmp_path: Path) -> None:
    one_line(support.run("predict", article, "--model", tmp_path), "no trained model here; run `make train` first")
    content, path = (small_model / "champion.safetensors").read_bytes(), tmp_path / "model.safetensors"
    middle = len(content) // 2
    for broken in (content[:middle], content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], b""):
        path.write_bytes(broken)
        one_line(predict(path, article), f"{path}: ")
    path.write_bytes(re.sub(rb'"version":"\d+"', b'"version":"9"', content))
    one_line(predict(path, article), "bundle format 9")


def test_an_output_that_cannot_be_written_is_one_line(small_model: Path, article: Path) -> None:
    for output in (article / "below-a-file", article.parent):
        one_line(predict(small_model, article, "--output", output), "cannot be written")
    assert [path.name for path in article.parent.iterdir()] == [article.name]


TWO_ROWS = [{"id": "1", "text": "Sappers cleared mines."}, {"id": "2", "text": "One, two."}]
LINES = "".join(f"{json.dumps(row)}\n" for row in TWO_ROWS)
CSV = 'id;text\n1;Sappers cleared mines.\n2;"One, two."\n'


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        json.dumps(TWO_ROWS, indent=1).encode(),
        CSV.encode("utf-8-sig"),
        CSV.replace(";", "\t").encode(),
        gzip.compress(CSV.encode()),
    ],
    ids=["lines", "marked lines", "UTF-16", "array", "CSV", "tabs", "gzip"],
)
def test_a_table_on_standard_input_is_read_as_a_table(small_model: Path, content: bytes) -> None:
    done = predict(small_model, "-", "--keep", "text", stdin=content)
    assert done.returncode == 0, done.stderr
    rows = support.json_lines(done.stdout)
    assert [(row["row"], row["id"], row["text"]) for row in rows] == [
        (1, "1", "Sappers cleared mines."),
        (2, "2", "One, two."),
    ]


JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "items": [{"id": "1", "content_text": "Sappers cleared mines."}],
}


@pytest.mark.parametrize("name", ["feed.json", "feed", "-"])
def test_a_feed_of_json_is_articles_and_a_table_where_a_column_is_named(
    small_model: Path, tmp_path: Path, name: str
) -> None:
    content = json.dumps(JSON_FEED).encode()
    source = name if name == "-" else str(tmp_path / name)
    (tmp_path / "feed.json").write_bytes(content)
    (tmp_path / "feed").write_bytes(content)
    (entry,) = support.json_lines(predict(small_model, source, stdin=content).stdout)
    assert (entry["source"], entry["text"]) == (f"{source}#1", "Sappers cleared mines.")
    (row,) = support.json_lines(
        predict(small_model, source, "--text-column", "content_text", stdin=content).stdout
    )
    assert row["row"] == 1


def test_a_text_in_place_of_a_name_is_told_to_be_piped(small_model: Path) -> None:
    one_line(
        predict(small_model, "Sappers cleared mines. " * 30), "no such file; to predict on a text itself, pipe it"
    )


def test_a_source_that_cannot_be_opened_costs_only_itself() -> None:
    (sources,) = (part for part in predict_command.params if part.name == "sources")
    assert isinstance(sources.type, click.Path)
    assert (
        not sources.type.readable
    )  # root, as whom tests may run, can read all, so that the mode of a file shows nothing


def test_a_table_without_the_column_of_texts_is_one_line(small_model: Path) -> None:
    done = predict(small_model, "-", stdin=b"id,body\n1,Sappers\n")
    one_line(done, "-: no column 'text', found id, body; see --text-column")
    found = predict(small_model, "-", "--text-column", "body", stdin=b"id,body\n1,Sappers\n")
    assert [row["row"] for row in support.json_lines(found.stdout)] == [1]


def test_a_text_file_full_of_rows_is_read_as_a_table_and_said(small_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text(LINES)
    done = predict(small_model, path)
    assert [row["row"] for row in support.json_lines(done.stdout)] == [1, 2]
    assert done.stderr.splitlines()[0] == f"note: {path}: holds JSON lines, read as a table"
    path.write_text(f"{ARTICLE}\n\n{LINES}")
    assert [row["paragraph"] for row in support.json_lines(predict(small_model, path).stdout)][:2] == [0, 1]


def test_a_table_among_articles_costs_no_other(small_model: Path, article: Path) -> None:
    (article.parent / "rows.txt").write_text(LINES)
    done = predict(small_model, article.parent)
    assert {row["source"] for row in support.json_lines(done.stdout)} == {str(article)}
    why = "JSON lines, which is a table: predict on it alone, with --text-column"
    assert done.stderr.splitlines() == [
        f"error: {article.parent}/rows.txt: {why}",
        f"1 read, 1 not: {article.parent}/rows.txt ({why})",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX systems")
def test_an_article_from_a_pipe_is_read_whole(small_model: Path, tmp_path: Path, article: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", article, pipe]):
        rows = support.json_lines(predict(small_model, pipe).stdout)
    assert [row["text"] for row in rows] == [
        row["text"] for row in support.json_lines(predict(small_model, article).stdout)
    ]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text(CSV)
    (folder / "b.jsonl").write_text(LINES)
    return folder


@pytest.mark.parametrize("pattern", ["*", "", "[ab].*", "**/*"])
def test_a_pattern_or_folder_of_tables_is_read_as_tables(small_model: Path, tables: Path, pattern: str) -> None:
    done = predict(small_model, tables / pattern)
    assert done.returncode == 0, done.stderr
    rows = support.json_lines(done.stdout)
    assert [(Path(row["source"]).name, row["row"]) for row in rows] == [
        ("a.csv", 1),
        ("a.csv", 2),
        ("b.jsonl", 1),
        ("b.jsonl", 2),
    ]


def test_a_pattern_of_one_table_is_that_table(small_model: Path, tables: Path) -> None:
    rows = support.json_lines(predict(small_model, tables / "*.jsonl", "--keep", "text").stdout)
    assert [(row["row"], row["text"], "source" in row) for row in rows] == [
        (1, "Sappers cleared mines.", False),
        (2, "One, two.", False),
    ]


def test_a_folder_of_articles_says_which_tables_it_leaves_out(small_model: Path, tables: Path) -> None:
    (tables / "c.txt").write_text(ARTICLE)
    done = predict(small_model, tables)
    assert {row["source"] for row in support.json_lines(done.stdout)} == {f"{tables}/c.txt"}
    assert done.stderr == (
        f"1 read, 2 not: {tables}/a.csv (.csv is not read), {tables}/b.jsonl (.jsonl is not read)\n"
    )
    mixed = predict(small_model, tables / "*")
    assert mixed.stderr.splitlines()[-1] == (
        f"Error: {tables}/a.csv is a table: use one command for it and one for {tables}/c.txt"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_below_standard_output_is_one_line(small_model: Path, article: Path) -> None:
    with Path("/dev/full").open("w") as target:
        done = subprocess.run(
            support.command("predict", article, "--model", small_model),
            env=support.ENVIRONMENT,
            stdout=target,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: standard output: cannot be written: disk full\n"


def test_an_address_is_read_when_asked_for(small_model: Path, site: str) -> None:  # noqa: F811
    done = predict(small_model, "--url", f"{site}/page", "--allow-private")
    assert {row["source"] for row in support.json_lines(done.stdout)} == {f"{site}/page"}
    one_line(
        predict(small_model, "--url", f"{site}/page"), "is not a public address; use --allow-private to read it"
    )


def test_a_report_is_written_atomically(small_model: Path, news: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert predict(small_model, news / "a.txt", news / "b.html", "--output", out).returncode == 0
    assert out.read_text().count("<article ") == 2
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["report.html"]


def on_a_terminal(model: Path, *sources: object, **env: str) -> str:
    """Run predict with a terminal of 40 columns as standard output."""
    ours, theirs = pty.openpty()
    command = support.command("predict", *sources, "--model", model)
    process = subprocess.Popen(command, stdout=theirs, env={**support.ENVIRONMENT, "COLUMNS": "40", **env})
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the end of a terminal on Linux
        pass
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def test_a_terminal_gets_colours_that_fit_and_a_pipe_gets_none(small_model: Path, news: Path) -> None:
    shown = on_a_terminal(small_model, news / "a.txt")
    assert f"{ESCAPE}38;2;213;94;0m" in shown
    plain = on_a_terminal(small_model, news / "a.txt", NO_COLOR="1")
    assert ESCAPE not in plain
    assert max(map(len, plain.splitlines())) <= 40 + len(str(news))
    assert ESCAPE not in predict(small_model, news / "a.txt", "--format", "text").stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of a story, its copy, and an article without a topic."""
    made = tmp_path / "day"
    made.mkdir()
    (made / "a.txt").write_text(ARTICLE)
    (made / "b.txt").write_text(ARTICLE.replace("\n\n", "\n\n\n"))
    (made / "c.txt").write_text("Lunch was served in the garden.\n\nThe orchestra played.")
    return made


def test_a_folder_on_a_terminal_shows_a_line_an_article_and_paragraphs_with_a_topic(
    small_model: Path, folder: Path
) -> None:
    shown = on_a_terminal(small_model, folder, NO_COLOR="1", COLUMNS="200").replace("\r\n", "\n")
    first, *paragraphs, copy, without = shown.strip().split("\n\n")
    assert first.endswith("\n  Mine action 1  Peace process 1")
    assert " ".join(first.split()) == f"{folder}/a.txt (2 of 3 paragraphs) Mine action 1 Peace process 1"
    assert [line.split()[0] for line in paragraphs] == ["1", "2"]
    assert " ".join(copy.split()) == f"{folder}/b.txt: the same text as {folder}/a.txt"
    assert " ".join(without.split()) == f"{folder}/c.txt (0 of 2 paragraphs) none of the topics"
    whole = on_a_terminal(small_model, folder, "--all", NO_COLOR="1")
    assert whole.count("orchestra played") == 3
    alone = on_a_terminal(small_model, folder / "a.txt", NO_COLOR="1")
    assert alone.count("orchestra played") == 1
    assert predict(small_model, folder, "--format", "text").stdout.count("orchestra played") == 3


def test_a_copy_is_said_to_be_one_and_keeps_its_rows(small_model: Path, folder: Path) -> None:
    done = predict(small_model, folder)
    assert done.stderr == f"note: {folder}/b.txt: the same text as {folder}/a.txt\n"
    assert len(support.json_lines(done.stdout)) == 8


def test_what_is_not_read_is_named_up_to_twenty(small_model: Path, folder: Path) -> None:
    for number in range(23):
        (folder / f"p{number:02}.png").touch()
    (folder / "z.txt").touch()
    last = predict(small_model, folder).stderr.splitlines()[-1]
    assert last.startswith(f"3 read, 24 not: {folder}/p00.png (.png is not read), ")
    assert last.endswith(f"{folder}/p19.png (.png is not read), and 4 more")


def test_predict_imports_only_what_it_needs(small_model: Path, article: Path) -> None:
    done = support.run(
        "predict", article, "--explain", "--model", small_model, env={"PYTHONPROFILEIMPORTTIME": "1"}
    )
    assert len(support.json_lines(done.stdout)) == 3
    imported = {name.partition(".")[0] for name in re.findall(r"\|\s+([\w.]+)$", done.stderr, re.MULTILINE)}
    assert "numpy" in imported
    assert not imported & set(HEAVY)


@pytest.mark.parametrize("source", ["article.txt", "t.jsonl", "t.parquet"])
def test_parquet_without_pyarrow_is_one_line(small_model: Path, article: Path, source: str) -> None:
    support.write_rows(article.with_name("t.jsonl"), [{"text": ARTICLE}])
    article.with_name("t.parquet").write_bytes(b"PAR1")
    code = "import sys; sys.modules['pyarrow'] = None; from pipeline.__main__ import main; main()"
    output = article.with_name("out.parquet")
    arguments = ["predict", str(article.with_name(source)), "--model", str(small_model), "--output", str(output)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=support.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    one_line(done, "needs: pip install 'paragraph-topics[parquet]'")
    assert not output.exists()


def test_a_terminal_shows_how_far_a_table_is_read(small_model: Path, article: Path) -> None:
    table = support.write_rows(article.with_name("t.jsonl"), [{"text": ARTICLE}] * 3000)
    ours, theirs = pty.openpty()
    command = support.command("predict", table, "--model", small_model, "--output", article.with_name("out.jsonl"))
    subprocess.run(command, env=support.ENVIRONMENT, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert re.search(r"predicting +\[#{30,}\] +100%", shown.replace("-", "#")), shown
    assert "3,000 rows in " in shown


ODD = [
    b"caf\xe9.txt",
    b"a\nb.txt",
    b"\x1b[31m.txt",
    b"\xc2\x9b1m.txt",
    "\u202egnp.txt".encode(),
    b"=1.txt",
    b"[x]*.txt",
]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder of articles whose names are not UTF-8, or not for terminals."""
    folder = tmp_path / "odd"
    folder.mkdir()
    for number, name in enumerate(ODD):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(f"{ARTICLE} {number}")
    return folder


def test_json_lines_name_a_file_reversibly(small_model: Path, odd: Path) -> None:
    rows = support.json_lines(predict(small_model, odd).stdout)
    assert {os.fsencode(row["source"]).rpartition(b"/")[2] for row in rows} == set(ODD)


@pytest.mark.parametrize("form", ["csv", "parquet", "text", "html"])
def test_every_format_names_a_file_that_is_not_utf_8(
    small_model: Path, odd: Path, tmp_path: Path, form: str
) -> None:
    output = tmp_path / f"out.{form}"
    done = predict(small_model, odd, "--format", form, "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    if form == "parquet":
        sources = pq.read_table(output).column("source").to_pylist()
    elif form == "csv":
        sources = [row["source"] for row in csv.DictReader(io.StringIO(output.read_bytes().decode(), newline=""))]
    else:
        assert "caf\\udce9.txt" in output.read_text()
        return
    names = {os.fsdecode(name).replace("\udce9", "\\udce9") for name in ODD}
    assert {source.rpartition("/")[2] for source in sources} == names


@pytest.mark.parametrize(
    "arguments",
    [
        ["no\x1b[31m\nsuch.txt"],
        ["no\x1b[31m\nsuch.csv"],
        ["article.txt", "--model", "no\x1b[31m\nsuch"],
        ["article.txt", "--output", "article.txt/\x1b[31m\n.csv"],
        ["article.txt", "--no\x1b[31m"],
    ],
    ids=["article", "table", "model", "output", "option"],
)
def test_errors_show_control_characters_instead_of_obeying_them(
    small_model: Path, article: Path, arguments: list[str]
) -> None:
    done = support.run("predict", "--model", small_model, *arguments, cwd=article.parent)
    assert done.returncode in (1, 2)
    assert "\\x1b[31m" in done.stderr
    assert ESCAPE not in done.stderr
    assert done.returncode == 2 or len(done.stderr.splitlines()) == 1


def test_what_a_folder_leaves_out_is_told_at_the_end(small_model: Path, news: Path) -> None:
    (news / "t.csv").write_text("text\n")
    done = predict(small_model, news, news / "a.txt")
    assert done.stderr.splitlines() == [
        f"error: {news}/c.txt: not UTF-8 at byte 4; looks like windows-1252; convert it to UTF-8",
        "note: 1 of the sources is named more than once, and read once",
        f"2 read, 2 not: {news}/t.csv (.csv is not read), "
        f"{news}/c.txt (not UTF-8 at byte 4; looks like windows-1252; convert it to UTF-8)",
    ]
    assert [row["paragraph"] for row in support.json_lines(done.stdout)] == [0, 1, 2] * 2


@pytest.mark.parametrize("form", ["jsonl", "csv", "html", "text", "parquet"])
def test_an_output_stays_where_nothing_can_be_read(small_model: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / "out"
    output.write_text("old")
    one_line(predict(small_model, "missing.txt", "--format", form, "--output", output), "no such file")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert output.read_text() == "old"


@pytest.mark.parametrize("output", ["article.txt", "link.csv", "hard.csv"])
def test_an_article_is_not_written_over(small_model: Path, article: Path, output: str) -> None:
    (article.parent / "link.csv").symlink_to(article)
    (article.parent / "hard.csv").hardlink_to(article)
    for source, stdin in ((article, None), (article.parent, None), ("-", article)):
        with (stdin or Path(os.devnull)).open("rb") as file:
            done = subprocess.run(
                support.command("predict", "--model", small_model, source, "--output", article.with_name(output)),
                env=support.ENVIRONMENT,
                stdin=file,
                capture_output=True,
                text=True,
                check=False,
            )
        one_line(done, "is the same file as the source")
    assert article.read_text() == ARTICLE


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([""], 1, "a SOURCE is empty"),
        (["article.txt", "--output", ""], 2, "'--output': it is empty"),
        (["article.txt", "--model", ""], 2, "'--model' (env var: 'TOPICS_MODEL'): it is empty"),
        (["article.txt", "--output", "~/x.csv"], 2, "~/x.csv: the shell replaces ~ only where"),
        (["article.txt", "--output", "new/"], 2, "new/: expected a file, not a folder"),
        (["article.txt", "--output", "x.ods"], 2, "x.ods: no format is written to .ods; use .txt, "),
        (["article.txt", "--output", "x.jsonl.gz"], 2, "x.jsonl.gz: no format is written to .gz; use .txt, "),
    ],
)
def test_a_path_that_cannot_be_meant_is_refused(
    small_model: Path, article: Path, arguments: list[str], status: int, words: str
) -> None:
    done = support.run("predict", "--model", small_model, *arguments, cwd=article.parent)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr.splitlines()[-1]
    assert [path.name for path in article.parent.iterdir()] == ["article.txt"]


@pytest.mark.parametrize("source", ["article.txt", "t.csv"])
@pytest.mark.parametrize(
    ("streams", "status", "error"),
    [
        (">&-", 1, "error: standard output: cannot be written: Bad file descriptor\n"),
        (">&- --output out.csv", 0, ""),
        ("<&- >&- 2>&- --output out.csv", 0, ""),
        ("2>&-", 0, ""),
        pytest.param(
            "> /dev/full",
            1,
            "error: standard output: cannot be written: disk full\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full"),
        ),
    ],
)
def test_closed_streams(
    small_model: Path, article: Path, source: str, streams: str, status: int, error: str
) -> None:
    article.with_name("t.csv").write_text(f"text\n{'gas ' * 20}\n")
    done = in_shell(f"topics predict --model {small_model} {source} {streams}", article.parent)
    assert (done.returncode, re.sub(r"1 rows in .*\n", "", done.stderr)) == (status, error)
    assert "gas" not in done.stderr
    if "--output" in streams:
        assert article.with_name("out.csv").read_text().count("\n") == (2 if source == "t.csv" else 4)


@pytest.mark.parametrize("options", ["", "--text-column text"])
def test_a_closed_standard_input_is_one_line(small_model: Path, tmp_path: Path, options: str) -> None:
    one_line(
        in_shell(f"topics predict --model {small_model} - {options} <&-", tmp_path),
        "standard input: cannot be read: Bad file descriptor",
    )


def in_shell(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=support.ENVIRONMENT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("source", ["long.txt", "long.csv"])
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(
    small_model: Path, tmp_path: Path, source: str
) -> None:
    (tmp_path / source).write_text("text\n\n" + "Landmines.\n\n" * 20_000)
    line = f"topics predict --model {small_model} {source} | head -c 9; echo ${{PIPESTATUS[0]}}"
    done = in_shell(line, tmp_path)
    assert (done.stdout[9:], done.stderr) == ("141\n", "")


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "link", "-"])
def test_standard_output_by_name_is_written_to(small_model: Path, article: Path, target: str) -> None:
    (article.parent / "link").symlink_to("/dev/stdout")
    line = f"echo before > log; topics predict --model {small_model} article.txt --output {target} >> log"
    assert in_shell(line, article.parent).returncode == 0
    before, *rows = article.with_name("log").read_text().splitlines()
    assert (before, len(rows)) == ("before", 3)
    assert Path("/dev/stdout").is_symlink()


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_old_output_and_nothing_else(
    small_model: Path, tmp_path: Path, signalled: signal.Signals
) -> None:
    source, output, part = (tmp_path / name for name in ("long.txt", "out.html", ".out.html.part"))
    source.write_text("Landmines.\n\n" * 20_000)
    output.write_text("old")
    output.chmod(0o640)
    command = support.command("predict", "--model", small_model, source, "--output", output)
    with subprocess.Popen(command, env=support.ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        # a signal in the very moment in which the part is made leaves it there; next it gets the old output's mode
        while not part.exists() or part.stat().st_mode != output.stat().st_mode:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        second = predict(small_model, source, "--output", output) if signalled == signal.SIGTERM else None
        process.send_signal(signalled)
        process.send_signal(signal.SIGCONT)
        assert process.communicate()[1] == "interrupted; existing files are unchanged\n"
    assert process.returncode == 128 + signalled
    assert second is None or second.stderr == f"error: {output}: another process is writing it\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.txt", "out.html"]
    assert output.read_text() == "old"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to this limit")
def test_out_of_memory_is_one_line(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("a\n\n" * 2_500_000)
    done = support.run(
        "predict",
        "--model",
        small_model,
        tmp_path / "many.txt",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000)),
    )
    one_line(done, "out of memory")


@pytest.mark.parametrize("options", [[], ["--output", "out.jsonl"]])
def test_a_table_on_a_terminal_needs_no_library_for_terminals(
    small_model: Path, article: Path, options: list[str]
) -> None:
    support.write_rows(article.with_name("t.jsonl"), [{"text": ARTICLE}])
    code = "import sys; sys.modules['rich'] = None; from pipeline.__main__ import main; main()"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code, "predict", "--model", small_model, "t.jsonl", *options]
    done = subprocess.run(
        command, cwd=article.parent, env=support.ENVIRONMENT, stdout=theirs, stderr=theirs, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert ("predicting" in shown) == bool(options)  # among rows a bar would tear them
    assert "1 rows in " in shown
