"""Provenance: the commit that made a model, whether the tree was dirty, and the versions it ran with."""

import platform
import subprocess
from importlib.metadata import version

_PACKAGES = ("joblib", "mlflow", "numpy", "pandas", "safetensors", "scikit-learn", "scipy")


def surroundings() -> dict[str, str]:
    """Describe code and environment.

    Returns
    -------
    dict of str to str
        `git_commit`, `git_dirty` (true, false or unknown), `python`, and `version.<package>`.

    """
    commit, dirty = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return {
        "git_commit": commit or "unknown",
        "git_dirty": "unknown" if dirty is None else str(bool(dirty)).lower(),
        "python": platform.python_version(),
        **{f"version.{package}": version(package) for package in _PACKAGES},
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
