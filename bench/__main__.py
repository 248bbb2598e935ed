"""`make bench`: two tables, of speed, memory and size beside the peers, and of cost against size."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np

from bench import measure, peers
from bench.measure import Figure
from bench.streams import Streams, topics
from bench.table import FALLBACK, FASTTEXT, OURS, USUAL, header, line, machine
from pipeline.config import read_config
from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.model.bundle import load_bundle
from pipeline.steps.experiment import classifier

BOTH = "scikit-learn with sentences"
SAMPLE = 1500
REPEATS = {OURS: 24, FALLBACK: 2, USUAL: 1, BOTH: 1, FASTTEXT: 4}  # of the sample: about as long for each
COLD = {
    USUAL: "import joblib, sys; joblib.load(sys.argv[1]).predict([open(sys.argv[2]).read()])",
    FASTTEXT: "import fasttext, sys; fasttext.load_model(sys.argv[1]).predict([open(sys.argv[2]).read()], k=-1)",
}


def main() -> None:
    """Measure all and print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--model", type=Path, default=Path("models/candidate.safetensors"))
    parser.add_argument("--rounds", type=int, default=11)
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
        self.rows = corpus.read_split(self.settings, self.scorer.topics).train
        self.texts = [row.text for row in self.rows]
        self.labels = label_matrix(self.rows, self.scorer.topics)
        self.article = folder / "article.txt"
        self.article.write_text("\n\n".join(peers.one_line(text) for text in self.texts[:8]), encoding="utf-8")

    def run(self, most: int) -> None:
        """Print every figure as soon as it is there."""
        words = np.mean([len(text.split()) for text in self.texts])
        print(f"{machine()}; {len(self.texts):,} training paragraphs of {words:.0f} words.")
        print(f"{len(self.scorer.vocabulary):,} terms, {len(self.scorer.topics)} topics.")
        print(f"{self.rounds} rounds in turn: median (lowest to highest).\n")
        header("", OURS, FALLBACK, USUAL, FASTTEXT, f"to {USUAL}", f"to {FASTTEXT}")
        self.training()
        self.in_process()
        self.processes()
        self.sizes()
        print()
        streams = Streams(self.texts, self.model, self.folder)
        streams.workers(most, rounds=self.rounds)
        print()
        streams.cost_against_size(most)

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
            {name: Figure((s,)) for name, s in seconds.items()},
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
            FALLBACK: lambda: scorer.labels(scorer.fallback_scores(sample[:1])),
            USUAL: lambda: usual.predict(sample[:1]),
            FASTTEXT: lambda: fast.predict(flat[:1], k=-1, threshold=0.5),
        }
        many: dict[str, Callable[[], object]] = {
            OURS: lambda: scorer.labels(scorer.scores(sample)),
            FALLBACK: lambda: scorer.labels(scorer.fallback_scores(sample)),
            USUAL: lambda: usual.predict(sample),
            BOTH: lambda: same.predict(sample),
            FASTTEXT: lambda: fast.predict(flat, k=-1, threshold=0.5),
        }
        with measure.one_core():
            rates = {name: measure.rate(work, SAMPLE, repeats=REPEATS[name]) for name, work in many.items()}
            found = measure.interleaved(rates, rounds=self.rounds)
            line("paragraphs/s on one core", found, "{:,.0f}")
            line("the same, scikit-learn with sentences too", {**found, USUAL: found[BOTH]}, "{:,.0f}")
            times = {name: measure.latency(work, repeats=200) for name, work in one.items()}
            line("one warm paragraph, ms", measure.interleaved(times, rounds=self.rounds), "{:.3f}", up=False)
        rates = {
            name: measure.rate_on_two_cores(work, SAMPLE, repeats=4 * REPEATS[name])
            for name, work in many.items()
            if name != BOTH
        }
        line("paragraphs/s on two cores", measure.interleaved(rates, rounds=self.rounds), "{:,.0f}")

    def processes(self) -> None:
        """Measure a whole process that labels one article: processor time and peak memory."""
        files = {USUAL: self.folder / "usual.joblib", FASTTEXT: self.folder / "fasttext.bin"}
        joblib.dump(self.usual, files[USUAL])
        self.fasttext.save_model(str(files[FASTTEXT]))
        flat = self.folder / "flat.txt"
        flat.write_text(peers.one_line(self.texts[0]), encoding="utf-8")
        commands = {name: [sys.executable, "-c", COLD[name], str(file), str(flat)] for name, file in files.items()}
        commands = {OURS: topics(self.model, str(self.article)), **commands}
        found: dict[str, list[measure.Process]] = {name: [] for name in commands}
        for number in range(self.rounds + 1):
            for name, command in commands.items():
                done = measure.process(command)
                found[name] += [done] if number else []
        cold = {name: Figure(tuple(run.processor for run in runs)) for name, runs in found.items()}
        line("cold start, s of processor", cold, "{:.2f}", up=False)
        peak = {name: Figure(tuple(run.peak for run in runs)) for name, runs in found.items()}
        line("peak memory for an article, MB", peak, "{:.0f}", up=False)

    def sizes(self) -> None:
        """Weigh the files."""
        files = {OURS: self.model, USUAL: self.folder / "usual.joblib", FASTTEXT: self.folder / "fasttext.bin"}
        megabytes = {name: file.stat().st_size / 1e6 for name, file in files.items()}
        line("model file, MB", {name: Figure((mb,)) for name, mb in megabytes.items()}, "{:.1f}", up=False)


if __name__ == "__main__":
    main()
