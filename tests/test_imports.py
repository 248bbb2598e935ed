import re
from pathlib import Path

import pytest
from test_install import PROJECT, ROOT, imported, names

from pipeline.imports import copy_closure, import_closure
from pipeline.tracking import _SERVING

PYFUNC = ROOT / "pipeline" / "pyfunc.py"
HEAVY = {"cli", "config.py", "data", "evaluation", "files.py", "report", "serve", "steps", "tracking.py"}


def package(folder: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        (folder / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "made" / name).write_text(source, encoding="utf-8")
    return folder / "made" / "begin.py"


def found(module: Path) -> list[str]:
    return [file.as_posix() for file in import_closure(module)]


@pytest.mark.parametrize(
    "statement",
    [
        "import made.parts.one",
        "import made.parts.one as other",
        "from made.parts import one",
        "from made.parts.one import name",
        "def later():\n    from made.parts.one import name",
        "try:\n    from made.parts import one\nexcept ImportError:\n    one = None",
        "if TYPE_CHECKING:\n    import made.unused\nelse:\n    import made.parts.one",
    ],
)
def test_a_module_needs_what_it_imports_in_any_way(tmp_path: Path, statement: str) -> None:
    files = {
        "__init__.py": "",
        "begin.py": statement,
        "parts/__init__.py": "",
        "parts/one.py": "",
        "unused.py": "",
    }
    assert found(package(tmp_path, files)) == ["__init__.py", "begin.py", "parts/__init__.py", "parts/one.py"]


def test_what_is_needed_is_followed_in_circles_and_through_packages(tmp_path: Path) -> None:
    files = {
        "__init__.py": "if TYPE_CHECKING:\n    from made.unused import name",
        "begin.py": "import json, numpy, maker.unused\nfrom made.a import name",
        "a.py": "from made.parts import one",
        "parts/__init__.py": "from made import b",
        "parts/one.py": "import made.a",
        "b.py": "",
        "unused.py": "",
    }
    expected = ["__init__.py", "a.py", "b.py", "begin.py", "parts/__init__.py", "parts/one.py"]
    assert found(package(tmp_path, files)) == expected


def test_a_compiled_module_does_not_travel(tmp_path: Path) -> None:
    made = package(tmp_path, {"__init__.py": "", "begin.py": "from made import fast", "fast.so": ""})
    assert found(made) == ["__init__.py", "begin.py"]


def test_the_copy_has_the_closure_alone(tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "begin.py": "import made.parts.one",
        "parts/__init__.py": "",
        "parts/one.py": "x = 1",
    }
    made = package(tmp_path / "source", {**files, "unused.py": "", "parts/data.txt": ""})
    copy = copy_closure(made, tmp_path / "copy")
    assert copy == tmp_path / "copy" / "made"
    assert {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()} == set(files)
    assert (copy / "parts" / "one.py").read_text("utf-8") == "x = 1"


def test_the_served_model_carries_no_command_and_no_training() -> None:
    closure = import_closure(PYFUNC)
    assert {file.parts[0] for file in closure} & HEAVY == set()
    assert {"model/scorer.py", "text/fallback.py", "schema.py"} <= {file.as_posix() for file in closure}
    assert Path("model/classifier.py") not in closure


def test_the_served_model_requires_what_its_modules_import() -> None:
    needed = {name for file in import_closure(PYFUNC) for name in imported(PYFUNC.parent / file)}
    assert needed == set(_SERVING)
    known = names(PROJECT["dependencies"]) | names(PROJECT["optional-dependencies"]["train"])
    assert {re.sub("_", "-", name) for name in needed} <= known
