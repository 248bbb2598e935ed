"""MLflow's own page on the runs, of a real server in a real browser: what a person sees of a run."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import support
from conftest import TrainedExperiment
from playwright.sync_api import Page, expect, sync_playwright
from ports import free_port
from test_page_in_browser import CHROMIUM

pytestmark = pytest.mark.skipif(
    not CHROMIUM and os.environ.get("CI") != "true",
    reason="no browser: apt-get install chromium, or name one in CHROMIUM",
)
_SLOW = 60_000  # milliseconds: MLflow's page is large


@pytest.fixture(scope="module")
def address(trained: TrainedExperiment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run `topics ui` and return the address that it prints, once the server answers."""
    log = tmp_path_factory.mktemp("ui") / "log"
    command = support.command("ui", "--config", trained.experiment.config_file, "--port", free_port())
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, env=support.ENVIRONMENT, stdout=file, stderr=file, start_new_session=True
        ) as process,
    ):
        try:
            yield printed_address(log, process)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def printed_address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        if found := re.search(r"^training runs: (http://\S+)$", log.read_text(), re.MULTILINE):
            try:
                urlopen(f"{found[1].partition('#')[0]}health", timeout=5).close()
                return found[1]
            except (URLError, OSError):
                pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert CHROMIUM, "CI needs a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_page(viewport={"width": 1400, "height": 900})
        made.set_default_timeout(_SLOW)
        yield made
        browser.close()


def test_the_printed_address_shows_the_runs_and_the_description_leads_to_a_report_whose_contents_work(
    address: str, page: Page
) -> None:
    page.goto(address)
    page.get_by_role("link", name="first run, 120 rows").first.click(timeout=_SLOW)
    expect(page.get_by_text("It passed its gate")).to_be_visible(timeout=_SLOW)
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Report", exact=True).click()
    expect(opened.value).to_have_url(re.compile(r"/artifacts/report\.html$"), timeout=_SLOW)
    report = opened.value.frame_locator("iframe")
    for name in ("Calibration", "Worst errors", "Verdict"):
        report.get_by_role("navigation").get_by_role("link", name=name).click(timeout=_SLOW)
        expect(report.get_by_role("heading", name=name, exact=True)).to_be_in_viewport(ratio=1)
        report.get_by_role("navigation").evaluate("element => element.scrollIntoView()")
