"""`topics digest` and `topics views` as people use them, on an archive made of real parts."""

import json
from pathlib import Path

import archiving
import pytest
import support
from openpyxl import load_workbook

from pipeline.archive.write import ArchiveModel
from pipeline.data.readers.word import read_docx

NOW = "2026-03-05T09:30+01:00"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collect three articles of two days, two of which tell one story."""
    folder = tmp_path_factory.mktemp("digests")
    model: ArchiveModel = archiving.made_model(folder / "champion.safetensors")
    story = f"{archiving.MINES.format(place='field')} {archiving.PEACE.format(place='hall')}"
    with archiving.made_archive(folder / "archive.sqlite3") as database:
        archiving.add(
            database,
            model,
            archiving.entry("a", story, title="Field cleared", outlet="Gazette", day="2026-03-04"),
            archiving.entry("b", story, title="A field", outlet="Echo", day="2026-03-05"),
            archiving.entry("c", archiving.LUNCH.format(place="park"), title="Lunch", day="2026-02-01"),
            time="2026-03-05T06:00:00+00:00",
        )
    return folder / "archive.sqlite3"


def digest(archive: Path, *arguments: object) -> "support.subprocess.CompletedProcess[str]":  # type: ignore[name-defined]
    return support.run("digest", "--archive", archive, "--now", NOW, *arguments)


def test_since_yesterday_is_the_default_and_goes_to_the_terminal(archive: Path) -> None:
    done = digest(archive)
    assert (done.returncode, done.stderr) == (0, "1 story in 2 articles of 2 outlets.\n")
    lines = done.stdout.splitlines()
    assert lines[:4] == ["News digest", "===========", "since 4 March 2026", "1 story in 2 articles of 2 outlets."]
    assert "Lunch" not in done.stdout
    assert lines[-1].startswith("Made 2026-03-05 09:30 UTC+01:00, topics by model ")


@pytest.mark.parametrize(
    ("arguments", "period", "summary"),
    [
        (["--since", "today"], "since 5 March 2026", "1 story in 1 article of 1 outlet."),
        (
            ["--since", "2026-02-01", "--until", "2026-02-28"],
            "1 to 28 February 2026",
            "Nothing new in this period.",
        ),
        (
            ["--since", "2026-02-01", "--words", "lunch"],
            "since 1 February 2026",
            "1 story in 1 article of 1 outlet.",
        ),
        (["--until", "yesterday"], "4 March 2026", "1 story in 1 article of 1 outlet."),
        (["--since", "2h"], "collected since 2026-03-05 07:30 UTC+01:00", "Nothing new in this period."),
        (["--since", "1d"], "collected since 2026-03-04 09:30 UTC+01:00", "1 story in 2 articles of 2 outlets."),
        (["--outlet", "Echo"], "since 4 March 2026", "1 story in 1 article of 1 outlet."),
    ],
)
def test_a_period_and_a_selection_are_what_they_say(
    arguments: list[str], period: str, summary: str, archive: Path
) -> None:
    done = digest(archive, *arguments)
    assert (done.returncode, done.stdout.splitlines()[2:4], done.stderr) == (0, [period, summary], f"{summary}\n")


@pytest.mark.parametrize("name", ["text", "md", "html", "docx", "xlsx", "csv", "json", "eml", "atom"])
def test_the_same_time_makes_the_same_file(name: str, archive: Path, tmp_path: Path) -> None:
    for file in ("one", "two"):
        assert digest(archive, "--format", name, "--output", tmp_path / file).returncode == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() != b""


def test_a_file_s_ending_names_its_format(archive: Path, tmp_path: Path) -> None:
    assert digest(archive, "--output", tmp_path / "brief.docx").returncode == 0
    [article] = read_docx((tmp_path / "brief.docx").read_bytes(), "brief.docx")
    assert "Gazette, “Field cleared”, 4 March 2026, paragraph 1, a." in article.text
    assert digest(archive, "--output", tmp_path / "brief.xlsx").returncode == 0
    with pytest.warns(UserWarning, match="Sparkline"):
        sheet = load_workbook(tmp_path / "brief.xlsx")["Articles"]
    assert sorted(row[3] for row in sheet.iter_rows(min_row=2, values_only=True)) == ["Echo", "Gazette"]


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["--topic", "minse"], 1, "error: no topic 'minse' in this archive; there are: "),
        (["--view", "none"], 1, "error: no view 'none'; there are: none yet"),
        (
            ["--since", "last week"],
            2,
            "'last week': expected today, yesterday, a date such as 2026-03-05 or such as",
        ),
        (["--since", "0h"], 2, "'0h': expected today, yesterday"),
        (["--until", "24h"], 2, "'24h': expected today, yesterday, a date such as 2026-03-05"),
        (["--since", "today", "--until", "yesterday"], 2, "--since 2026-03-05 is after --until 2026-03-04"),
        (["--output", "brief.pdf"], 2, "no digest is written to .pdf; use .txt, "),
        (["--words", '"open'], 1, "error: "),
        (["--archive", "none.sqlite3"], 1, "error: none.sqlite3: no archive here; `topics collect` makes one"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    arguments: list[str], status: int, line: str, archive: Path, tmp_path: Path
) -> None:
    done = support.run("digest", "--archive", archive, "--now", NOW, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert line in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_mail_is_from_whom_it_is_said_to_be(archive: Path) -> None:
    done = digest(archive, "--format", "eml", "--sender", "News <news@example.org>")
    assert "From: News <news@example.org>" in done.stdout.splitlines()
    refused = digest(archive, "--format", "eml", "--sender", "news")
    assert (refused.returncode, refused.stdout) == (1, "")


def test_the_archive_is_not_written_over(archive: Path) -> None:
    before = archive.read_bytes()
    done = digest(archive, "--output", archive, "--format", "csv")
    assert (done.returncode, archive.read_bytes()) == (1, before)
    assert "is the same file as the source" in done.stderr


def test_a_view_is_made_used_changed_and_removed(archive: Path) -> None:
    def views(*arguments: object) -> str:
        done = support.run("views", *arguments, "--archive", archive)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    hook = "https://chat.example.org/hooks/hush"
    added = views("add", "Lunch & поля", "--words", "lunch", "--notify", "mailto:a@b.org", "--notify", hook)
    assert added == "lunch-поля\n"
    assert views("list") == ("lunch-поля  Lunch & поля: 'lunch' -> mailto:a@b.org, https://chat.example.org/…\n")
    done = digest(archive, "--view", "lunch-поля", "--since", "2026-01-01")
    assert done.stdout.splitlines()[0] == "Lunch & поля"
    assert "* Lunch" in done.stdout
    assert views("update", "lunch-поля", "--outlet", "Gazette", "--no-notify") == ""
    [found] = json.loads(views("list", "--format", "json"))
    assert (found["selection"]["words"], found["selection"]["outlets"], found["notify"]) == (
        "lunch",
        ["Gazette"],
        [],
    )
    assert views("remove", "lunch-поля") == ""
    assert views("list") == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--topic", "minse"], "error: no topic 'minse' in this archive"),
        (["--words", '"open'], "error: "),
        (["--notify", "a@b.org"], "error: cannot notify 'a@b.org': expected mailto:NAME@HOST"),
    ],
)
def test_a_view_that_could_find_or_tell_nothing_is_not_made(
    arguments: list[str], line: str, archive: Path
) -> None:
    done = support.run("views", "add", "Bad", *arguments, "--archive", archive)
    assert done.returncode == 1
    assert done.stderr.startswith(line)
    assert support.run("views", "list", "--archive", archive).stdout == ""
