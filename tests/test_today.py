"""`topics today`: a folder becomes one page, which needs nothing else."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import press
import pytest
import support
from archiving import LUNCH, MINES, PEACE
from lxml import html

from pipeline.assets import script_digest

MINE, TALKS, MEAL = MINES.format(place="field"), PEACE.format(place="capital"), LUNCH.format(place="park")
DOUBTFUL = "The sappers went home."
ONE = "1 source: 1 read, 0 not, or not to the end. 1 of 1 story and 2 of 4 paragraphs have a topic."
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Two articles and a copy, one without a topic, and what cannot be read."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"{MINE}\n\n{MEAL}\n\n{TALKS}\n\n{DOUBTFUL}")
    (folder / "c.md").write_text(f"# Talks {HOSTILE}\n\n{TALKS}\n\n{TALKS.replace('capital', HOSTILE)}")
    (folder / "d.txt").write_text(f"{MEAL}\n\nA symphony opened the season for the city and its many guests.")
    (folder / "broken.docx").write_bytes(b"PK\x03\x04 and no more")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    return folder


def today(model: Path, *arguments: object, **more: object) -> "subprocess.CompletedProcess[str]":
    return support.run("today", *arguments, "--model", model, **more)  # type: ignore[arg-type]


def page_of(path: Path) -> html.HtmlElement:
    return html.fromstring(path.read_text(encoding="utf-8"))


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_a_folder_becomes_a_page_that_says_what_was_read(small_model: Path, inbox: Path, tmp_path: Path) -> None:
    done = today(small_model, inbox, cwd=tmp_path)
    read = "6 sources: 4 read, 1 copy folded, 2 not, or not to the end."
    lead = f"{read} 2 of 3 stories and 4 of 9 paragraphs have a topic."
    assert (done.returncode, done.stdout) == (1, f"today.html: {lead}\n")
    assert (
        done.stderr
        == f"error: {inbox}/broken.docx: not a valid DOCX: damaged or cut short: File is not a zip file\n"
    )
    page = page_of(tmp_path / "today.html")
    assert lead in words(page)
    not_read = [words(line) for line in page.xpath("//main/details//li")]
    assert not_read == [
        f"{inbox}/broken.docx: not a valid DOCX: damaged or cut short: File is not a zip file",
        f"{inbox}/photo.jpg: .jpg is not read",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inbox", "today.html"]


def test_each_story_stands_once_with_the_paragraphs_that_matter(
    small_model: Path, inbox: Path, tmp_path: Path
) -> None:
    today(small_model, inbox, "--title", "Monday", cwd=tmp_path)
    page = page_of(tmp_path / "today.html")
    assert page.findtext("head/title").startswith("Monday: ")
    stories = page.xpath("//article[contains(@class, 'story')]")
    quoted = [[words(text) for text in story.xpath(".//p[@class='text']")] for story in stories]
    assert sorted(quoted) == sorted([[MINE, TALKS], [TALKS, TALKS.replace("capital", HOSTILE)]])
    assert [words(topic) for topic in page.xpath("//main/section/h2")] == [
        "●Mine action",
        "■Peace process",
        "Unsure",
    ]
    copied = next(story for story in stories if "a.txt" in words(story))
    assert "inbox (b.txt)" in words(copied)
    counts = [words(count) for count in page.xpath("//ul[@class='legend']//span[@class='count']")]
    assert counts == ["1", "2"]
    (further,) = page.xpath("//section[@data-topic='peace_process']/ul/li/a")
    assert page.xpath(f"//*[@id='{further.get('href').removeprefix('#')}']") == [copied]


def test_paragraphs_of_which_the_operating_points_disagree_are_a_list_of_their_own(
    small_model: Path, inbox: Path, tmp_path: Path
) -> None:
    today(small_model, inbox, cwd=tmp_path)
    doubts = page_of(tmp_path / "today.html").xpath("//section[@aria-labelledby='unsure']/article")
    listed = {words(doubt.xpath(".//p[@class='text']")[0]): doubt for doubt in doubts}
    assert MINE not in listed
    assert MEAL not in listed
    (chip,) = listed[DOUBTFUL].xpath(".//button[@data-topic]")
    assert (chip.get("data-topic"), chip.get("aria-pressed")) == ("mine_action", "false")


def test_the_page_loads_nothing_and_runs_its_own_script_alone(
    small_model: Path, inbox: Path, tmp_path: Path
) -> None:
    today(small_model, inbox, cwd=tmp_path)
    page = page_of(tmp_path / "today.html")
    assert page.xpath("//@src | //link") == []
    assert [address for address in page.xpath("//@href") if not address.startswith("#")] == []
    (script,) = page.xpath("//script")
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src '{script_digest(script.text)}'"
    assert f"Talks {HOSTILE}" in words(page)


def test_a_page_in_the_folder_itself_is_not_read_the_next_time(small_model: Path, inbox: Path) -> None:
    first, second = (today(small_model, ".", cwd=inbox) for _ in range(2))
    assert first.stdout == second.stdout
    assert "6 sources: 4 read" in second.stdout
    third = today(small_model, ".", "--output", "another.html", cwd=inbox)
    assert "7 sources: 4 read" in third.stdout
    page = page_of(inbox / "another.html")
    assert "today.html: a page that topics today has made is not read" in words(page)


def test_a_source_is_not_written_over(small_model: Path, inbox: Path) -> None:
    before = (inbox / "a.txt").read_bytes()
    done = today(small_model, inbox / "a.txt", "--output", inbox / "a.txt")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {inbox}/a.txt: is the same file as the source")
    assert (inbox / "a.txt").read_bytes() == before


def test_standard_output_gets_the_page_alone(small_model: Path, inbox: Path) -> None:
    done = today(small_model, inbox / "a.txt", "--output", "-")
    assert (done.returncode, done.stderr) == (0, f"{ONE}\n")
    assert done.stdout.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "no SOURCES, --url or --feed"),
        (["-", "--output", "-", "--open"], "--open needs a file, not standard output"),
    ],
)
def test_wrong_uses_are_told(small_model: Path, tmp_path: Path, arguments: list[str], error: str) -> None:
    done = today(small_model, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert error in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["empty", "inbxo"])
def test_nothing_to_read_leaves_the_page_that_is_there(small_model: Path, tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "today.html").write_text("yesterday's")
    done = today(small_model, source, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: nothing to show: no article was read"
    assert (tmp_path / "today.html").read_text() == "yesterday's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "today.html"]


def test_a_table_that_is_read_in_part_is_one_source(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        f'text,title,date\n"{MINE}",Field,2026-03-01\n,Empty,\n"{TALKS}",Talks,\n ,Empty,\n'
    )
    before = datetime.now(UTC)
    done = today(small_model, "t.csv", cwd=tmp_path)
    collected = [f"collected {moment:%Y-%m-%d}" for moment in (before, datetime.now(UTC))]
    assert done.returncode == 1
    assert done.stdout.startswith(
        "today.html: 1 source: 0 read (2 articles), 1 not, or not to the end. 2 of 2 stories"
    )
    page = page_of(tmp_path / "today.html")
    assert str(tmp_path) not in words(page)
    days = {story.get("data-title"): story.get("data-day") for story in page.xpath("//article[@id]")}
    assert days["Field"] == "2026-03-01"
    assert days["Talks"] in collected
    assert len(days) == 2


def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(small_model: Path, inbox: Path) -> None:
    done = today(small_model, inbox / "broken.docx", "--output", "/proc/x.html")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: /proc/x.html: cannot be written")
    assert today(small_model, inbox, "--output", inbox).returncode == 2


def test_feeds_and_their_pages_are_read_too(small_model: Path, tmp_path: Path) -> None:
    with press.press() as site:
        site.put("/field", press.page("A field is cleared", MINE, MEAL, TALKS))
        site.put("/rss", press.feed("Courier", ("A field is cleared", f"{site.url}/field", MEAL)))
        done = today(small_model, "--feed", f"{site.url}/rss", "--full-text", "--allow-private", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page = page_of(tmp_path / "today.html")
    assert [words(text) for text in page.xpath("//p[@class='text']")] == [MINE, TALKS]
    assert page.xpath("//p[@class='facts']//a/@href") == [f"{site.url}/field"]


@pytest.mark.skipif(os.name != "posix", reason="BROWSER names a program")
def test_the_page_is_shown_in_the_browser(small_model: Path, inbox: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\n')
    browser.chmod(0o700)
    done = today(small_model, inbox / "a.txt", "--open", cwd=tmp_path, env={"BROWSER": f"{browser} %s"})
    assert done.returncode == 0
    assert (tmp_path / "shown").read_text().strip() == (tmp_path / "today.html").as_uri()
