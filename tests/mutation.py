"""Break the code on purpose, one place at a time, and see whether its tests notice: run by `make mutation`.

Cosmic Ray makes the mutants. Each module is judged by the tests named for it here, in a copy of the project.
Results are kept in build/mutation, so a second start resumes; a module that changed, or whose tests did,
starts anew.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build/mutation"
ACCEPTED = ROOT / "tests/mutation_accepted.txt"
GOAL = 0.9
_FILTER = "cosmic_ray.tools.filters.operators_filter"
MODULES = (
    "pipeline/model/*.py",
    "pipeline/evaluation/*.py",
    "pipeline/data/split.py",
    "pipeline/data/corpus.py",
    "pipeline/steps/*.py",
)
TESTS = {  # where the tests of a module are not tests/test_<module>.py alone
    "baselines": ["baselines", "metrics"],
    "behaviour": ["behaviour", "behaviour_cases"],
    "classifier": ["classifier", "calibration", "thresholds"],
    "compare": ["compare"],
    "container": ["container", "bundle"],
    "estimates": ["estimates", "evaluate"],
    "evaluate": ["evaluate", "gate"],
    "experiment": ["train", "classifier"],
    "linear": ["classifier", "scorer"],
    "tables": ["evaluation_tables"],
}
# One replacement for each operator, and its neighbour for each comparison: the others die by the same test. Most
# `|` stand in annotations.
EXCLUDED = (
    r"core/ReplaceBinaryOperator_(?!(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|BitAnd_BitOr)$)",
    r"core/ReplaceComparisonOperator_(?!(Eq_NotEq|NotEq_Eq|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Is_IsNot|IsNot_Is)$)",
    r"core/ReplaceUnaryOperator_(?!(USub_UAdd|Delete_Not|Delete_Invert)$)",
    r"core/Variable",
)


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed; `code` is its line, mutated."""

    module: str
    line: int
    code: str

    @property
    def key(self) -> tuple[str, str]:
        """What an accepted survivor is known by: its code, since lines move."""
        return self.module, self.code


@dataclass(frozen=True)
class Outcome:
    """Of one module: mutants judged and left, and those that survived."""

    module: str
    judged: int
    left: int
    survivors: list[Survivor]
    seconds: float


def tests_of(module: Path) -> list[str]:
    """Return the test files of a module."""
    names = TESTS.get(module.stem, [module.stem])
    return [f"tests/test_{name}.py" for name in names if (ROOT / f"tests/test_{name}.py").exists()]


def modules(patterns: Iterable[str]) -> list[Path]:
    """Return the modules to mutate, those without tests included: all of their mutants survive."""
    found = [path for pattern in patterns for path in sorted(ROOT.glob(pattern)) if path.name != "__init__.py"]
    return [path.relative_to(ROOT) for path in found]


def make_tree(place: Path) -> None:
    """Copy what the tests need, the compiled kernel included."""
    shutil.rmtree(place, ignore_errors=True)
    for folder in ("pipeline", "tests", "configs", "docs", "data/behaviour"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    for file in ("pyproject.toml", "data/CODEBOOK.md"):
        shutil.copy(ROOT / file, place / file)


def session_of(module: Path) -> Path:
    """Return the file of a module's session, named by the content of module and tests."""
    content = b"".join((ROOT / path).read_bytes() for path in [module, *tests_of(module)])
    digest = hashlib.sha256(content + repr(EXCLUDED).encode()).hexdigest()[:12]
    return FOLDER / f"{'.'.join(module.with_suffix('').parts)}-{digest}.sqlite"


def start(module: Path, session: Path, tree: Path, environment: dict[str, str]) -> Path:
    """Run the tests on the module as it is, and list its mutants; return the session's config."""
    config = session.with_suffix(".toml")
    if session.exists():
        return config
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "xdist", "-n", "0", "-p", "no:cacheprovider"]
    command += tests_of(module)
    began = time.monotonic()
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{module}: its tests fail without a mutation\n{done.stdout[-2000:]}")
    limit = 5 * (time.monotonic() - began) + 10
    excluded = ", ".join(f"'{pattern}'" for pattern in EXCLUDED)
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {limit:.0f}\nexcluded-modules = []\n'
        f"test-command = '{' '.join(command)}'\n[cosmic-ray.distributor]\nname = \"local\"\n"
        f"[cosmic-ray.filters.operators-filter]\nexclude-operators = [{excluded}]\n",
        encoding="utf-8",
    )
    made = session.with_suffix(".new")
    for step in (["cosmic_ray.cli", "init", config, made], [_FILTER, made, config]):
        command = [sys.executable, "-m", *map(str, step)]
        subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)
    made.rename(session)
    return config


