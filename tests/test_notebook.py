"""The notebook in docs/ runs from its first cell to its last, as a reader would run it."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


def test_the_notebook_runs_and_shows_what_it_says() -> None:
    notebook = nbformat.read(ROOT / "docs/tour.ipynb", as_version=4)
    waits = {"timeout": 600, "iopub_timeout": 120, "startup_timeout": 300}
    NotebookClient(notebook, **waits, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = "\n".join(
        output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    )
    for words in ("mine_action", "precision", "micro_f1", "p_value", "(bias)", "contribution"):
        assert words in shown
    assert "[mine_action, peace_process]" in shown  # paragraph 6 of the readout
