"""`make bench`: two tables, of speed, memory and size beside the peers, and of cost against size."""

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np

from bench import measure, peers
from bench.measure import Figure
from bench.table import FALLBACK, FASTTEXT, OURS, USUAL, header, line, machine
from pipeline.config import read_config
from pipeline.model.experiment import classifier, label_matrix
from pipeline.store import corpus
from pipeline.store.bundle import load_bundle

BOTH = "scikit-learn with sentences"
SAMPLE = 1500
COLD = {
    USUAL: "import joblib, sys; joblib.load(sys.argv[1]).predict([open(sys.argv[2]).read()])",
    FASTTEXT: "import fasttext, sys; fasttext.load_model(sys.argv[1]).predict([open(sys.argv[2]).read()], k=-1)",
}


def main() -> None:
    """Measure all and print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--model", type=Path, default=Path("models/candidate.safetensors"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the largest table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Bench(options.config, options.model, options.rounds, Path(folder)).run(options.rows)


class Bench:
    """The model, its peers and the texts to measure them on."""

    def __init__(self, config: Path, model: Path, rounds: int, folder: Path) -> None:
        self.model, self.rounds, self.folder = model, rounds, folder
        self.settings = read_config(config)
        self.scorer = load_bundle(model).scorer
        self.rows = corpus.read_sides(self.settings, self.scorer.topics).train
        self.texts = [row.text for row in self.rows]
        self.labels = label_matrix(self.rows, self.scorer.topics)
        self.article = folder / "article.txt"
        self.article.write_text("\n\n".join(peers.one_line(text) for text in self.texts[:8]), encoding="utf-8")

    def run(self, most: int) -> None:
        """Print every figure as soon as it is there."""
        words = np.mean([len(text.split()) for text in self.texts])
        print(f"{machine()}; {len(self.texts):,} training paragraphs of {words:.0f} words.")
        print(f"{len(self.scorer.terms):,} terms, {len(self.scorer.topics)} topics.")
        print(f"{self.rounds} rounds in turn: median (lowest to highest).\n")
        header("", OURS, FALLBACK, USUAL, FASTTEXT, f"to {USUAL}", f"to {FASTTEXT}")
        self.training()
        self.in_process()
        self.processes()
        self.sizes()
        self.two_workers(most)
        self.cost_against_size(most)

    def training(self) -> None:
        """Time a whole training here, cross-validated, calibrated and with thresholds, against one fit there."""
        data = self.folder / "train.txt"
        peers.write_fasttext(self.rows, data)
        seconds = {}
        started = time.perf_counter()
        groups = [row.article for row in self.rows]
        classifier(self.settings).fit(self.texts, self.labels, groups)
        seconds[OURS] = time.perf_counter() - started
        started = time.perf_counter()
        peers.fitted_pipeline(self.texts, self.labels)
        seconds[USUAL] = time.perf_counter() - started
        started = time.perf_counter()
        self.fasttext = peers.train_fasttext(data)
        seconds[FASTTEXT] = time.perf_counter() - started
        self.usual = peers.same_weights(self.scorer)
        line(
            "training, s (ours: 5-fold)",
            {name: Figure(s, s, s) for name, s in seconds.items()},
            "{:.1f}",
            up=False,
        )

    def in_process(self) -> None:
        """Time many paragraphs on one core, and one warm paragraph."""
        sample = self.texts[:SAMPLE]
        flat = [peers.one_line(text) for text in sample]
        scorer, usual, fast, same = self.scorer, self.usual, self.fasttext, peers.SameFeatures(self.scorer)
        one: dict[str, Callable[[], object]] = {
            OURS: lambda: scorer.labels(scorer.scores(sample[:1])),
            FALLBACK: lambda: scorer.labels(scorer.reference_scores(sample[:1])),
            USUAL: lambda: usual.predict(sample[:1]),
            FASTTEXT: lambda: fast.predict(flat[:1], k=-1, threshold=0.5),
        }
        many: dict[str, Callable[[], object]] = {
            OURS: lambda: scorer.labels(scorer.scores(sample * 4)),
            FALLBACK: lambda: scorer.labels(scorer.reference_scores(sample)),
            USUAL: lambda: usual.predict(sample),
            FASTTEXT: lambda: fast.predict(flat, k=-1, threshold=0.5),
        }
        with measure.one_core():
            rates = {name: measure.rate(work, SAMPLE * (4 if name == OURS else 1)) for name, work in many.items()}
            rates[BOTH] = measure.rate(lambda: same.predict(sample), SAMPLE)
            found = measure.interleaved(rates, rounds=self.rounds)
            line("paragraphs/s on one core", found, "{:,.0f}")
            line("the same, scikit-learn with sentences too", {**found, USUAL: found[BOTH]}, "{:,.0f}")
            times = {name: measure.latency(work, repeats=200) for name, work in one.items()}
            line("one warm paragraph, ms", measure.interleaved(times, rounds=self.rounds), "{:.3f}", up=False)

    def processes(self) -> None:
        """Measure a whole process that labels one article: processor time and peak memory."""
        files = {USUAL: self.folder / "usual.joblib", FASTTEXT: self.folder / "fasttext.bin"}
        joblib.dump(self.usual, files[USUAL])
        self.fasttext.save_model(str(files[FASTTEXT]))
        flat = self.folder / "flat.txt"
        flat.write_text(peers.one_line(self.texts[0]), encoding="utf-8")
        commands = {name: [sys.executable, "-c", COLD[name], str(file), str(flat)] for name, file in files.items()}
        commands = {OURS: topics(self.model, self.article), **commands}
        found: dict[str, list[measure.Process]] = {name: [] for name in commands}
        for number in range(self.rounds + 1):
            for name, command in commands.items():
                done = measure.process(command)
                found[name] += [done] if number else []
        cold = {name: Figure.of([run.processor for run in runs]) for name, runs in found.items()}
        line("cold start, s of processor", cold, "{:.2f}", up=False)
        peak = {name: Figure.of([run.peak for run in runs]) for name, runs in found.items()}
        line("peak memory for an article, MB", peak, "{:.0f}", up=False)

    def sizes(self) -> None:
        """Weigh the files."""
        files = {OURS: self.model, USUAL: self.folder / "usual.joblib", FASTTEXT: self.folder / "fasttext.bin"}
        megabytes = {name: file.stat().st_size / 1e6 for name, file in files.items()}
        line("model file, MB", {name: Figure(mb, mb, mb) for name, mb in megabytes.items()}, "{:.1f}", up=False)

    def two_workers(self, rows: int) -> None:
        """Time a large table with one worker and with two."""
        table = self.table(rows)
        runs = {
            workers: (lambda workers=workers: rows / self.labelled(table, workers).seconds)
            for workers in ("1", "2")
        }
        found = measure.interleaved(runs, rounds=min(3, self.rounds))
        one, two = found["1"].median, found["2"].median
        print(f"\nA table of {rows:,} rows, start of the processes included: {one:,.0f} rows/s with one worker,")
        print(f"{two:,.0f} with two, {two / one:.2f} times.\n")

    def cost_against_size(self, most: int) -> None:
        """Label ever larger tables with one worker."""
        header("rows", "seconds", "rows/s", "peak memory, MB")
        for rows in (n for n in (1_000, 10_000, 100_000, 1_000_000) if n <= most):
            done = self.labelled(self.table(rows), "1")
            print(f"| {rows:,} | {done.seconds:.1f} | {rows / done.seconds:,.0f} | {done.peak:.0f} |", flush=True)

    def table(self, rows: int) -> Path:
        """Write a table of so many rows, the texts over and over."""
        path = self.folder / f"{rows}.jsonl"
        if not path.exists():
            lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in self.texts]
            with path.open("w", encoding="utf-8") as file:
                file.writelines(itertools.islice(itertools.cycle(lines), rows))
        return path

    def labelled(self, table: Path, workers: str) -> measure.Process:
        """Label a table by the command line."""
        return measure.process(
            [*topics(self.model, table), "--workers", workers, "--output", str(self.folder / "out")]
        )


def topics(model: Path, source: Path) -> list[str]:
    """Give the command that labels a source."""
    return [str(Path(sys.executable).with_name("topics")), "predict", "--model", str(model), str(source)]


if __name__ == "__main__":
    main()
