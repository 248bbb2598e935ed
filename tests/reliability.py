"""Hold the project to each of its promises, and print what was measured: python tests/reliability.py [NAME ...]

Takes up to half an hour on two cores; docs/reliability.md says what each part promises.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).parent
PARTS: dict[str, tuple[str, ...]] = {
    "kills": ("reliability_kills.py", "--kills", "400"),
    "disk": ("reliability_disk.py",),
    "bundles": ("fuzz_bundle.py", "10000"),
    "kernel": ("fuzz_kernel.py", "60"),
    "documents": ("fuzz_documents.py", "20000"),
    "equal": ("reliability_equal.py",),
    "soak": ("reliability_soak.py", "--requests", "20000"),
    "packages": ("reliability_packages.py",),
}


def run(names: Sequence[str]) -> list[str]:
    """Run parts one after the other, and return the names of those that failed."""
    failed = []
    for name in names:
        print(f"== {name}: {' '.join(PARTS[name])}", flush=True)
        started = time.perf_counter()
        script, *arguments = PARTS[name]
        done = subprocess.run([sys.executable, str(TESTS / script), *arguments], check=False)
        print(
            f"   {'held' if done.returncode == 0 else 'FAILED'} in {time.perf_counter() - started:.0f} s",
            flush=True,
        )
        failed += [] if done.returncode == 0 else [name]
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(PARTS)}; default: all")
    names = parser.parse_args().names or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; expected any of {', '.join(PARTS)}")
    if failed := run(names):
        sys.exit(f"failed: {', '.join(failed)}")
