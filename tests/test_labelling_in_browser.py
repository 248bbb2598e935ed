"""Labelling and review in a real browser, by keyboard and touch; skipped without one, as the first page is."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from serving import Service, serving
from test_label_page import CODEBOOK, LUNCH, MINES, TALKS
from test_page_in_browser import LOOKS, browser, pytestmark  # noqa: F401
from test_review_page import SUSPECT

from pipeline.labelling import store
from pipeline.labelling.task import Annotation, Task


@pytest.fixture
def own(small_model: Path, tmp_path: Path) -> Iterator[Service]:
    shutil.copy(small_model / "champion.safetensors", tmp_path)
    (tmp_path / "CODEBOOK.md").write_text(CODEBOOK)
    (tmp_path / "label_issues.jsonl").write_text(json.dumps(SUSPECT) + "\n")
    tasks = [Task(text, "x", place) for place, text in enumerate((MINES, TALKS, LUNCH))]
    store.add(tmp_path / "annotations.sqlite3", tasks)
    with serving(tmp_path, tmp_path, "--codebook", str(tmp_path / "CODEBOOK.md")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, own: Service) -> Iterator[Page]:  # noqa: F811
    """Open a page; whatever the console tells fails the test."""
    with browser.new_context(base_url=own.url) as context:
        opened = context.new_page()
        told: list[str] = []
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.on("console", lambda message: told.append(message.text))
        yield opened
        assert told == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def begin(page: Page, name: str = "Ada") -> None:
    """Give a name by keyboard alone, however many links stand before its field."""
    page.goto("/label")
    field = page.locator("[name=annotator]")
    for _ in range(30):
        if field.evaluate("field => field === document.activeElement"):
            break
        press(page, "Tab")
    expect(field).to_be_focused()
    page.keyboard.type(name)
    press(page, "Enter")
    expect(page.locator("#paragraph")).to_be_visible()


def kept(service: Service, text: str) -> Task:
    found = store.find(service.folder / "annotations.sqlite3", Task(text).id)
    assert found
    return found


def test_the_queue_is_labelled_by_keyboard_alone(page: Page, own: Service) -> None:
    begin(page)
    expect(page.locator("#paragraph")).to_have_text(MINES)
    press(page, "n", "1", "d", "c")
    page.keyboard.type("1 or 2, says n")
    press(page, "Escape", "?")
    expect(page.get_by_role("heading", name="The model suggests")).to_be_visible()
    expect(page.get_by_label("Mine action")).to_be_checked()
    expect(page.get_by_label("None of them")).not_to_be_checked()
    press(page, "Enter")
    expect(page.locator("#paragraph")).to_have_text(TALKS)
    said = kept(own, MINES).latest["Ada"]
    assert (said.topics, said.doubtful, said.comment) == (("mine_action",), True, "1 or 2, says n")
    assert (said.suggested, said.model) == (("mine_action",), "run-one")
    press(page, "s")
    expect(page.locator("#paragraph")).to_have_text(LUNCH)
    press(page, "u")
    expect(page.locator("#paragraph")).to_have_text(TALKS)
    press(page, "2", "1", "1", "Enter")
    expect(page.locator("#paragraph")).to_have_text(LUNCH)
    assert kept(own, TALKS).latest["Ada"].topics == ("peace_process",)
    press(page, "n", "Enter")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()
    expect(page.locator("#progress")).to_have_text("3 of 3 by Ada")
    assert kept(own, LUNCH).latest["Ada"].suggested is None


def test_single_keys_can_be_switched_off_and_stay_so(page: Page) -> None:
    begin(page)
    page.get_by_label("Single keys").uncheck()
    page.reload()
    expect(page.get_by_label("Single keys")).not_to_be_checked()
    press(page, "1", "s")
    expect(page.locator("#paragraph")).to_have_text(MINES)
    expect(page.get_by_label("Mine action")).not_to_be_checked()


def test_a_list_is_reviewed_by_keyboard_alone(page: Page, own: Service) -> None:
    path = own.folder / "annotations.sqlite3"
    for text in (MINES, TALKS, LUNCH):
        store.annotate(path, Task(text), Annotation("Ada", ("mine_action",)))
    begin_as = {"name": "annotator", "value": "Di", "url": own.url}
    page.context.add_cookies([begin_as])
    page.goto("/review")
    expect(page.locator(".item")).to_have_count(3)
    press(page, "j", "j", "2", "1", "Enter")
    expect(page.locator(".item")).to_have_count(2)
    decision = kept(own, TALKS).decision
    assert decision
    assert (decision.reviewer, decision.topics) == ("Di", ("peace_process",))
    press(page, "a")
    expect(page.locator(".item")).to_have_count(1)
    press(page, "x")
    expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
    decisions = [kept(own, text).decision for text in (MINES, LUNCH)]
    assert [found.topics if found else "open" for found in decisions] == [("mine_action",), None]
    page.goto("/review?show=decided")
    press(page, "u")
    expect(page.locator(".item")).to_have_count(2)
    page.goto("/review?show=suspects")
    press(page, "b")
    expect(page.get_by_text("all are decided")).to_be_visible()
    decision = kept(own, MINES).decision
    assert decision
    assert decision.topics == ("mine_action",)


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_accessible_and_fit(browser: Browser, own: Service, look: tuple[str, int]) -> None:  # noqa: F811
    scheme, width = look
    path = own.folder / "annotations.sqlite3"
    store.annotate(path, Task(LUNCH), Annotation("Bo", (), comment="a word", doubtful=True))
    store.annotate(path, Task(LUNCH), Annotation("Cy", ("mine_action",)))
    with browser.new_context(
        base_url=own.url, color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    ) as context:
        page = context.new_page()

        def check(where: str) -> None:
            for details in page.locator("details").all():
                details.evaluate("element => element.open = true")
            found = Axe().run(page)
            assert found.violations_count == 0, f"{where}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where

        page.goto("/label")
        check("without a name")
        page.get_by_label("Your name").fill("Ada")
        press(page, "Enter")
        expect(page.locator("#paragraph")).to_be_visible()
        check("/label")
        press(page, "Enter")
        expect(page.get_by_role("alert")).to_contain_text("Not saved")
        press(page, "?")
        expect(page.get_by_role("heading", name="The model suggests")).to_be_visible()
        check("suggestion")
        for show in ("open", "disagreeing", "suspects", "decided"):
            page.goto(f"/review?show={show}")
            check(show)


def test_a_phone_labels_by_touch(browser: Browser, own: Service) -> None:  # noqa: F811
    with browser.new_context(
        base_url=own.url, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto("/label")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button", name="Start").tap()
        page.get_by_label("Mine action").tap()
        save = page.get_by_role("button", name="Save")
        expect(save).to_be_in_viewport()
        box = save.bounding_box()
        assert box
        assert box["height"] >= 44
        save.tap()
        expect(page.locator("#paragraph")).to_have_text(TALKS)
        assert kept(own, MINES).latest["Ada"].topics == ("mine_action",)
