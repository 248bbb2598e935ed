"""The page in a real browser. Where there is none the tests are skipped, except in CI, where they fail."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from serving import ARTICLE, Service, serving
from test_pages import HOSTILE

from pipeline.data.documents import articles_in
from pipeline.model.bundle import load_bundle
from pipeline.predict.article import predict
from pipeline.predict.output import rendered
from pipeline.schema import Article

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
LOOKS = [("light", 1280), ("dark", 390)]
expect.set_options(timeout=30_000)  # for all tests in a browser, which all import this file; milliseconds

pytestmark = pytest.mark.skipif(
    not CHROMIUM and os.environ.get("CI") != "true",
    reason="no browser: apt-get install chromium, or name one in CHROMIUM",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "CI needs a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def own_service(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(small_model, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, own_service: Service) -> Iterator[Page]:
    """Open the first page without corrections; what the console tells, or the network refuses, fails the test."""
    for row in own_service.ask("/v1/corrections").json():
        assert own_service.ask("/v1/corrections/undo", {"id": row["id"]}).status == 204
    with browser.new_context(
        base_url=own_service.url, permissions=["clipboard-read", "clipboard-write"]
    ) as context:
        opened = context.new_page()
        told: list[str] = []
        opened.on("console", lambda message: told.append(message.text))
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.goto("/")
        yield opened
        assert told == []


def pasted(page: Page, text: str) -> None:
    page.get_by_label("Paste an article").fill(text)
    expect(page.locator("#result .paragraph")).to_have_count(text.count("\n\n") + 1)


def test_a_pasted_article_is_coloured_without_a_click(page: Page) -> None:
    pasted(page, ARTICLE)
    first = page.locator(".paragraph").first
    expect(first.get_by_role("button", name="Mine action")).to_have_attribute("aria-pressed", "true")
    expect(first.locator(".u", has_text="landmines")).to_be_visible()
    expect(page.locator("[data-count=mine_action]")).to_have_text("1")


def test_pointer_and_tab_explain_a_paragraph(page: Page) -> None:
    pasted(page, ARTICLE)
    page.locator(".paragraph").nth(1).hover()
    expect(page.locator("#explanation caption")).to_contain_text("Peace process")
    page.locator(".paragraph").first.get_by_role("button", name="Mine action").focus()
    expect(page.locator("#explanation caption")).to_contain_text("Mine action")


def test_a_threshold_changes_what_is_given_and_can_be_put_back(page: Page) -> None:
    pasted(page, ARTICLE)
    page.get_by_label("Threshold of Peace process").fill("0.01")
    expect(page.locator("[data-count=peace_process]")).not_to_have_text("1")
    expect(page.locator(".paragraph.changed")).not_to_have_count(0)
    expect(page.locator("#moved")).to_contain_text("changed")
    page.get_by_role("button", name="Reset thresholds").click()
    expect(page.locator("[data-count=peace_process]")).to_have_text("1")
    expect(page.locator(".paragraph.changed")).to_have_count(0)


def test_an_operating_point_predicts_anew_and_moves_the_thresholds(page: Page, own_service: Service) -> None:
    points = {topic["id"]: topic["thresholds"] for topic in own_service.ask("/v1/topics").json()["topics"]}
    pasted(page, ARTICLE)
    for point in ("precision", "recall"):
        with page.expect_request("**/fragment") as asked:
            page.get_by_label("Operating point").select_option(point)
        assert f'name="threshold"\r\n\r\n{point}\r\n' in str(asked.value.post_data)
        slider = page.get_by_label("Threshold of Mine action")
        expect(slider).to_have_value(f"{points['mine_action'][point]:.2f}")
        assert float(str(slider.get_attribute("data-model"))) == points["mine_action"][point]
        rows = own_service.ask("/v1/predict", {"article": ARTICLE, "threshold": point}).json()["predictions"]
        count = sum("mine_action" in row["topics"] for row in rows)
        expect(page.locator("[data-count=mine_action]")).to_have_text(str(count))


def test_a_click_on_a_topic_is_saved_as_a_correction(page: Page, own_service: Service) -> None:
    pasted(page, ARTICLE)
    paragraph = page.locator(".paragraph").nth(2)
    paragraph.hover()
    paragraph.get_by_role("button", name="Mine action").click()
    expect(page.locator("#status")).to_have_text("Saved for paragraph 3: mine_action.")
    kept = own_service.ask("/v1/corrections").json()[0]
    assert (kept["text"], kept["model_topics"], kept["person_topics"]) == (
        ARTICLE.split("\n\n")[2],
        [],
        ["mine_action"],
    )
    page.goto("/corrections")
    expect(page.get_by_role("cell", name=kept["text"], exact=True)).to_be_visible()


def test_a_correction_is_shown_again_has_a_name_and_can_be_taken_back(page: Page, own_service: Service) -> None:
    page.get_by_label("Your name").fill("Zoë; D")
    pasted(page, ARTICLE)
    paragraph = page.locator(".paragraph").nth(1)
    paragraph.hover()
    paragraph.get_by_role("button", name="Peace process").click()
    expect(paragraph.locator(".state")).to_have_text("corrected by Zoë; D")
    assert own_service.ask("/v1/corrections").json()[0]["annotator"] == "Zoë; D"
    page.goto("/")
    expect(page.get_by_label("Your name")).to_have_value("Zoë; D")
    pasted(page, ARTICLE)
    expect(paragraph.locator(".state")).to_have_text("corrected by Zoë; D")
    expect(paragraph.get_by_role("button", name="Peace process")).to_have_attribute("aria-pressed", "false")
    paragraph.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_text("Taken back.")
    expect(paragraph.get_by_role("button", name="Peace process")).to_have_attribute("aria-pressed", "true")
    expect(paragraph.locator(".state")).to_be_hidden()


def test_a_threshold_that_was_only_played_with_is_no_label(page: Page, own_service: Service) -> None:
    article = ARTICLE.replace("Lunch", "Supper")  # of which nobody has saved a correction
    pasted(page, article)
    for topic in ("Peace process", "Mine action"):
        page.get_by_label(f"Threshold of {topic}").fill("0.01")
    third = page.locator(".paragraph").nth(2)
    peace = third.get_by_role("button", name="Peace process")
    expect(peace).to_have_attribute("aria-pressed", "true")
    third.hover()
    third.get_by_role("button", name="Mine action").click()
    expect(page.locator("#status")).to_have_text("Saved for paragraph 3: no topic.")
    row = own_service.ask("/v1/corrections").json()[0]
    assert (row["text"], row["model_topics"], row["person_topics"]) == (article.split("\n\n")[2], [], [])
    expect(peace).to_have_attribute("aria-pressed", "false")


def test_an_answer_can_be_copied_and_downloaded(page: Page) -> None:
    pasted(page, ARTICLE)
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("#status")).to_have_text("Copied.")
    assert len(json.loads(page.evaluate("navigator.clipboard.readText()"))["predictions"]) == 3
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    assert waiting.value.suggested_filename == "topics.csv"


def test_a_dropped_file_is_read(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        f"<html><body><article><p>{ARTICLE.replace(chr(10) * 2, '</p><p>') * 5}</p></article></body></html>"
    )
    page.locator("#file").set_input_files(file)
    expect(page.locator("#result .paragraph").first).to_contain_text("Sappers")


def test_files_are_shown_beside_the_text_and_can_be_removed(page: Page, tmp_path: Path) -> None:
    pasted(page, ARTICLE)
    for name, text in (("b.txt", "Peace talks went on."), ("c.md", "# A title\n\nLunch was served.")):
        (tmp_path / name).write_text(text)
    page.locator("#file").set_input_files([tmp_path / "b.txt", tmp_path / "c.md"])
    expect(page.locator("#result h2")).to_have_text(["This article", "b.txt", "A title"])
    expect(page.get_by_label("Paste an article")).to_have_value(ARTICLE)
    page.get_by_role("button", name="Copy as JSON").click()
    expect(page.locator("#status")).to_have_text("Copied.")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))["predictions"]
    assert [row["source"] for row in copied] == ["article"] * 3 + ["b.txt"] + ["c.md"] * 2
    page.get_by_role("button", name="Remove files").click()
    expect(page.locator("#result h2")).to_have_text(["This article"])
    expect(page.get_by_role("button", name="Remove files")).to_be_hidden()


def test_a_correction_belongs_to_its_own_article(page: Page, own_service: Service, tmp_path: Path) -> None:
    pasted(page, ARTICLE)
    (tmp_path / "b.txt").write_text("Talks about talks.\n\nPeace talks went on.")
    page.locator("#file").set_input_files(tmp_path / "b.txt")
    second = page.locator("#result .article").nth(1)
    second.locator(".paragraph").nth(1).hover()
    second.locator(".paragraph").nth(1).get_by_role("button", name="Mine action").click()
    expect(page.locator("#status")).to_contain_text("Saved for paragraph 2")
    kept = own_service.ask("/v1/corrections").json()[0]
    key = hashlib.sha256(b"Talks about talks.\n\nPeace talks went on.").hexdigest()[:16]
    assert (kept["article"], kept["paragraph"], kept["text"]) == (key, 1, "Peace talks went on.")


def test_dropped_files_are_chosen(page: Page) -> None:
    page.evaluate("""() => {
        const files = new DataTransfer();
        files.items.add(new File(["Peace talks went on."], "b.txt"));
        document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
    }""")
    expect(page.locator("#result h2")).to_have_text(["b.txt"])


def test_all_dropped_files_are_read_and_each_that_cannot_be_is_named(page: Page) -> None:
    mail = "From: A Desk <desk@example.org>\r\nSubject: Talks\r\n\r\nPeace talks went on.\r\n"
    page.evaluate(
        """mail => {
        const files = new DataTransfer();
        const add = (name, ...parts) => files.items.add(new File(parts, name));
        add("a.txt", "Sappers cleared landmines.");
        add("b.bin", new Uint8Array([0, 1, 2]));
        add("feed.xml", "<rss version='2.0'><channel><item><title>An entry</title>"
            + "<description>Peace talks.</description></item></channel></rss>");
        add("c.eml", mail);
        add("d.txt", new Uint8Array([0x63, 0xe9]));
        document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
    }""",
        mail,
    )
    expect(page.locator("#result h2")).to_have_text(["a.txt", "An entry", "Talks"])
    expect(page.locator("#result .problem")).to_have_count(2)
    expect(page.locator("#result .problem").first).to_contain_text("b.bin: binary")
    expect(page.locator("#result .problem").last).to_contain_text("d.txt: not UTF-8")


HITS = (
    "Sappers cleared landmines beside the bridge, and demining goes on.\n\n"
    "The sides met for peace talks by the lake and agreed on a ceasefire.\n\n"
    "Supper was served in the garden, and the orchestra played."
)
LONG = "\n\n".join([*(f"Lunch {number} was served." for number in range(10)), HITS, HITS])


def number_of_stops(page: Page, container: str) -> int:
    return int(
        page.locator(container).evaluate(
            "element => [...element.querySelectorAll('a, button, summary, input, [tabindex]')]"
            ".filter(one => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true })).length"
        )
    )


def test_keys_lead_from_one_paragraph_with_a_topic_to_the_next(page: Page) -> None:
    pasted(page, LONG)
    focused = page.locator(".paragraph:focus")
    page.get_by_label("Paste an article").press("End")
    page.get_by_label("Paste an article").press("j")  # typed, not obeyed
    expect(page.locator(".paragraph .text").last).to_have_text(re.compile("j$"))  # the answers to it are there
    expect(focused).to_have_count(0)
    page.get_by_label("Paste an article").blur()
    for key, number in (("j", 10), ("n", 11), ("j", 13), ("k", 11), ("p", 10), ("k", 10), ("ArrowUp", 9)):
        page.keyboard.press(key)
        expect(focused).to_have_attribute("data-paragraph", str(number))
    expect(focused).to_be_in_viewport()
    expect(page.locator(".keys")).to_be_visible()


def test_a_long_article_is_few_stops_of_the_tab_key(page: Page) -> None:
    pasted(page, LONG)
    assert number_of_stops(page, "#result") <= 6
    page.get_by_label("Paste an article").blur()
    page.keyboard.press("j")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("data-topic", "mine_action")
    assert number_of_stops(page, "#result") <= 6


def report_of(model: Path, path: Path, *articles: Article) -> Path:
    bundle = load_bundle(model / "champion.safetensors")
    rows = [predict(article, bundle, explained=True) for article in articles]
    path.write_bytes(b"".join(rendered(rows, "html", bundle.topics, width=80, style=lambda text, _: text)))
    return path


def test_the_written_report_has_the_keys_too(browser: Browser, small_model: Path, tmp_path: Path) -> None:
    articles = Article("a.txt", LONG), Article("b.txt", "Lunch."), Article("c.txt", ARTICLE)
    report = report_of(small_model, tmp_path / "report.html", *articles)
    with browser.new_context() as context:
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.goto(report.as_uri())
        page.locator("details.fold").last.evaluate("element => element.open = false")
        for _ in range(5):
            page.keyboard.press("j")
        expect(page.locator(".paragraph:focus")).to_contain_text("Sappers")
        expect(page.locator("details.fold").last).to_have_attribute("open", "")
        assert number_of_stops(page, "#articles") <= 6
        assert told == []


def test_several_articles_print_their_paragraphs_with_a_topic_and_all_when_asked(
    browser: Browser, small_model: Path, tmp_path: Path
) -> None:
    report = report_of(
        small_model, tmp_path / "report.html", Article("a.txt", ARTICLE), Article("b.txt", "The choir sang.")
    )
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(report.as_uri())
        (brief,) = articles_in(page.pdf(), "printed.pdf")
        page.get_by_label("Print articles whole").check()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        (whole,) = articles_in(page.pdf(), "printed.pdf")
    assert "Sappers" in brief.text
    assert "orchestra" not in brief.text
    assert "choir" not in brief.text
    assert "orchestra" in whole.text
    assert "choir" in whole.text


def test_a_chosen_file_can_be_downloaded_without_javascript(
    browser: Browser, own_service: Service, tmp_path: Path
) -> None:
    (tmp_path / "b.txt").write_text("Peace talks went on.")
    with browser.new_context(base_url=own_service.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.locator("#file").set_input_files(tmp_path / "b.txt")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="Download JSON lines").click()
        (row,) = waiting.value.path().read_text("utf-8").splitlines()
        assert (json.loads(row)["source"], json.loads(row)["text"]) == ("b.txt", "Peace talks went on.")


def test_the_page_works_below_a_path(browser: Browser, small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path, "--root-path", "/topics") as running, browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(running.url)
        pasted(page, ARTICLE)
        page.locator(".paragraph").nth(2).get_by_role("button", name="Mine action").click()
        expect(page.locator("#status")).to_contain_text("Saved for paragraph 3")
        page.get_by_role("link", name="Corrections").click()
        expect(page.get_by_role("cell", name="Lunch was served").first).to_be_visible()
        page.get_by_role("link", name="Model").click()
        expect(page.get_by_role("heading", name="The model in use")).to_be_visible()
        assert len(asked) > 6
        assert [url for url in asked if not url.startswith(running.url)] == []


def test_hostile_text_stays_text(page: Page) -> None:
    page.get_by_label("Paste an article").fill(HOSTILE)
    expect(page.locator("#result .text")).to_have_text(HOSTILE)
    assert page.locator("#result img, #result script").count() == 0


def test_the_basic_path_works_without_javascript(browser: Browser, own_service: Service) -> None:
    with browser.new_context(base_url=own_service.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Paste an article").fill(ARTICLE)
        page.get_by_role("button", name="Show topics").click()
        expect(page.locator("#result .paragraph")).to_have_count(3)
        expect(page.locator(".paragraph").first.get_by_text("Mine action").first).to_be_visible()
        assert page.get_by_role("slider").count() == 0


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_accessible_and_fit(
    browser: Browser, own_service: Service, small_model: Path, tmp_path: Path, look: tuple[str, int]
) -> None:
    scheme, width = look
    bundle = load_bundle(small_model / "champion.safetensors")
    rows = predict(Article("a.txt", ARTICLE, "A title"), bundle, explained=True)
    report = tmp_path / "report.html"
    report.write_bytes(b"".join(rendered([rows], "html", bundle.topics, width=80, style=lambda text, _: text)))
    own_service.ask("/v1/corrections", {"text": "A text", "topics": ["mine_action"]})
    viewport = {"width": width, "height": 900}
    with browser.new_context(
        base_url=own_service.url, color_scheme=scheme, viewport=viewport, bypass_csp=True
    ) as context:
        page = context.new_page()
        for path in (
            "/?example=0",
            "/bookmarklet",
            "/bookmarklet/receive",
            "/model",
            "/corrections",
            "/docs",
            report.as_uri(),
        ):
            page.goto(path)
            for details in page.locator("details").all():
                details.evaluate("element => element.open = true")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_report_prints_every_paragraph(browser: Browser, small_model: Path, tmp_path: Path) -> None:
    bundle = load_bundle(small_model / "champion.safetensors")
    report = tmp_path / "report.html"
    rows = predict(Article("a.txt", ARTICLE), bundle, explained=True)
    report.write_bytes(b"".join(rendered([rows], "html", bundle.topics, width=80, style=lambda text, _: text)))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(report.as_uri())
        (printed,) = articles_in(page.pdf(), "printed.pdf")
    for paragraph in ARTICLE.split("\n\n"):
        assert paragraph.split()[0] in printed.text
