"""The commands of the archive, as processes: exit codes, one line each, signals, kills, two at once."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from archiving import LUNCH, MINES, PEACE, check
from press import feed, page, press
from psutil import Process
from serving import make_model
from support import ENVIRONMENT, command, run

from pipeline.archive.database import open_archive


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


@pytest.fixture
def models(model: Path, tmp_path: Path) -> Path:
    """Give an output folder of this test's own."""
    shutil.copytree(model.parent, tmp_path / "models")
    return tmp_path / "models"


def write_news(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        text = "\n\n".join(
            one.format(place=f"{'abcdefgh'[n % 8]}{n} {n * n} {n + 7}") for one in (MINES, PEACE, LUNCH)
        )
        (folder / f"{n:04}.txt").write_text(text, encoding="utf-8")
    return folder


def count(archive: Path, table: str = "articles") -> int:
    if not archive.exists():
        return 0
    with open_archive(archive) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def wait_until(holds: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    for _ in range(600):
        if holds():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"did not happen within a minute: {process.poll()}")


@contextmanager
def running(*arguments: object) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_folder_is_collected_beside_the_model_and_its_failures_are_told_of(models: Path, tmp_path: Path) -> None:
    news = write_news(tmp_path / "news", 3)
    (news / "bad.pdf").write_bytes(b"%PDF- no")
    (news / "x.png").write_bytes(b"\x89PNG")
    done = run("collect", news, "--model", models)
    assert done.returncode == 1
    assert done.stdout == f"3 read, 1 not ({news}/bad.pdf); 3 articles: 3 new, 0 changed, 0 unchanged\n"
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["note", "error"] or [
        line.partition(": ")[0] for line in lines
    ] == ["error", "note"]
    assert f"note: {news}: 4 to read, 1 left out: .png (1)" in lines
    (news / "bad.pdf").unlink()
    done = run("collect", news, "--model", models)
    assert (done.returncode, done.stdout) == (0, "3 read, 0 not; 3 articles: 0 new, 0 changed, 3 unchanged\n")
    done = run("archive", "info", "--model", models)
    assert done.stdout.splitlines()[1].startswith("3 articles of 1 outlet, ")


def test_wrong_usage_is_told_of(tmp_path: Path) -> None:
    for arguments, expected in (
        (("collect",), "no SOURCES, --url, --feed or --watch"),
        (("collect", "--watch", "none"), "--watch none: no such folder"),
        (("collect", "a", "--every", "soon"), "'soon': expected such as 30m or 12h"),
        (("archive", "prune", "--older-than", "12h"), "'12h': expected such as 90d or 12w"),
        (("archive", "prune", "--older-than", "0d"), "'0d': expected such as 90d or 12w"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, expected in done.stderr) == (2, True), done.stderr


def test_standard_input_is_collected_once(models: Path, tmp_path: Path) -> None:
    for outcome in ("1 new, 0 changed, 0 unchanged", "0 new, 0 changed, 1 unchanged"):
        done = run("collect", "-", "--model", models, stdin=MINES.encode())
        assert done.stdout == f"1 read, 0 not; 1 article: {outcome}\n"


def test_addresses_need_to_be_public_or_allowed(models: Path) -> None:
    with press() as site:
        site.put("/rss", feed("Gazette", ("Mines", "https://a.org/1", MINES)))
        site.put("/1", page("Talks", PEACE, LUNCH))
        arguments = ("collect", "--feed", f"{site.url}/rss", "--url", f"{site.url}/1", "--model", models)
        done = run(*arguments)
        assert (done.returncode, done.stderr.count("use --allow-private to read it")) == (1, 2)
        done = run(*arguments, "--allow-private")
        assert "2 to be asked again later" in done.stdout
        (models / "archive.sqlite3").unlink()
        done = run(*arguments, "--allow-private")
        assert (done.returncode, done.stdout) == (0, "2 read, 0 not; 2 articles: 2 new, 0 changed, 0 unchanged\n")


def test_a_folder_is_watched_until_sigterm(models: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    archive = models / "archive.sqlite3"
    with running("collect", "--watch", inbox, "--model", models) as process:
        (inbox / "a.txt").write_text(MINES, encoding="utf-8")
        wait_until(lambda: count(archive) == 1, process)
        with (inbox / "b.txt").open("w") as half:
            half.write(PEACE[:20])
            half.flush()
            (inbox / "c.txt").write_text(LUNCH, encoding="utf-8")
            half.write(PEACE[20:])
        wait_until(lambda: count(archive) == 3, process)
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[0] == "1 read, 0 not; 1 article: 1 new, 0 changed, 0 unchanged"
    with open_archive(archive) as database:
        check(database)
        assert PEACE in {row[0] for row in database.execute("SELECT text FROM articles")}


def test_feeds_are_asked_every_so_often_and_a_new_model_labels_anew(models: Path) -> None:
    archive = models / "archive.sqlite3"
    with press() as site:
        site.put("/rss", feed("Gazette", ("Mines", "https://a.org/1", MINES)))
        arguments = ("collect", "--feed", f"{site.url}/rss", "--allow-private", "--every", "1s", "--model", models)
        with running(*arguments) as process:
            wait_until(lambda: count(archive) == 1, process)
            site.put(
                "/rss", feed("Gazette", ("Talks", "https://a.org/2", PEACE), ("Mines", "https://a.org/1", MINES))
            )
            wait_until(lambda: count(archive) == 2, process)
            make_model(models / "champion.safetensors", run_id="run-two", turn=2)
            with open_archive(archive) as database:
                query = "SELECT run_id, complete FROM models"
                wait_until(lambda: [tuple(row) for row in database.execute(query)] == [("run-two", 1)], process)
                check(database)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode == 0


def test_a_model_that_is_damaged_meanwhile_leaves_the_one_in_use(models: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    archive = models / "archive.sqlite3"
    with running("collect", "--watch", inbox, "--model", models) as process:
        (inbox / "a.txt").write_text(MINES, encoding="utf-8")
        wait_until(lambda: count(archive) == 1, process)
        (models / "champion.safetensors").write_bytes(b"no model")
        (inbox / "b.txt").write_text(PEACE, encoding="utf-8")
        wait_until(lambda: count(archive) == 2, process)
        process.terminate()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.startswith(f"note: {models}/champion.safetensors: ")
    assert err.endswith("; the model in use stays\n")


def test_sigterm_ends_between_articles_and_the_next_run_goes_on(models: Path, tmp_path: Path) -> None:
    news = write_news(tmp_path / "news", 4000)
    archive = models / "archive.sqlite3"
    with running("collect", news, "--model", models) as process:
        wait_until(lambda: count(archive) > 3, process)
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "")
    kept = count(archive)
    assert f"{kept} articles: {kept} new" in out
    for path in sorted(news.iterdir())[kept + 100 :]:  # a hundred more show that it goes on
        path.unlink()
    done = run("collect", news, "--model", models)
    assert f"{kept + 100} articles: 100 new, 0 changed, {kept} unchanged" in done.stdout
    with open_archive(archive) as database:
        check(database)


def test_two_collectors_at_once_lose_and_double_nothing(models: Path, tmp_path: Path) -> None:
    news = write_news(tmp_path / "news", 60)
    both = [
        subprocess.Popen(
            command("collect", news, "--model", models), stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    new = [int(out.partition(" articles: ")[2].partition(" new")[0]) for out in said]
    assert sum(new) == 60
    with open_archive(models / "archive.sqlite3") as database:
        check(database)
        assert database.execute("SELECT count(*), count(DISTINCT key) FROM articles").fetchone()[:] == (60, 60)


def test_the_archive_is_relabelled_exported_imported_and_pruned(models: Path, tmp_path: Path) -> None:
    run("collect", write_news(tmp_path / "news", 5), "--model", models)
    make_model(models / "champion.safetensors", run_id="run-two", turn=2)
    assert run("relabel", "--model", models).stdout == "5 articles labelled anew\n"
    assert run("relabel", "--model", models).stdout == "0 articles labelled anew\n"
    for form in ("jsonl", "parquet"):
        done = run("archive", "export", tmp_path / form, "--format", form, "--model", models)
        assert done.stdout.startswith(f"{tmp_path / form}: 5 articles in "), done.stderr
        done = run("archive", "import", tmp_path / form, "--archive", tmp_path / f"{form}.sqlite3")
        assert done.returncode == 0, done.stderr
        assert count(tmp_path / f"{form}.sqlite3") == 5
    rows = [json.loads(line) for line in (tmp_path / "jsonl" / "articles.jsonl").read_text().splitlines()]
    assert [row["outlet"] for row in rows] == ["news"] * 5
    done = run("archive", "prune", "--older-than", "90d", "--model", models)
    assert (done.returncode, done.stdout.partition(" of days before ")[0]) == (0, "0 articles")


@pytest.mark.parametrize(
    "arguments",
    [
        ("relabel",),
        ("archive", "info"),
        ("archive", "prune", "--older-than", "90d"),
        ("archive", "export", "x"),
    ],
)
def test_without_an_archive_every_command_says_so_in_one_line(
    models: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(*arguments, "--model", models, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {models}/archive.sqlite3: no archive here; `topics collect` makes one\n"


def test_an_archive_in_use_is_waited_for(models: Path, tmp_path: Path) -> None:
    news = write_news(tmp_path / "news", 2)
    archive = models / "archive.sqlite3"
    run("collect", news / "0000.txt", "--model", models)
    with open_archive(archive) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with running("collect", news, "--model", models) as process:
            wait_until(lambda: str(archive) in [file.path for file in Process(process.pid).open_files()], process)
            time.sleep(2)
            assert process.poll() is None
            assert count(archive) == 1
            holder.rollback()
            out, _ = process.communicate(timeout=60)
    assert (process.returncode, "1 new" in out) == (0, True)


def test_damage_and_other_files_are_one_line(models: Path, tmp_path: Path) -> None:
    news = write_news(tmp_path / "news", 1)
    (tmp_path / "text.sqlite3").write_text("no archive " * 500)
    done = run("collect", news, "--model", models, "--archive", tmp_path / "text.sqlite3")
    expected = f"error: {tmp_path}/text.sqlite3: cannot use this archive: it is no archive, or damaged\n"
    assert (done.returncode, done.stderr) == (1, expected)
    done = run("collect", news, "--model", tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert [path.name for path in models.iterdir()] == ["champion.safetensors"]