def mutate(module: Path, trees: "SimpleQueue[Path]", deadline: float) -> Outcome:
    """Judge the mutants of a module until the deadline."""
    tree, session, began = trees.get(), session_of(module), time.monotonic()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tree}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",  # a mutant of the same second and size would run from the last one's cache
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # importing those that nothing here uses takes two seconds
        "OMP_NUM_THREADS": "1",
    }
    try:
        if deadline > began:
            config = start(module, session, tree, environment)
            command = [sys.executable, "-m", "cosmic_ray.cli", "exec", str(config), str(session)]
            subprocess.run(command, cwd=tree, env=environment, timeout=deadline - began, check=False)
    except subprocess.TimeoutExpired:
        shutil.copy(ROOT / module, tree / module)
    finally:
        trees.put(tree)
    return read(module, session, time.monotonic() - began)


def read(module: Path, session: Path, seconds: float) -> Outcome:
    """Read what a session knows."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome

    if not session.exists():
        return Outcome(str(module), 0, 0, [], seconds)
    with use_db(session, WorkDB.Mode.open) as database:
        judged, survivors = 0, []
        for item, result in database.completed_work_items:
            if result.test_outcome is None:  # left out by the filter
                continue
            judged += 1
            if result.test_outcome is TestOutcome.SURVIVED:
                changed = [line[1:].strip() for line in (result.diff or "").splitlines() if line.startswith("+")]
                survivors.append(Survivor(str(module), item.mutations[0].start_pos[0], " ".join(changed[1:])))
        left = len(list(database.pending_work_items))
    return Outcome(str(module), judged, left, survivors, seconds)


def accepted() -> Iterator[tuple[str, str]]:
    """Read the survivors that are accepted, each with its reason."""
    for line in ACCEPTED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, code, reason = line.split(" || ")
            assert reason.strip(), line
            yield module, code


def summary(outcomes: list[Outcome]) -> tuple[str, bool]:
    """Say what was killed and what survived, and whether all is judged and the goal reached."""
    known = set(accepted())
    lines, judged, surviving = [], 0, 0
    for outcome in outcomes:
        counted = [survivor for survivor in outcome.survivors if survivor.key not in known]
        excused = len(outcome.survivors) - len(counted)
        judged, surviving = judged + outcome.judged - excused, surviving + len(counted)
        lines.append(
            f"{outcome.module}: {outcome.judged - len(outcome.survivors)} killed, {len(counted)} survived, "
            f"{excused} accepted, {outcome.left} left, {outcome.seconds:.0f} s"
        )
        lines += [f"    {outcome.module}:{one.line} || {one.code}" for one in counted]
    left = sum(outcome.left for outcome in outcomes)
    share = 1 - surviving / judged if judged else 0.0
    lines.append(f"{judged - surviving} of {judged} killed ({share:.1%}), {surviving} survived, {left} left")
    return "\n".join(lines), share >= GOAL and not left


def main() -> None:
    """Mutate the modules that the arguments name, until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="*", default=MODULES)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    trees: SimpleQueue[Path] = SimpleQueue()
    for number in range(chosen.workers):
        make_tree(FOLDER / f"tree{number}")
        trees.put(FOLDER / f"tree{number}")
    deadline = time.monotonic() + chosen.seconds
    with ThreadPoolExecutor(chosen.workers) as pool:
        outcomes = list(pool.map(lambda module: mutate(module, trees, deadline), modules(chosen.patterns)))
    text, reached = summary(outcomes)
    print(text)
    sys.exit(not reached)


if __name__ == "__main__":
    main()
