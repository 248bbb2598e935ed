"""Reproduce: rebuild a tracked run from its commit, config and data, and compare every metric."""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import Config, as_yaml, read_config
from pipeline.errors import ReproductionError
from pipeline.store import embedded_store
from pipeline.tracking import CANDIDATE, Tracker

_COMPARED = ("cv/", "threshold/", "rows/", "fold/")
_HASHES = {"data_sha256": "training data", "test_sha256": "test split"}


def reproduce(config: Config, run: str) -> str:
    """Train again in a clean checkout of the run's commit and compare.

    Parameters
    ----------
    config : Config
        Names the tracking store.
    run : str
        A run id or an alias.

    Returns
    -------
    str
        How many metrics are equal, in one line.

    Raises
    ------
    ReproductionError
        With what differs: metrics, data, versions, or a tree that had uncommitted changes.

    """
    tracker = Tracker(config.tracking, Path(config.output))
    found = tracker.find(run)
    tags, metrics, settings = tracker.facts(found.run_id if found else run)
    commit = tags.get("git_commit", "unknown")
    if commit == "unknown":
        raise ReproductionError(
            "the run was made without a git commit: commit the project's files, then train again"
        )
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _git("clone", "--quiet", "--no-hardlinks", ".", str(tree))
        _git("-C", str(tree), "checkout", "--quiet", "--detach", commit)
        file = Path(folder) / "config.yaml"
        file.write_text(settings, encoding="utf-8")
        again_tags, again = _train(tree, file, Path(folder) / "models")
    return f"commit {commit[:12]}: all {compared(metrics, again, tags, again_tags)} metrics are equal"


def compared(
    then: Mapping[str, float], now: Mapping[str, float], then_tags: Mapping[str, str], now_tags: Mapping[str, str]
) -> int:
    """Count the metrics of a run that a second run of it equals.

    Parameters
    ----------
    then, now : mapping of str to float
        The metrics of both runs; those of training are compared.
    then_tags, now_tags : mapping of str to str
        Their commits, hashes of data and versions, which may explain a difference.

    Returns
    -------
    int

    Raises
    ------
    ReproductionError
        With the first five metrics that differ, and why they may.

    """
    names = sorted(name for name in then if name.startswith(_COMPARED))
    again = {name: now.get(name, math.nan) for name in names}
    changed = [name for name in names if not _equal(then[name], again[name])]
    if changed:
        shown = ", ".join(f"{name} {then[name]:.6f} then, {again[name]:.6f} now" for name in changed[:5])
        why = _reasons(then_tags, now_tags)
        raise ReproductionError(f"{len(changed)} of {len(names)} metrics differ ({shown}); {why}")
    return len(names)


def _train(tree: Path, file: Path, output: Path) -> tuple[Mapping[str, str], Mapping[str, float]]:
    settings = read_config(file).model_copy(update={"output": str(output)})
    file.write_text(as_yaml(settings), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-m", "pipeline", "train", "--config", str(file)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = _last_line(done.stderr)
        why = "; what was not committed when the run was made is missing there" if "no such" in last else ""
        raise ReproductionError(f"training at the run's commit failed: {last}{why}")
    tracker = Tracker(settings.tracking, output, uri=embedded_store(output))
    candidate = tracker.find(CANDIDATE)
    if candidate is None:
        raise ReproductionError("training at the run's commit registered no candidate")
    tags, metrics, _ = tracker.facts(candidate.run_id)
    return tags, metrics


def _reasons(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Explain a difference by whatever else differs."""
    reasons = [f"the {name} differs" for key, name in _HASHES.items() if then.get(key) != now.get(key)]
    if then.get("git_dirty") != "false":
        reasons.append("the run was made from a tree with uncommitted changes")
    for key in sorted(then):
        if key.startswith(("python", "version.")) and then[key] != now.get(key):
            reasons.append(f"{key.removeprefix('version.')} was {then[key]}, is {now.get(key)}")
    return (
        "; ".join(reasons) or "commit, config, data and versions are the same: the training is not deterministic"
    )


def _equal(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReproductionError(f"the run's commit cannot be checked out: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
