"""Reproduce: build a tracked run again from its commit, config and data, and hold every figure against it."""

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import Config, read_config
from pipeline.errors import ReproductionError
from pipeline.tracking import CANDIDATE, Tracker

_COMPARED = ("cv/", "threshold/", "rows/", "fold/")
_HASHES = {"data_sha256": "training data", "test_sha256": "test side"}


def reproduce(config: Config, run: str) -> str:
    """Train again in a clean checkout of the run's commit and compare; tell how many figures are equal.

    `run` is a run id or an alias. Raises ReproductionError with what differs: figures, data, versions, or a tree
    that had uncommitted changes.
    """
    tracker = Tracker(config.tracking, Path(config.output))
    found = tracker.find(run)
    tags, metrics, settings = tracker.facts(found.run_id if found else run)
    commit = tags.get("git_commit", "unknown")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        _git("clone", "--quiet", "--no-hardlinks", ".", str(tree))
        _git("-C", str(tree), "checkout", "--quiet", "--detach", commit)
        (Path(folder) / "config.yaml").write_text(settings, encoding="utf-8")
        again_tags, again = _train(tree, Path(folder) / "config.yaml")
    names = sorted(name for name in metrics if name.startswith(_COMPARED))
    differing = [name for name in names if not _equal(metrics[name], again.get(name, math.nan))]
    if differing:
        shown = ", ".join(
            f"{name} {metrics[name]:.6f} then, {again.get(name, math.nan):.6f} now" for name in differing[:5]
        )
        raise ReproductionError(
            f"{len(differing)} of {len(names)} figures differ ({shown}); {_reasons(tags, again_tags)}"
        )
    return f"commit {commit[:12]}: all {len(names)} figures are equal"


def _train(tree: Path, config: Path) -> tuple[Mapping[str, str], Mapping[str, float]]:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-m", "pipeline", "train", "--config", str(config)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise ReproductionError(f"training at the run's commit failed: {' '.join(last)}")
    settings = read_config(config)
    tracker = Tracker(settings.tracking, tree / settings.output)
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
        last = done.stderr.strip().splitlines()[-1:]
        raise ReproductionError(f"the run's commit cannot be checked out: {' '.join(last)}")
