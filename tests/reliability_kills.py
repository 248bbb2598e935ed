"""Kill commands at random moments: files are whole, what was acknowledged is kept, and the next command works.

python tests/reliability_kills.py [--kills 400] [--seed SEED]
"""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from http.client import HTTPException
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import archiving
import press
import support
from serving import Service, make_model, serving

from pipeline.archive.database import open_archive
from pipeline.model.bundle import load_bundle

SHARES = {"train": 20, "evaluate": 20, "rollback": 20, "predict": 90, "serve": 50, "collect": 200}  # of 400
BEGUN = ("train", "evaluate", "train", "evaluate", "train")  # before a model command is killed
RETRIES = 5  # of a table: kills in a row before it is completed
ROWS = 20_000
CONTENT = {
    "articles": "SELECT key, digest, title, outlet, dated, source, text FROM articles",
    "answers": "SELECT key, number, topics, scores FROM predictions JOIN models ON models.id = model"
    " JOIN paragraphs ON paragraphs.id = paragraph JOIN articles ON articles.id = article",
    "hits": "SELECT key, number, topic, score, about FROM hits"
    " JOIN paragraphs ON paragraphs.id = paragraph JOIN articles ON articles.id = hits.article",
    "tallies": "SELECT outlet, topic, paragraphs, scores FROM tallies",
    "stories": "SELECT min(key), max(key), count(*) FROM articles GROUP BY story",
}
LOADED = [
    "pipeline.__main__",
    "pipeline.steps.train",
    "pipeline.steps.evaluate",
    "pipeline.predict.batch",
    "pipeline.archive.session",
]


class Killer:
    """Runs commands in processes forked from one that has imported what they need: kills then hit their work."""

    def __init__(self, chance: random.Random, folder: Path) -> None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.environ.update(LOKY_MAX_CPU_COUNT="1", MLFLOW_DISABLE_TELEMETRY="true", OMP_NUM_THREADS="1")
        self.chance, self.log = chance, folder / "log.txt"
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(LOADED)
        self.seconds: dict[str, float] = {}  # that a command takes, by its name

    def complete(self, *arguments: object) -> None:
        """Run a command to its end, and time it."""
        started = time.perf_counter()
        process = self._begin(*arguments)
        process.join()
        self.seconds[str(arguments[0])] = time.perf_counter() - started
        assert process.exitcode == 0, f"{arguments}: {self.log.read_text('utf-8')}"

    def kill(self, *arguments: object) -> bool:
        """Kill a command somewhere on its way; False if it was done before."""
        process = self._begin(*arguments)
        process.join(self.chance.uniform(0, self.seconds[str(arguments[0])]))
        process.kill()
        process.join()
        assert process.exitcode in (0, -9), f"{arguments}: {self.log.read_text('utf-8')}"
        return process.exitcode != 0

    def _begin(self, *arguments: object) -> ForkServerProcess:
        process = self.context.Process(target=command, args=(self.log, *map(str, arguments)))
        process.start()
        return process


def command(log: Path, *arguments: str) -> None:
    """Run `topics` in this process, with what it prints in a file."""
    from pipeline.__main__ import main

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    main(arguments, prog_name="topics")


def kill_model_commands(
    killer: Killer, folder: Path, counts: dict[str, int], begun: Sequence[str] = BEGUN
) -> Iterator[str]:
    """Kill training, evaluation and rollback, each time on a copy of one experiment, and tell of each."""
    made = support.write_experiment(folder / "experiment")
    config = ("--config", made.config_file)
    for step in begun:
        killer.complete(step, *config)
    kept = shutil.copytree(made.output, folder / "kept")
    if "rollback" in counts:
        killer.complete("rollback", *config)  # to time it
    for name, count in counts.items():
        kills = 0
        while kills < count:
            shutil.rmtree(made.output)
            shutil.copytree(kept, made.output)
            kills += killer.kill(name, *config)
            whole(made.output)
            killer.complete(name, *config)
            complete(made.output)
        yield f"{name}: {count} kills"


def complete(output: Path) -> None:
    """Check that nothing is left of what was killed, and that the models are those of the registry."""
    whole(output)
    left = [path.name for path in output.glob(".*") if path.name != ".training.lock"]
    assert not left, left
    for alias in ("champion", "candidate"):
        run_id = load_bundle(output / f"{alias}.safetensors").about["run_id"]
        assert run_id == registered(output, alias), alias


def whole(output: Path) -> None:
    """Check that every file of an output folder is whole: a loadable model, a report to its end, a sound store."""
    for path in output.glob("*.safetensors"):
        load_bundle(path)
    for path in output.glob("*.json"):
        json.loads(path.read_text("utf-8"))
    for path in output.glob("*.html"):
        assert path.read_text("utf-8").rstrip().endswith("</html>"), path
    with closing(sqlite3.connect(output / "mlflow.db")) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def registered(output: Path, alias: str) -> str:
    """Return the run of the model version that has an alias."""
    with closing(sqlite3.connect(output / "mlflow.db")) as store:
        query = (
            "SELECT run_id FROM model_versions JOIN registered_model_aliases AS a USING (name, version)"
            " WHERE a.alias = ? AND name = 'tests'"
        )
        return str(store.execute(query, (alias,)).fetchone()[0])


