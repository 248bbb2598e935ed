"""Make the pictures in this folder anew, from the model in models/: run by `make screenshots`.

Beside each picture lies the text of its page; a test compares it with what a model trained on today's data
shows, so that an old picture is noticed. Those of the archive have none: one paragraph that is labelled otherwise
would change half the numbers on them.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from pipeline.archive.database import open_archive
from pipeline.archive.write import Entry, load_model, put
from pipeline.config import read_examples, read_topics
from pipeline.data import corpus
from pipeline.predict.article import bundle_path
from pipeline.schema import Article

HERE = Path(__file__).parent
TOPICS = [sys.executable, "-m", "pipeline"]
WIDE, NARROW = 1200, 390
PAGES = {"page": "/?example=1", "model": "/model", "label": "/label"}
ANNOTATOR = "Ada"
LABELS = HERE.parent / "data/articles"
OUTLETS = ("The Courier", "Evening Post", "Harbour Times", "Gazette")
FIRST_DAY, DAYS, ARTICLES = date(2026, 3, 1), 28, 168
LAST_DAYS = "2026-03-27"
ARCHIVE_PAGES = {
    "today": f"/today?since={LAST_DAYS}&until=2026-03-28",
    "timeline": "/timeline?topic=mine_action&topic=cybersecurity",
    "article": "/article/{article}",
}
UNSHOWN = {"head", "script", "style", "template", "svg"}


class ShownText(HTMLParser):
    """Collect the words of a page that a reader sees, without scripts, styles and icons."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._unshown = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Stop collecting in what is not shown."""
        self._unshown += tag in UNSHOWN

    def handle_endtag(self, tag: str) -> None:
        """Go on behind it."""
        self._unshown -= tag in UNSHOWN

    def handle_data(self, data: str) -> None:
        """Collect."""
        if not self._unshown and data.strip():
            self.words.append(" ".join(data.split()))


def text_of(html: str) -> str:
    """Return the shown text of a page, a line a piece; of the page on the model, its terms alone.

    Metrics of the model and the digests of its run are left out: every training changes them.
    """
    parser = ShownText()
    parser.feed(html)
    lines = parser.words
    if "Strongest terms" in lines:
        lines = lines[lines.index("Strongest terms") :]
    return "\n".join(lines) + "\n"


def write_report(model: Path, folder: Path) -> Path:
    """Predict on the label set's examples, as one HTML file."""
    article, report = folder / "article.md", folder / "report.html"
    text = "\n\n".join(example.text for example in read_examples(HERE.parent / "configs/topics.yaml"))
    article.write_text(f"# A week in the region\n\n{text}", encoding="utf-8")
    command = [*TOPICS, "predict", article.name, "--output", report.name, "--model", str(model.resolve())]
    subprocess.run(command, cwd=folder, check=True)
    return report


def write_queue(annotations: Path) -> None:
    """Put the paragraphs of the label set's examples on the queue of the labelling page."""
    texts = [
        text
        for example in read_examples(HERE.parent / "configs/topics.yaml")
        for text in example.text.split("\n\n")
    ]
    rows = [{"text": text, "article": "week", "paragraph": place} for place, text in enumerate(texts)]
    lines = "".join(f"{json.dumps({**row, 'title': 'A week in the region'})}\n" for row in rows)
    queue = annotations.with_name("queue.jsonl")
    queue.write_text(lines, encoding="utf-8")
    subprocess.run([*TOPICS, "annotations", "add", queue, "--annotations", annotations], check=True)


def texts(url: str, report: Path) -> dict[str, str]:
    """Return the text of each pictured page, by the picture's name.

    Parameters
    ----------
    url : str
        Of a running service.
    report : Path
        As `write_report` returns it.

    Returns
    -------
    dict of str to str

    """
    found = {"report": text_of(report.read_text(encoding="utf-8"))}
    for name, path in PAGES.items():
        asked = urllib.request.Request(f"{url}{path}", headers={"cookie": f"annotator={ANNOTATOR}"})
        with urllib.request.urlopen(asked, timeout=30) as page:
            found[name] = text_of(page.read().decode("utf-8"))
    return found


def differences(pictured: str, shown: str, *, tolerance: float = 0.02) -> list[str]:
    """List the lines of two texts that differ by more than the last digit of a number.

    Lines that have only moved are the same: two terms of nearly one weight change places.

    Parameters
    ----------
    pictured, shown : str
    tolerance : float, default 0.02
        Difference of two numbers that the libraries of another machine may make; one in the last digit at least.

    Returns
    -------
    list of str
        Empty where the texts are the same.

    """
    before, now = pictured.splitlines(), shown.splitlines()
    if len(before) != len(now):
        return [f"{len(before)} lines, now {len(now)}"]
    gone, come = ((Counter(one) - Counter(other)).elements() for one, other in ((before, now), (now, before)))
    lines = zip(gone, come, strict=True)
    return [f"{old!r}, now {new!r}" for old, new in lines if not _same(old, new, tolerance)]


