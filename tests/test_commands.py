"""The page of commands is what `--help` prints, and help is quick to come."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_of_commands_is_what_help_prints() -> None:
    program = "import runpy; print(runpy.run_path('commands.py')['content'](), end='')"
    done = subprocess.run([sys.executable, "-c", program], cwd=DOCS, capture_output=True, text=True, check=True)
    assert done.stdout == (DOCS / "commands.md").read_text(encoding="utf-8"), "run: python docs/commands.py"
