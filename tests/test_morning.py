"""An analyst's morning, by the commands of the docs: forty articles and a feed become a page, a brief and a mail.

And a paragraph that is corrected on the page comes back as training data. The model is trained on a part of the
corpus; every command is a process of its own, with real HTTP and SMTP.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import feedparser
import numpy as np
import pytest
import support
import yaml
from docx import Document
from lxml import html
from newsroom import Newsroom, corpus_article
from press import press
from serving import Service, serving
from test_delivery import Mailbox, mail_server

from pipeline.config import read_config, read_topics
from pipeline.data import corpus
from pipeline.model.bundle import Bundle, save_bundle
from pipeline.steps.experiment import fit

ROOT = Path(__file__).parents[1]
NOTIFIED = ("early", "notify", "late")
STYLES = ("Heading 1", "Heading 3", "Quote", "Normal")


@dataclass
class Morning:
    """What the commands printed until nine, the mails that came, and the service at work."""

    folder: Path
    newsroom: Newsroom
    printed: dict[str, Any]
    mails: list[Any]
    service: Service


def small_experiment(folder: Path) -> Path:
    """Train on 1,200 paragraphs of the corpus, and put the model where the commands look for it."""
    (folder / "articles").mkdir(parents=True)
    for batch in ("p0", "p1", "p2", "n17"):
        shutil.copy(ROOT / f"data/articles/{batch}.jsonl", folder / "articles")
    shutil.copy(ROOT / "configs/topics.yaml", folder)
    settings = support.changed(support.settings(folder), {"data.test": {"day": {"writers": ["n17"]}}})
    config_file = folder / "config.yaml"
    config_file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    config, topics = read_config(config_file), read_topics(folder / "topics.yaml")
    split = corpus.read_split(config, [topic.id for topic in topics])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting workers takes longer than these folds
        trained = fit(config, split.train, topics, lambda done, total: None)
    seen = np.unique(corpus.text_digests(row.text for row in trained.rows))
    bundle = Bundle(trained.model.scorer(trained.ids), topics, seen, {"most_frequent": "", "run_id": "small"})
    (folder / "models").mkdir()
    save_bundle(folder / "models/champion.safetensors", bundle)
    return config_file


def day_that_lasts() -> date:
    """Return the day in UTC; where it ends within five minutes, wait for the next one."""
    now = datetime.now(UTC)
    later = now + timedelta(minutes=5)
    if later.date() != now.date():
        time.sleep(301 - 60 * later.minute - later.second)
    return datetime.now(UTC).date()


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """Do what the docs say, in their order: collect, keep a view, collect a feed, be told, make briefs."""
    folder = tmp_path_factory.mktemp("desk")
    small_experiment(folder)
    newsroom, box, printed = Newsroom(day_that_lasts()), Mailbox(), {}
    newsroom.write(folder / "inbox")

    def run(name: str, *arguments: object) -> None:
        printed[name] = support.run(*arguments, cwd=folder, env={"TZ": "UTC"})

    with press() as site, mail_server(box) as port:
        feed = ("collect", "--feed", newsroom.publish(site), "--full-text", "--allow-private")
        notify = ("notify", "--smtp", f"smtp+plain://127.0.0.1:{port}", "--sender", "news@example.org")
        run("collect", "collect", "inbox")
        run("again", "collect", "inbox")
        run("view", "views", "add", "Cyber and mines", "--topic", "cybersecurity", "--topic", "mine_action")
        time.sleep(1)  # what came within the second in which somebody asks to be told is new
        run("told", "views", "update", "cyber-and-mines", "--notify", "mailto:desk@example.org")
        run("early", *notify)
        run("feed", *feed)
        run("notify", *notify)
        run("same feed", *feed)
        run("late", *notify)
    for ending in ("docx", "atom"):
        run(ending, "digest", "--since", newsroom.yesterday, "--output", f"brief.{ending}")
    with serving(folder / "models", folder) as service:
        yield Morning(folder, newsroom, printed, box.mails, service)


STORIES = {  # by title, the outlets of each in the order of their coming; those of one outlet are not listed
    "Crude slides on truce hopes": ["Morning Herald", "inbox", "Potomac Daily", "Market Post", "Evening Wire"],
    "Gaza: pause from Friday": ["Morning Herald", "inbox", "Gulf Courier", "World Wire"],
    "Two children wounded by a mine near Doboj": ["Morning Herald", "Balkan Monitor", "Manila Post"],
    "Colombo without power for 13 hours": ["County News", "Morning Herald", "Island Mail"],
    "Gas storage at a record after winter": ["Climate Desk", "inbox"],
}


def page(morning: Morning, path: str) -> html.HtmlElement:
    reply = morning.service.ask(path)
    assert reply.status == 200, reply.body
    return html.fromstring(reply.body.decode())


def shown_text(element: html.HtmlElement, path: str) -> str:
    return " ".join(element.xpath(f"string({path})").split())


def test_the_folder_is_collected_and_what_cannot_be_read_is_told(morning: Morning) -> None:
    done = morning.printed["collect"]
    assert done.stdout == (
        "30 read, 2 not (inbox/broken.docx, inbox/scan.pdf); "
        "40 articles: 40 new, 0 changed, 0 unchanged; 12 are copies\n"
    )
    assert done.stderr.splitlines() == [
        "note: inbox: 32 to read, 1 left out: .jpg (1)",
        "error: inbox/broken.docx: not a valid DOCX: damaged or cut short: File is not a zip file",
        "error: inbox/scan.pdf: PDF has no text; run OCR on a scan first",
    ]
    again = morning.printed["again"]
    assert (done.returncode, again.returncode) == (1, 1)
    assert again.stdout.endswith("; 40 articles: 0 new, 0 changed, 40 unchanged\n")


def test_the_feed_brings_two_stories_and_a_copy_once(morning: Morning) -> None:
    first, again = morning.printed["feed"], morning.printed["same feed"]
    assert first.stdout == "1 read, 0 not; 3 articles: 3 new, 0 changed, 0 unchanged; 1 is a copy\n"
    assert again.stdout == "1 read, 0 not; 3 articles: 0 new, 0 changed, 3 unchanged\n"
    assert (first.stderr, again.stderr) == ("", "")


def test_today_has_each_story_once_with_its_outlets(morning: Morning) -> None:
    stories: list[str] = []
    grouped: dict[str, list[str]] = {}
    for number in (1, 2):
        shown = page(morning, f"/today?since={morning.newsroom.yesterday}&page={number}")
        for story in shown.xpath("//article[contains(@class, 'story')]"):
            stories.append(shown_text(story, ".//h3"))
            if copies := story.xpath(".//ul[@class='copies']/li"):
                outlets = [copy.text.split("\u00b7")[0].strip() for copy in copies]
                grouped[stories[-1]] = list(dict.fromkeys(outlets))
    assert len(stories) == len(set(stories)) == 29  # of 30, one has no paragraph with a topic
    assert grouped == STORIES
    assert {
        "Print spooler flaw gets an emergency fix",
        "Onions at 45 rupees",
        "Darfur talks to resume in Abuja",
    } <= {*stories}
    newest = page(morning, "/today")
    assert shown_text(newest, "//h1").startswith("Today ")
    assert "Gaza: pause from Friday" not in newest.xpath("//h3/a/text()")  # of yesterday


def test_search_finds_a_word_in_every_format(morning: Morning) -> None:
    found = page(morning, "/search?words=ceasefire+Israel")
    assert found.xpath("//h3/a/text()") == ["Crude slides on truce hopes"]
    sources = found.xpath("//ul[@class='copies']/li/span[@class='quiet']/text()")
    assert sources == ["oil-3.txt", "oil-4.docx", "oil-5.eml"]
    assert page(morning, "/timeline").xpath("//svg/@aria-label")


def test_a_view_tells_of_what_is_new_in_one_mail_and_not_in_two(morning: Morning) -> None:
    ends = [(name, done.returncode, done.stderr) for name, done in morning.printed.items() if name in NOTIFIED]
    assert ends == [("early", 0, ""), ("notify", 0, "told mailto:desk@example.org\n"), ("late", 0, "")]
    (mail,) = morning.mails
    message = message_from_bytes(mail.content, policy=policy.default)
    body = message.get_body(("plain",))
    assert (mail.mail_from, mail.rcpt_tos) == ("news@example.org", ["desk@example.org"])
    assert message["Subject"].startswith("Cyber and mines: new on ")
    assert body is not None
    told = body.get_content()
    assert "2 stories in 2 articles of 1 outlet." in told
    assert "* Guerrillas attack two villages" in told
    assert "* What customers of Orion should know" in told
    assert "Oil" not in told  # its story was there before


def test_the_brief_in_word_has_each_story_once_with_its_sources(morning: Morning) -> None:
    assert morning.printed["docx"].stderr == "29 stories in 42 articles of 16 outlets.\n"
    brief = Document(str(morning.folder / "brief.docx"))
    texts = {style: [p.text for p in brief.paragraphs if p.style.name == style] for style in STYLES}
    assert texts["Heading 1"] == ["Mine action", "COP29", "Energy security", "Peace process", "Cybersecurity"]
    assert len(texts["Heading 3"]) == len(set(texts["Heading 3"])) == 29
    assert (
        corpus_article("t6-006")[0] in texts["Quote"]
    )  # the paragraph on oil, whole, and once though five print it
    assert sum(text == corpus_article("t6-006")[0] for text in texts["Quote"]) == 1
    day = f"{morning.newsroom.today:%-d %B %Y}"
    (line,) = [text for text in texts["Normal"] if text.startswith("Morning Herald,") and "Market Post" in text]
    assert f"Potomac Daily, {day}; Market Post, {day}; Evening Wire, {day}" in line


def test_the_digest_and_the_view_are_atom_feeds(morning: Morning) -> None:
    digest = feedparser.parse((morning.folder / "brief.atom").read_bytes())
    assert (digest.bozo, len(digest.entries)) == (False, 29)
    reply = morning.service.ask("/view/cyber-and-mines/atom")
    feed = feedparser.parse(reply.body)
    assert (feed.bozo, feed.feed.title) == (False, "Cyber and mines")
    titles = {entry.title for entry in feed.entries}
    assert {"What customers of Orion should know", "Clearing Laos, one village at a time"} <= titles
    assert "Council agrees its line for Baku" not in titles
    tag = reply.headers["etag"]
    assert morning.service.ask("/view/cyber-and-mines/atom", if_none_match=tag).status == 304


def test_a_corrected_paragraph_comes_back_as_training_data(morning: Morning) -> None:
    found = page(morning, f"/search?words=%22gold+mine%22&since={morning.newsroom.yesterday}")
    (link,) = found.xpath("//h3/a/@href")
    article = page(morning, link)
    (paragraph,) = [row for row in article.xpath("//li[@data-paragraph]") if "gold mine" in row.text_content()]
    assert paragraph.xpath(".//button[@aria-pressed='true']/@data-topic") == [
        "mine_action"
    ]  # as a model may take it
    text = paragraph.xpath("string(p)")
    correction = {
        "text": text,
        "topics": [],
        "article": article.xpath("//@data-article")[0],
        "paragraph": int(paragraph.get("data-paragraph")),
        "annotator": "Ada",
    }
    assert morning.service.ask("/v1/corrections", correction).status == 201
    shown = page(morning, link)
    assert "corrected by Ada" in shown_text(shown, f"//li[@id='{paragraph.get('id')}']")
    assert merged(morning, "--dry-run").stdout.endswith(": 0 rows would be added\n")  # nobody has decided on it
    task = page(morning, "/review").xpath("//input[@name='task']/@value")[0]
    accepted = urlencode({"annotator": "Di", "task": task, "action": "save", "accept": "[]"}).encode()
    kind = "application/x-www-form-urlencoded"
    assert morning.service.ask("/review", accepted, content_type=kind, origin=morning.service.url).status == 200
    done = merged(morning)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = support.json_lines((morning.folder / "articles/labelled.jsonl").read_text("utf-8"))
    assert (row["text"], row["topics"], row["writer_topics"], row["reader_topics"]) == (text, [], [], [])
    assert "Ada" in (morning.folder / "articles/README.md").read_text("utf-8")
    checked = support.run("check", "--config", "config.yaml", cwd=morning.folder)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "all              1201   82" in checked.stdout


def merged(morning: Morning, *options: str) -> Any:
    annotations = ("--annotations", "annotations.sqlite3")
    return support.run("merge", "--config", "config.yaml", *annotations, *options, cwd=morning.folder)
