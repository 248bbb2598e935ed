"""Break the code on purpose, one place at a time, and see whether its tests notice: run by `make mutation`.

Cosmic Ray makes the mutants. Each module is judged by the tests named for it here, in a copy of the project and in
forks of a process that has the libraries loaded: starting Python for each mutant would take three times as long.
Results are kept in build/mutation, so a second start resumes; a module that changed, or whose tests did,
starts anew.
"""

import argparse
import compileall
import contextlib
import difflib
import gc
import hashlib
import importlib
import multiprocessing
import os
import py_compile
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosmic_ray.work_item import MutationSpec, WorkResult

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build/mutation"
ACCEPTED = ROOT / "tests/mutation_accepted.txt"
GOAL = 0.9
LIBRARIES = (  # loaded once for all mutants of a module, since that takes longer than most tests
    "hypothesis",
    "matplotlib.figure",
    "mlflow.pyfunc",
    "optuna",
    "pydantic",
    "pytest",
    "safetensors.numpy",
    "sklearn.utils.estimator_checks",
)
MODULES = (
    "pipeline/model/*.py",
    "pipeline/evaluation/*.py",
    "pipeline/data/split.py",
    "pipeline/data/corpus.py",
    "pipeline/steps/*.py",
)
TESTS = {  # where the tests of a module are not tests/test_<module>.py alone; the fastest come first
    "container": ["container", "bundle"],
    "classifier": ["classifier", "scorer"],
    "experiment": ["train"],
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
# Places where a mutant breaks nothing that a test could see; `|` stands before what is mutated.
PLACES = (
    r"@dataclass\(.*=\|True",  # no code assigns to a field, the type checker sees to it; slots save memory
    r"\|\*,",  # of a signature, no product: the type checker holds callers to passing by name
    r"\bzip\(.*\bstrict=\|True",  # asserts lengths equal by construction; `aggregate` tests its caller's
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
    compileall.compile_dir(
        place / "pipeline", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
    )


def session_of(module: Path, tree: Path = ROOT) -> Path:
    """Return the file of a module's session, named by the content of module and tests in a copy of the project."""
    content = b"".join((tree / path).read_bytes() for path in [module, *tests_of(module)])
    digest = hashlib.sha256(content + repr((EXCLUDED, PLACES)).encode()).hexdigest()[:12]
    return FOLDER / f"{'.'.join(module.with_suffix('').parts)}-{digest}.sqlite"


def mutate(module: Path, trees: "SimpleQueue[Path]", deadline: float) -> Outcome:
    """Judge the mutants of a module until the deadline, in a process that runs in a copy of the project."""
    tree, began = trees.get(), time.monotonic()
    session = session_of(module, tree)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tree}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHONDONTWRITEBYTECODE": "1",  # a mutant of the same second and size would run from the last one's cache
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # importing those that nothing here uses takes two seconds
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": "1",
    }
    options = ["--session", str(session), "--seconds", str(deadline - began)]
    try:
        if deadline > began:
            command = [sys.executable, "tests/mutation.py", str(module), *options]
            done = subprocess.run(command, cwd=tree, env=environment, check=False)
            if done.returncode:
                raise SystemExit(f"{module}: cannot be judged")
    finally:
        trees.put(tree)
    return read(module, session, time.monotonic() - began)


def judge(module: Path, session: Path, deadline: float) -> None:
    """Judge the mutants that are left in a session, in the copy of the project that this process runs in."""
    from cosmic_ray.work_db import WorkDB, use_db

    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # pytest collects garbage often, and what the libraries hold is none
    if not session.exists():
        list_mutants(module, session)
    with use_db(session, WorkDB.Mode.open) as database:
        left, before = list(database.pending_work_items), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        if left and not passes(module, limit=600):
            raise SystemExit(f"{module}: its tests fail without a mutation")
        limit = 10 + 5 * int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
        for item in left:
            if time.monotonic() < deadline:
                database.set_result(item.job_id, tried(item.mutations[0], limit))


def list_mutants(module: Path, session: Path) -> None:
    """Begin a session with the mutants that are not excluded."""
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    code, made = module.read_text(encoding="utf-8").splitlines(), session.with_suffix(".new")
    with use_db(made, WorkDB.Mode.create) as database:
        init([module], database, {})
        for item in list(database.pending_work_items):
            name, (row, column) = item.mutations[0].operator_name, item.mutations[0].start_pos
            place = f"{code[row - 1][:column]}|{code[row - 1][column:]}"
            if re.match("|".join(EXCLUDED), name) or re.search("|".join(PLACES), place):
                database.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED))
    made.rename(session)


def tried(mutation: "MutationSpec", limit: int) -> "WorkResult":
    """Run the tests of a module with one mutation."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    try:
        with use_mutation(mutation.module_path, operator, mutation.occurrence) as (code, mutated):
            survived = passes(mutation.module_path, limit=limit)
    except AttributeError:  # Cosmic Ray cannot replace an exception with a dotted name
        return WorkResult(WorkerOutcome.SKIPPED)
    diff = "\n".join(difflib.unified_diff(code.splitlines(), mutated.splitlines(), lineterm=""))
    outcome = TestOutcome.SURVIVED if survived else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, test_outcome=outcome, diff=diff)


def passes(module: Path, *, limit: int) -> bool:
    """Run the tests of a module in a fork, which has the libraries loaded.

    They fail where they compute for more than `limit` seconds, or wait for more than ten times as long: on a busy
    machine a mutant is not killed by the others' work.
    """
    process = multiprocessing.get_context("fork").Process(target=run_tests, args=(tests_of(module), limit))
    process.start()
    assert process.pid
    try:
        process.join(10 * limit)
        return process.exitcode == 0
    finally:
        with contextlib.suppress(ProcessLookupError):  # it and all that it started have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


def run_tests(files: list[str], limit: int) -> None:
    """Run test files quietly, in a process group of their own, and exit as pytest does."""
    import pytest

    os.setpgrp()
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    sys.exit(pytest.main(["-x", "-q", "-p", "xdist", "-n", "0", "-p", "no:cacheprovider", *files]))


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
    parser.add_argument("--session", type=Path, help="Judge one module here, for a session; no summary")
    chosen = parser.parse_args()
    deadline = time.monotonic() + chosen.seconds
    if chosen.session:
        return judge(Path(chosen.patterns[0]), chosen.session, deadline)
    trees: SimpleQueue[Path] = SimpleQueue()
    for number in range(chosen.workers):
        make_tree(FOLDER / f"tree{number}")
        trees.put(FOLDER / f"tree{number}")
    with ThreadPoolExecutor(chosen.workers) as pool:
        outcomes = list(pool.map(lambda module: mutate(module, trees, deadline), modules(chosen.patterns)))
    text, reached = summary(outcomes)
    print(text)
    sys.exit(not reached)


if __name__ == "__main__":
    main()
