"""The core predicts alone, extras declare what their code imports, and a missing extra is one line."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import support
from test_word import p as paragraph
from test_word import word_file

from pipeline.archive.database import open_archive

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
CORE = {"click", "jinja2", "numpy"}
OTHERS = {  # the extras of folders and files; what is not named here needs `train` alone
    "archive/digest/": ["digest"],
    "archive/": ["parquet"],
    "cli/": [],
    "__main__.py": [],
    "data/addresses.py": ["documents"],
    "data/readers/": ["documents"],
    "data/web.py": ["documents"],
    "labelling/formats/": ["documents", "train"],
    "predict/frame.py": ["train"],
    "predict/language.py": ["language"],
    "predict/tables/": ["documents", "parquet"],
    "predict/cluster/": ["dask", "parquet"],
    "predict/excel.py": ["documents"],
    "predict/": ["parquet"],
    "serve/": ["serve"],
}
ALONE = """
import importlib.abc
import sys

class CoreOnly(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {allowed} and not top.startswith("_"):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, CoreOnly())
from pipeline.__main__ import main
main(prog_name="topics")
""".format(allowed=CORE | {"markupsafe", "pipeline"})


def alone(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line where only the core is installed."""
    command = [sys.executable, "-c", ALONE, *map(str, arguments)]
    environment = {**support.ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[\[<>=]", requirement)[0].lower().replace("_", "-") for requirement in requirements}
    return found - {"paragraph-topics"}


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports itself, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"pipeline", "bench", "docs"}


def test_the_core_has_three_packages() -> None:
    assert names(PROJECT["dependencies"]) == CORE


@pytest.mark.parametrize("folder", ["pipeline", "bench"])
def test_every_import_is_declared_where_it_is_used(folder: str) -> None:
    packages = packages_distributions()
    for path in (ROOT / folder).rglob("*.py"):
        name = path.relative_to(ROOT / folder).as_posix()
        extras = next((extras for prefix, extras in OTHERS.items() if name.startswith(prefix)), ["train"])
        extras = extras if folder == "pipeline" else ["train", "bench", "embeddings"]
        declared = CORE.union(*(names(EXTRAS[extra]) for extra in extras))
        for module in imported(path):
            known = {package.lower().replace("_", "-") for package in packages.get(module, [module])}
            known |= {f"{module}-wheel", module.replace("_", "-")}
            assert known & declared, f"{path}: {module}"


@pytest.mark.parametrize("form", ["text", "jsonl", "csv", "html"])
def test_the_core_predicts(form: str, small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text("Sappers cleared mines.\n\nThe team won.", encoding="utf-8")
    arguments = ["predict", "article.txt", "--format", form, "--model", small_model]
    found, expected = alone(*arguments, cwd=tmp_path), support.run(*arguments, cwd=tmp_path)
    assert (found.returncode, found.stderr, found.stdout) == (0, "", expected.stdout)
    assert "Sappers" in found.stdout


def test_the_core_reads_word_documents(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(word_file(paragraph("Sappers cleared mines.")))
    done = alone("predict", "a.docx", "--format", "csv", "--model", small_model, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Sappers cleared mines." in done.stdout


def test_the_core_predicts_on_tables(small_model: Path, tmp_path: Path) -> None:
    support.write_rows(tmp_path / "rows.jsonl", [{"text": "Sappers cleared mines."}])
    done = alone("predict", "rows.jsonl", "--format", "csv", "--model", small_model, cwd=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr


def test_the_core_writes_digests_and_names_the_extra_of_the_others(tmp_path: Path) -> None:
    with open_archive(tmp_path / "archive.sqlite3", create=True):
        pass
    for form in ("text", "md", "html", "csv", "json", "eml", "atom"):
        done = alone("digest", "--archive", "archive.sqlite3", "--format", form, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "Nothing new in this period.\n")
    for form in ("docx", "xlsx"):
        done = alone("digest", "--archive", "archive.sqlite3", "--format", form, cwd=tmp_path)
        expected = f"error: writing {form.upper()} needs: pip install 'paragraph-topics[digest]'\n"
        assert (done.returncode, done.stdout, done.stderr) == (1, "", expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "topics train needs: pip install 'paragraph-topics[train]'"),
        (["evaluate"], "topics evaluate needs: pip install 'paragraph-topics[train]'"),
        (["evaluate", "--data", "rows.jsonl"], "topics evaluate needs: pip install 'paragraph-topics[train]'"),
        (["compare", "a", "b"], "topics compare needs: pip install 'paragraph-topics[train]'"),
        (["learning-curve"], "topics learning-curve needs: pip install 'paragraph-topics[train]'"),
        (["search"], "topics search needs: pip install 'paragraph-topics[train]'"),
        (["reproduce", "a"], "topics reproduce needs: pip install 'paragraph-topics[train]'"),
        (["statistics"], "topics statistics needs: pip install 'paragraph-topics[train]'"),
        (["ui"], "topics ui needs: pip install 'paragraph-topics[train]'"),
        (["queue", "a.txt"], "topics queue needs: pip install 'paragraph-topics[train]'"),
        (["serve"], "topics serve needs: pip install 'paragraph-topics[serve]'"),
        (["predict", "a.html"], "a.html: reading HTML needs: pip install 'paragraph-topics[documents]'"),
        (["predict", "a.rss"], "a.rss: reading RSS or Atom needs: pip install 'paragraph-topics[documents]'"),
        (["predict", "a.pdf"], "a.pdf: reading PDF needs: pip install 'paragraph-topics[documents]'"),
        (["predict", "--url", "http://127.0.0.1:9"], "--url needs: pip install 'paragraph-topics[documents]'"),
        (["predict", "a.parquet"], "reading Parquet needs: pip install 'paragraph-topics[parquet]'"),
        (["predict", "a.xlsx"], "reading XLSX needs: pip install 'paragraph-topics[documents]'"),
        (["predict", "a.csv.zst"], "reading zstd needs: pip install 'paragraph-topics[parquet]'"),
        (
            ["predict", "a.txt", "--format", "parquet"],
            "writing Parquet needs: pip install 'paragraph-topics[parquet]'",
        ),
        (
            ["predict", "rows.jsonl", "--scheduler", "local", "--output", "out"],
            "--scheduler needs: pip install 'paragraph-topics[dask]'",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_missing_extra_is_one_line(
    arguments: list[str], message: str, small_model: Path, tmp_path: Path
) -> None:
    for suffix in ("html", "rss", "pdf", "parquet", "txt"):
        (tmp_path / f"a.{suffix}").write_text("<p>The mines.</p>", encoding="utf-8")
    support.write_rows(tmp_path / "rows.jsonl", [{"text": "The mines.", "topics": []}])
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04xl/workbook.xml")
    (tmp_path / "a.csv.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    model = ["--model", small_model] if arguments[0] == "predict" else []
    done = alone(*arguments, *model, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (1, f"error: {message}\n", "")
