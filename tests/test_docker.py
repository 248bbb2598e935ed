import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LISTING = """
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
import pipeline.__main__, pipeline.data.sources, pipeline.predict.output
from pipeline.predict.html import environment
from pipeline.serve.app import create_app
from pipeline.serve.settings import Settings
from pipeline.data.documents import articles_in
import feedparser, trafilatura, uvicorn
environment()
create_app(Settings(Path(sys.argv[1]), Path(sys.argv[1]) / "c.sqlite3"))
known = packages_distributions()
for name in {name.partition(".")[0] for name in sys.modules}:
    print(*known.get(name, ()))
"""


def test_the_image_has_every_package_that_the_service_imports(small_model: Path) -> None:
    command = [sys.executable, "-c", LISTING, str(small_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "docker" / "serve.lock").read_text(), re.MULTILINE))
    for line in done.stdout.splitlines():
        packages = {name.lower().replace("_", "-") for name in line.split()}
        assert not packages or packages & {*locked, "paragraph-topics", "setuptools"}, line