def _same(old: str, new: str, tolerance: float) -> bool:
    number = r"[<>]?(\d+\.\d+)"  # a score beyond the last digit shown is one that is not far from it
    before, after = re.split(number, old), re.split(number, new)
    if before[::2] != after[::2]:
        return False
    return all(
        abs(float(a) - float(b)) <= max(tolerance, 1.1 * 10.0 ** -len(a.partition(".")[2]))
        for a, b in zip(before[1::2], after[1::2], strict=True)
    )


def picture(
    browser: Browser,
    address: str,
    name: str,
    *,
    width: int,
    scheme: str,
    hover: bool = False,
    whole: bool = True,
    keys: str = "",
) -> None:
    """Take one picture of a page, whole or as much as a screen shows."""
    page = browser.new_page(viewport={"width": width, "height": 800 if whole else 1000}, color_scheme=scheme)
    if address.startswith("http"):
        page.context.add_cookies([{"name": "annotator", "value": ANNOTATOR, "url": address}])
    page.goto(address)
    if hover:
        page.locator(".paragraph").nth(1).hover()
    for key in keys:
        page.keyboard.press(key)
    page.screenshot(path=HERE / f"{name}.png", full_page=whole)
    page.close()


def printed() -> Iterator[tuple[str, Article]]:
    """Yield articles written for this project with their outlets, as if four papers printed them in a month."""
    topics = [topic.id for topic in read_topics(HERE.parent / "configs/topics.yaml")]
    rows, _ = corpus.read_labelled(sorted(LABELS.glob("n0*.jsonl")), topics)
    written = [list(found) for _, found in groupby(rows, key=lambda row: row.article)]
    for place, paragraphs in enumerate([found for found in written if found[0].title][:ARTICLES]):
        text = "\n\n".join(row.text for row in paragraphs)
        day = (FIRST_DAY + timedelta(days=place * DAYS // ARTICLES)).isoformat()
        for outlet in OUTLETS[place % 4 :][: 1 + (place % 5 == 0)]:
            address = f"https://{outlet.split()[-1].lower()}.example/{place}"
            yield outlet, Article(address, text, paragraphs[0].title, day)


def write_archive(model: Path, path: Path) -> int:
    """Collect a month.

    Parameters
    ----------
    model : Path
    path : Path

    Returns
    -------
    int
        An article about mine action.

    """
    used = load_model(bundle_path(model))
    with open_archive(path, create=True) as database:
        for outlet, article in printed():
            day = article.date or ""
            entry = Entry(article, article.source, outlet, day, dated=True, address=article.source)
            put(database, entry, used, collected=f"{day}T06:00:00+00:00")
        found = "SELECT article FROM hits WHERE topic = 'mine_action' GROUP BY article ORDER BY count(*) DESC"
        return int(database.execute(found).fetchone()[0])


def write_day(model: Path, folder: Path) -> Path:
    """Make one page of the month's last two days."""
    rows = [
        {
            "text": article.text,
            "title": article.title,
            "date": article.date,
            "outlet": outlet,
            "url": article.source,
        }
        for outlet, article in printed()
        if (article.date or "") >= LAST_DAYS
    ]
    table = folder / "articles.jsonl"
    table.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    command = [*TOPICS, "today", table.name, "--model", str(model.resolve())]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "today.html"


def take_pictures(url: str, report: Path, article: int, day: Path) -> None:
    """Look at the service and the report with a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        picture(browser, f"{url}{PAGES['page']}", "page", width=WIDE, scheme="light", hover=True)
        picture(browser, f"{url}{PAGES['page']}", "page-narrow-dark", width=NARROW, scheme="dark")
        picture(browser, f"{url}{PAGES['label']}", "label", width=WIDE, scheme="light")
        picture(browser, f"{url}{PAGES['model']}", "model", width=WIDE, scheme="light")
        for name, path in ARCHIVE_PAGES.items():
            picture(browser, url + path.format(article=article), name, width=WIDE, scheme="light", whole=False)
        picture(browser, day.as_uri(), "one-page", width=WIDE, scheme="light", whole=False, keys="jqjqx")
        picture(browser, report.as_uri(), "report", width=WIDE, scheme="light")
        picture(browser, report.as_uri(), "report-narrow-dark", width=NARROW, scheme="dark")
        browser.close()


def main() -> None:
    """Start a service, write a report, and look at both."""
    with tempfile.TemporaryDirectory() as folder:
        report = write_report(Path("models"), Path(folder))
        write_queue(Path(folder) / "annotations.sqlite3")
        article = write_archive(Path("models"), Path(folder) / "archive.sqlite3")
        command = [*TOPICS, "serve", "--port", "0", "--annotations", f"{folder}/annotations.sqlite3"]
        command += ["--archive", f"{folder}/archive.sqlite3"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            url = service.stderr.readline().split()[-1] if service.stderr else ""
            take_pictures(url, report, article, write_day(Path("models"), Path(folder)))
            for name, text in texts(url, report).items():
                (HERE / f"{name}.txt").write_text(text, encoding="utf-8")
            service.terminate()


if __name__ == "__main__":
    main()
