"""Every module to mutate has tests, and what may survive is of a module, with its reason."""

from pathlib import Path

import mutation
from mutation import Outcome, Survivor, summary


def test_every_module_has_tests() -> None:
    found = mutation.modules(mutation.MODULES)
    assert {Path("pipeline/model/scorer.py"), Path("pipeline/steps/search.py")} < set(found)
    assert [module for module in found if not mutation.tests_of(module)] == []


def test_accepted_survivors_are_of_modules() -> None:
    modules = {str(module) for module in mutation.modules(mutation.MODULES)}
    assert {module for module, _ in mutation.accepted()} <= modules


def test_a_session_ends_with_the_module_that_it_judged() -> None:
    first, second = (mutation.session_of(Path(f"pipeline/model/{name}.py")) for name in ("scorer", "bundle"))
    assert first != second
    assert first == mutation.session_of(Path("pipeline/model/scorer.py"))


def test_the_summary_counts_and_names_survivors() -> None:
    survivor = Survivor("pipeline/model/scorer.py", 7, "return 2")
    text, reached = summary([Outcome("pipeline/model/scorer.py", 10, 0, [survivor], 1.0)])
    assert "pipeline/model/scorer.py:7 || return 2" in text
    assert text.endswith("9 of 10 killed (90.0%), 1 survived, 0 left")
    assert reached


def test_the_goal_is_missed_by_survivors_and_by_mutants_that_are_left() -> None:
    survivors = [Survivor("pipeline/model/scorer.py", row, f"return {row}") for row in (1, 2)]
    assert not summary([Outcome("pipeline/model/scorer.py", 10, 0, survivors, 1.0)])[1]
    assert not summary([Outcome("pipeline/model/scorer.py", 10, 1, [], 1.0)])[1]
    assert not summary([])[1]


def test_mutants_that_break_nothing_are_left_out(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "@dataclass(frozen=True)\nclass Row:\n    text: str | None\n"
        "def pairs(a, *, by=1):\n    return list(zip(a, b, strict=True)), sorted(a, reverse=True)\n",
        encoding="utf-8",
    )
    mutation.list_mutants(module, tmp_path / "session.sqlite")
    outcome = mutation.read(module, tmp_path / "session.sqlite", 0.0)
    assert (outcome.judged, outcome.left) == (0, 4)  # no decorator, 0 or 2 for 1, the other order
