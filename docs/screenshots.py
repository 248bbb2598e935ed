"""Make the pictures in this folder anew, from the model in models/: run by `make screenshots`."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from pipeline.serve.pages import EXAMPLES

HERE = Path(__file__).parent
TOPICS = [sys.executable, "-m", "pipeline"]
WIDE, NARROW = 1200, 390


def picture(browser: Browser, address: str, name: str, *, width: int, scheme: str, hover: bool = False) -> None:
    """Take one picture of a whole page."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(address)
    if hover:
        page.locator(".paragraph").nth(1).hover()
    page.screenshot(path=HERE / f"{name}.png", full_page=True)
    page.close()


def main() -> None:
    """Start a service, write a report, and look at both."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        article, report = Path(folder) / "article.md", Path(folder) / "report.html"
        article.write_text(
            "# A week in the region\n\n" + "\n\n".join(text for _, text in EXAMPLES), encoding="utf-8"
        )
        subprocess.run(
            [
                *TOPICS,
                "predict",
                article.name,
                "--format",
                "html",
                "--output",
                report.name,
                "--model",
                str(Path("models").resolve()),
            ],
            cwd=folder,
            check=True,
        )
        command = [*TOPICS, "serve", "--port", "0", "--corrections", f"{folder}/corrections.sqlite3"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            url = service.stderr.readline().split()[-1] if service.stderr else ""
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            picture(browser, f"{url}/?example=1", "page", width=WIDE, scheme="light", hover=True)
            picture(browser, f"{url}/?example=1", "page-narrow-dark", width=NARROW, scheme="dark")
            picture(browser, f"{url}/model", "model", width=WIDE, scheme="light")
            picture(browser, report.as_uri(), "report", width=WIDE, scheme="light")
            picture(browser, report.as_uri(), "report-narrow-dark", width=NARROW, scheme="dark")
            browser.close()
            service.terminate()


if __name__ == "__main__":
    main()
