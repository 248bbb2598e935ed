"""Check the packages of the lock files for known vulnerabilities, or count the licences of a bill of materials.

python tests/reliability_packages.py [--licences sbom.json]

Checking needs pip-audit and its advisory service; a package that the service does not know counts as a failure.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "docker/serve.lock", "docker/mlflow.lock")
AUDIT = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json")


def judged(report: dict[str, Any]) -> tuple[str, bool]:
    """Sum up a report of pip-audit, and tell whether every package was checked and none has a finding."""
    packages = report["dependencies"]
    unchecked = [package for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {finding['id']}, fixed in {', '.join(finding['fix_versions'])}"
        for package in packages
        for finding in package.get("vulns", [])
    ]
    line = f"{len(packages) - len(unchecked)} packages checked, {len(unchecked)} not, {len(found)} findings"
    return "\n".join([line, *found]), not unchecked and not found


def audit(lock: Path) -> tuple[str, bool]:
    """Check one lock file."""
    command = ["pip-audit", "-r", str(lock), *AUDIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        return done.stderr.strip(), False
    return judged(json.loads(done.stdout))


def licences(bill: dict[str, Any]) -> Counter[str]:
    """Count the packages of a CycloneDX bill of materials by licence, those that name none as `not stated`."""
    return Counter(_licence(component) for component in bill["components"])


def _licence(component: dict[str, Any]) -> str:
    entries = component.get("licenses", [])
    names = [entry.get("expression") or entry["license"].get("id") for entry in entries]
    classifiers = [entry["license"].get("name", "") for entry in entries if "license" in entry]
    named = [name for name in names if name] or [name.rpartition(" :: ")[2] for name in classifiers if name]
    return named[0].splitlines()[0] if named else "not stated"


def main() -> None:
    """Check the lock files, or count licences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--licences", type=Path, metavar="SBOM")
    bill = parser.parse_args().licences
    if bill:
        counts = licences(json.loads(bill.read_text(encoding="utf-8")))
        print("\n".join(f"{count:4}  {licence}" for licence, count in counts.most_common()))
    elif shutil.which("pip-audit") is None:
        print("skipped: pip-audit is not installed")
    else:
        results = {lock: audit(ROOT / lock) for lock in LOCKS}
        print("\n".join(f"{lock}: {told}" for lock, (told, _) in results.items()))
        sys.exit(not all(held for _, held in results.values()))


if __name__ == "__main__":
    main()
