"""Train with equal `random_state` in unequal surroundings and compare the bundles byte by byte.

python tests/reliability_equal.py [--config configs/default.yaml]
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import support

HASH_SEEDS = ("0", "1", "4294967295", "random")
CORES = (1, 2)
MOST = 1e-9  # between scores with the compiled kernel and without it


def fit_and_save(config_file: Path, output: Path) -> None:
    """Fit an experiment in this process, without tracking, and save its bundle."""
    from pipeline.config import read_config, read_topics
    from pipeline.data import corpus
    from pipeline.model.bundle import Bundle, save_bundle
    from pipeline.steps.experiment import fit

    config = read_config(config_file)
    topics = read_topics(Path(config.data.topics))
    rows = corpus.read_split(config, [topic.id for topic in topics]).train
    trained = fit(config, rows, topics, lambda done, total: None)
    seen = np.unique(corpus.text_digests(row.text for row in rows))
    save_bundle(output, Bundle(trained.model.scorer(trained.ids), topics, seen, {"run_id": "the same"}))


def fitted(config: Path, output: Path, *, hash_seed: str = "0", cores: int = 1, kernel: bool = True) -> bytes:
    """Fit in a process of its own and return the bundle's bytes."""
    threads = {"OMP_NUM_THREADS": str(cores), "OPENBLAS_NUM_THREADS": str(cores), "LOKY_MAX_CPU_COUNT": str(cores)}
    command = [sys.executable, __file__, "--config", str(config), "--fit", str(output)]
    command += [] if kernel else ["--without-kernel"]
    subprocess.run(
        command,
        env={**support.ENVIRONMENT, **threads, "PYTHONHASHSEED": hash_seed},
        check=True,
        preexec_fn=lambda: _restrict(cores),
    )
    return output.read_bytes()


def _restrict(cores: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def compare(
    config: Path, *, hash_seeds: Sequence[str] = HASH_SEEDS, cores: Sequence[int] = CORES
) -> Iterator[str]:
    """Fit in every surrounding, hold them to equal bytes, and yield a line for each kind once it has held."""
    with tempfile.TemporaryDirectory() as temporary:
        one, other = Path(temporary) / "one", Path(temporary) / "other"
        first = fitted(config, one)
        name = hashlib.sha256(first).hexdigest()[:12]
        for seed in hash_seeds:
            assert fitted(config, other, hash_seed=seed) == first, f"PYTHONHASHSEED={seed}"
        yield f"PYTHONHASHSEED {', '.join(hash_seeds)}: equal bytes, sha256 {name}..., {len(first):,} bytes"
        for count in cores:
            assert fitted(config, other, cores=count) == first, f"{count} cores"
        yield f"{', '.join(map(str, cores))} cores: equal bytes"
        equal = fitted(config, other, kernel=False) == first
        difference = largest_difference(config, one, other)
        assert difference <= MOST, difference
        yield f"without the kernel: {'equal bytes' if equal else 'other bytes'}, scores within {difference:.1e}"


def largest_difference(config: Path, one: Path, other: Path) -> float:
    """Return the largest difference between the scores of two bundles, over the texts of an experiment."""
    from pipeline.config import read_config, read_topics
    from pipeline.data import corpus
    from pipeline.model.bundle import load_bundle

    settings = read_config(config)
    ids = [topic.id for topic in read_topics(Path(settings.data.topics))]
    split = corpus.read_split(settings, ids)
    texts = [row.text for rows in (split.train, *split.test.values()) for row in rows]
    scores = [load_bundle(path).scorer.scores(texts) for path in (one, other)]
    return float(np.abs(scores[0] - scores[1]).max())


def main() -> None:
    """Compare, or be one of the processes that are compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, help="default: the small experiment of the tests")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--without-kernel", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.without_kernel:
        sys.modules["pipeline.text._kernel"] = None  # type: ignore[assignment]
    if options.fit:
        fit_and_save(options.config, options.fit)
        return
    with tempfile.TemporaryDirectory() as folder:
        for line in compare(options.config or support.write_experiment(Path(folder)).config_file):
            print(line, flush=True)


if __name__ == "__main__":
    main()