def kill_tables(killer: Killer, parent: Path, kills: int) -> None:
    """Kill predictions on a table, up to five times in a row, and compare what is resumed with a run in one go."""
    folder = parent / "tables"
    folder.mkdir()
    model = make_model(folder / "model.safetensors")
    rows = [{"id": str(row), "text": f"Sappers cleared {row} mines near the village."} for row in range(ROWS)]
    table = support.write_rows(folder / "rows.jsonl", rows)
    turn = 0
    while kills > 0:
        form, workers = ("jsonl", "csv")[turn % 2], 1 + turn // 2 % 2
        output, reference = folder / f"killed.{form}", folder / f"complete.{form}"
        job = ("predict", table, "--model", model, "--keep", "text", "--workers", workers, "--output")
        if not reference.exists():
            killer.complete(*job, reference)
        for _ in range(min(RETRIES, kills)):
            kills -= killer.kill(*job, output, "--resume")
            assert not output.exists() or output.read_bytes() == reference.read_bytes()
        killer.complete(*job, output, "--resume")
        assert output.read_bytes() == reference.read_bytes()
        assert not list(folder.glob(".*"))
        output.unlink()
        turn += 1


def kill_collectors(killer: Killer, parent: Path, kills: int) -> None:
    """Kill collectors that fill an archive and label it anew, and compare it with one made in one go."""
    folder = parent / "collect"
    models = [make_model(folder / f"models{turn}" / "champion.safetensors", turn=turn) for turn in range(2)]
    killed, reference = folder / "killed.sqlite3", folder / "complete.sqlite3"
    for turn in range(2):
        killer.complete("collect", write_news(folder, turn), "--model", models[turn], "--archive", reference)
    expected = {table: content(reference, query) for table, query in CONTENT.items()}
    while kills > 0:
        for turn in range(2):  # the second finds texts that have changed, and another model
            job = ("collect", write_news(folder, turn), "--model", models[turn], "--archive", killed)
            for _ in range(min(RETRIES, kills)):
                kills -= killer.kill(*job)
                if killed.exists():
                    with open_archive(killed) as database:
                        archiving.check(database)
            killer.complete(*job)
        assert {table: content(killed, query) for table, query in CONTENT.items()} == expected
        for path in folder.glob("killed.sqlite3*"):
            path.unlink()


def write_news(folder: Path, turn: int) -> Path:
    """Write articles and a feed, of which the second turn changes some and adds others; every third is a copy."""
    news = folder / "news"
    news.mkdir(exist_ok=True)
    for number in range(40 + 20 * turn):
        changes = turn * (number % 4 == 0)
        text = "\n\n".join(f"{line} {number // 3} {changes}." for line in (archiving.MINES, archiving.PEACE))
        (news / f"{number:03}.txt").write_text(text, encoding="utf-8")
    entries = [(f"Entry {n}", f"https://a.org/{n}", f"{archiving.LUNCH} {n}") for n in range(20 + 10 * turn)]
    (news / "feed.rss").write_text(press.feed("The feed", *entries), encoding="utf-8")
    return news


def content(archive: Path, query: str) -> list[tuple[object, ...]]:
    """Return what an archive holds, whatever numbers it gave."""
    with open_archive(archive) as database:
        return sorted(tuple(row) for row in database.execute(query))


def kill_services(chance: random.Random, folder: Path, kills: int) -> int:
    """Kill the service while it takes corrections, and return how many it had acknowledged: all are kept."""
    model = make_model(folder / "served.safetensors")
    acknowledged: list[str] = []
    for turn in range(kills):
        before = len(acknowledged)
        with serving(model, folder) as service:
            threads = [
                threading.Thread(target=correct, args=(service, f"{turn} {thread}", acknowledged))
                for thread in range(2)
            ]
            service.ask("/v1/predict", {"text": "Sappers."})  # the first answer waits for its process
            for thread in threads:
                thread.start()
            while len(acknowledged) == before and any(thread.is_alive() for thread in threads):
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.8))
            service.process.kill()
            for thread in threads:
                thread.join()
    with serving(model, folder) as service:
        assert service.ask("/v1/corrections", {"text": "The last.", "topics": []}).status == 201
    with closing(sqlite3.connect(folder / "annotations.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = [text for (text,) in database.execute("SELECT text FROM annotations JOIN tasks ON tasks.id = task")]
    assert len(kept) == len(set(kept))
    lost = set(acknowledged) - set(kept)
    assert not lost, f"{len(lost)} acknowledged corrections lost"
    return len(acknowledged)


def correct(service: Service, name: str, acknowledged: list[str]) -> None:
    """Send corrections until the service is gone, and note those that it acknowledged."""
    with suppress(OSError, HTTPException):
        for number in range(sys.maxsize):
            text = f"Sappers cleared mines, {name} {number}."
            if service.ask("/v1/corrections", {"text": text, "topics": ["mine_action"]}).status == 201:
                acknowledged.append(text)


def run(kills: int, seed: int) -> Iterator[str]:
    """Kill so many times in all, and yield a line for each command once it has held."""
    chance = random.Random(seed)
    counts = {name: max(1, kills * share // sum(SHARES.values())) for name, share in SHARES.items()}
    tables, services, collectors = (counts.pop(name) for name in ("predict", "serve", "collect"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        killer = Killer(chance, folder)
        yield from kill_model_commands(killer, folder, counts)
        kill_tables(killer, folder, tables)
        yield f"predict: {tables} kills"
        kill_collectors(killer, folder, collectors)
        yield f"collect: {collectors} kills"
        acknowledged = kill_services(chance, folder, services)
        yield f"serve: {services} kills, {acknowledged:,} acknowledged corrections, 0 lost"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=400)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    started = time.perf_counter()
    for line in run(options.kills, options.seed):
        print(f"{line} (after {time.perf_counter() - started:.0f} s)", flush=True)
