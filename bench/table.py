"""Print figures as rows of Markdown tables."""

import os
import platform
from pathlib import Path

from bench.measure import Figure
from pipeline.text.vocabulary import COMPILED

OURS, FALLBACK, USUAL, FASTTEXT = "this project", "its fallback", "scikit-learn", "fastText"


def machine() -> str:
    """Describe the machine in a line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cores, load = os.cpu_count(), os.getloadavg()[0]
    kernel = "compiled" if COMPILED else "not compiled, so that both columns are the fallback"
    name = f"{platform.machine()} {names[0] if names else ''}".strip()
    return f"{name}, {cores} cores, load {load:.1f}, Python {platform.python_version()}, kernel {kernel}"


def header(*names: str) -> None:
    """Print the head of a table."""
    print("|", " | ".join(names), "|\n|", " | ".join("---" for _ in names), "|", flush=True)


def line(what: str, found: dict[str, Figure], form: str, *, up: bool = True) -> None:
    """Print a row of the first table: the figures, and how many times better ours is (`up`: more is better)."""
    cells = [
        what,
        *(found[name].written(form) if name in found else "-" for name in (OURS, FALLBACK, USUAL, FASTTEXT)),
    ]
    for peer in (USUAL, FASTTEXT):
        ratios = [better(found[who], found[peer], up=up) for who in (OURS, FALLBACK) if who in found]
        cells.append(", fallback ".join(ratio.written("{:.1f}") for ratio in ratios))
    print("|", " | ".join(cells), "|", flush=True)


def better(ours: Figure, theirs: Figure, *, up: bool) -> Figure:
    """Give the ratios in favour of ours where they are above 1."""
    return ours.over(theirs) if up else theirs.over(ours)
