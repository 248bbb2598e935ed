"""A new topic: the commands of docs/new-topic.md in order, and the shipped topics beside a sixth."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import support

from pipeline.config import read_config, read_topics
from pipeline.data import corpus
from pipeline.model.bundle import load_bundle
from pipeline.schema import Topic
from pipeline.steps.experiment import fit
from pipeline.steps.learning_curve import part

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/new-topic.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
DEFINITION = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
WATER = support.json_lines((ROOT / "tests/cases/new_topic/water.jsonl").read_text(encoding="utf-8"))
WET = {row["text"]: bool(row["topics"]) for row in WATER}
SERVED = "topics serve"  # the page itself is tried in a browser, in test_labelling_in_browser.py
FIRST_QUEUE, SECOND_QUEUE = 40, 5
MISTAKEN = 3  # texts on which the second person differs


def collect(folder: Path) -> None:
    """Put what was collected where the page says that it is: all but the last article, which comes later."""
    names = {row["article"] for row in WATER[:-5]}
    for name in names:
        text = "\n\n".join(row["text"] for row in WATER if row["article"] == name)
        (folder / "collected").mkdir(exist_ok=True)
        (folder / f"collected/{name}.txt").write_text(text, encoding="utf-8")
    later = "\n\n".join(row["text"] for row in WATER[-10:])
    (folder / "later").mkdir()
    (folder / "later/news.txt").write_text(later, encoding="utf-8")


def define(folder: Path) -> None:
    """Add the topic of the page to the label set."""
    assert DEFINITION
    file = folder / "configs/topics.yaml"
    topics, examples, rest = file.read_text(encoding="utf-8").partition("examples:")
    file.write_text(f"{topics}{DEFINITION.group(1)}{examples}{rest}", encoding="utf-8")


def label(folder: Path) -> None:
    """Fill in the tables as two people do: the second is wrong on some."""
    for person, wrong in (("ada", 0), ("bo", MISTAKEN)):
        path = folder / f"{person}.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {"baking", "cycling", "gardening", "water"} <= set(rows[0])
        for place, row in enumerate(rows):
            says = WET[row["text"]] != (place < wrong)
            row |= {"status": "labelled", "annotator": person.title()}
            row |= {
                topic: str(int(topic == "water" and says)) for topic in ("baking", "cycling", "gardening", "water")
            }
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)


def review(folder: Path) -> None:
    """Decide where the two differ, as the first said."""
    listed = run("topics annotations list --state disagreeing --format json", folder)
    for task in json.loads(listed):
        topic = "water" if WET[task["text"]] else "--none"
        run(f"topics annotations decide {task['id']} {topic} --reviewer Cy", folder)


def rename(folder: Path) -> None:
    """Give the model of other topics a name of its own."""
    config = folder / "configs/default.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("model_name: my-topics\n", "model_name: my-topics-2\n"), encoding="utf-8")


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**support.ENVIRONMENT, "PATH": path, "PYTHONPATH": str(ROOT), "LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


BEFORE: dict[str, Callable[[Path], None]] = {  # what people do before a command of the page
    "topics queue collected": collect,
    "topics export seed.jsonl --blind --topic-columns --output ada.csv": define,
    "topics agreement": label,
    "topics merge --dry-run": review,
    "topics train": rename,
}


def test_from_an_idea_to_a_trained_topic_by_the_commands_of_the_page(tmp_path: Path) -> None:
    folder, done, told = tmp_path, set(), {}
    for command in COMMANDS:
        act = next((what for what in BEFORE if command.startswith(what) and what not in done), None)
        if act:
            BEFORE[act](folder)
            done.add(act)
        if command.startswith("cd "):
            folder = tmp_path / command.split()[1]
        elif command != SERVED:
            told[command] = run(command, folder)
    assert done == set(BEFORE)
    agreement = next(out for command, out in told.items() if command.startswith("topics agreement"))
    assert re.search(rf"^Water management +{MISTAKEN} ", agreement, re.MULTILINE)
    rows = corpus.read([folder / "data"], [topic.id for topic in read_topics(folder / "configs/topics.yaml")])
    water = [row for row in rows if "water" in (row.topics or ())]
    assert len(water) == sum(WET[row.text] for row in rows if row.text in WET) >= 15
    assert load_bundle(folder / "models/champion.safetensors").scorer.topics == (
        "baking",
        "cycling",
        "gardening",
        "water",
    )


def test_a_sixth_topic_keeps_the_metrics_of_the_shipped_five(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.chdir(ROOT)
    config = read_config(ROOT / "configs/default.yaml")
    topics = read_topics(ROOT / "configs/topics.yaml")
    ids = [topic.id for topic in topics]
    rows = part(corpus.read_split(config, ids).train, 0.4, random_state=config.random_state)
    writers = sorted({row.writer for row in rows if row.writer})
    articles = list(dict.fromkeys(row["article"] for row in WATER))
    added = [  # by the writers that are there: with more of them, the folds would be others
        replace(row, writer=writers[articles.index(row.article)])
        for row in corpus.read([ROOT / "tests/cases/new_topic/water.jsonl"], ["water_management"])
    ]
    sixth = Topic("water_management", "Water management")
    before = fit(config, rows, topics, lambda done, total: None).found
    after = fit(config, [*rows, *added], (*topics, sixth), lambda done, total: None).found
    names = [f"{topic}/{metric}" for topic in ids for metric in ("f1", "precision", "recall", "average_precision")]
    apart = {name: after.metrics[name].value - before.metrics[name].value for name in names}
    ends = [before.metrics[name] for name in names]
    assert all(end.low <= after.metrics[name].value <= end.high for name, end in zip(names, ends, strict=True)), (
        apart
    )
    assert after.metrics["water_management/average_precision"].value > 0.1  # by chance it is 0.003
