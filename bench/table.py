"""Print figures as rows of Markdown tables."""

import os
import platform
from pathlib import Path

from bench.measure import Figure
from pipeline.text.terms import COMPILED

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
    cells = [what]
    for name in (OURS, FALLBACK, USUAL, FASTTEXT):
        figure = found.get(name)
        spread = (
            f" ({form.format(figure.low)} to {form.format(figure.high)})"
            if figure and figure.low < figure.high
            else ""
        )
        cells.append(form.format(figure.median) + spread if figure else "-")
    for peer in (USUAL, FASTTEXT):
        ratios = [times_better(found, who, peer, up=up) for who in (OURS, FALLBACK) if who in found]
        cells.append(", fallback ".join(f"{ratio:.1f}" for ratio in ratios))
    print("|", " | ".join(cells), "|", flush=True)


def cell(figure: Figure, form: str) -> str:
    """Write a median with its spread."""
    spread = f" ({form.format(figure.low)} to {form.format(figure.high)})" if figure.low < figure.high else ""
    return form.format(figure.median) + spread


def times_better(found: dict[str, Figure], who: str, peer: str, *, up: bool) -> float:
    """Give the ratio in favour of the first where it is above 1."""
    ratio = found[who].median / found[peer].median
    return ratio if up else 1 / ratio
