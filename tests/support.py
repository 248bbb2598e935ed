"""What the tests share: a small made-up corpus with a label set of its own, and the real command line."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.config import Config, read_config, read_topics
from pipeline.schema import Topic
from pipeline.text.tokenizer import Analyzer, CountedTexts
from pipeline.text.vocabulary import Vocabulary
from pipeline.text.vocabulary import learn_vocabulary as learn

ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("MLFLOW_") and name not in ("PYTHONWARNINGS", "FORCE_COLOR")
} | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}

_SPOKEN_OF = {
    "bridge": ["bridge", "viaduct", "girder", "pier", "arch", "span", "abutment", "crossing"],
    "orchard": ["orchard", "apple", "pear", "pruning", "harvest", "blossom", "cider", "grafting"],
    "chess": ["chess", "bishop", "knight", "gambit", "checkmate", "pawn", "grandmaster", "endgame"],
}
_FILLER = """
council morning people report second village river reader number evening visit street letter summer winter
office member window market friend story teacher garden doctor paper winner record voice planned opened said
asked found carried showed returned wrote counted waited called painted moved built closed sold learned slowly
again later nearby often quietly twice still early almost together outside around before under between against
without
"""
TOPICS = tuple(_SPOKEN_OF)
PATTERN: tuple[tuple[str, ...], ...] = (
    (),
    ("bridge",),
    (),
    ("orchard",),
    ("chess",),
    (),
    ("bridge", "orchard"),
    (),
    ("chess", "bridge"),
    (),
)


@dataclass(frozen=True)
class Experiment:
    """A folder with data, topics and one configuration."""

    folder: Path
    config_file: Path

    @property
    def output(self) -> Path:
        return self.folder / "models"

    @property
    def candidate(self) -> Path:
        return self.output / "candidate.safetensors"

    @property
    def config(self) -> Config:
        return read_config(self.config_file)

    @property
    def topics(self) -> tuple[Topic, ...]:
        return read_topics(self.folder / "topics.yaml")


def sentence(chance: random.Random, topic: str | None = None) -> str:
    words = chance.sample(_FILLER.split(), 9)
    if topic:
        words += chance.sample(_SPOKEN_OF[topic], 3)
        chance.shuffle(words)
    return f"{' '.join(words).capitalize()}."


def text_about(topics: Sequence[str], chance: random.Random) -> str:
    said = [sentence(chance), *(sentence(chance, topic) for topic in topics)]
    if chance.random() < 0.3:  # a word in passing, so that the topics are not told apart for nothing
        said.append(f"{sentence(chance)[:-1]} {chance.choice(_SPOKEN_OF[chance.choice(TOPICS)])}.")
    return " ".join(said)


def made_rows(articles: int, *, prefix: str, writer: str, seed: int) -> list[dict[str, Any]]:
    """Make four paragraphs an article, with the topics of PATTERN in turn."""
    chance = random.Random(seed)
    made: list[dict[str, Any]] = []
    for index in range(4 * articles):
        topics = list(PATTERN[index % len(PATTERN)])
        article = f"{prefix}{index // 4:03}"
        row = {"article": article, "paragraph": index % 4, "text": text_about(topics, chance)}
        made.append({**row, "topics": topics, "writer": writer})
    return made


def rows() -> list[dict[str, Any]]:
    """Give 120 training rows by writer `a` and 40 test rows by writer `t`."""
    return made_rows(30, prefix="a", writer="a", seed=1) + made_rows(10, prefix="t", writer="t", seed=2)


def write_rows(path: Path, content: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def settings(folder: Path) -> dict[str, Any]:
    """Give a complete experiment whose paths lie in a folder."""
    return {
        "random_state": 7,
        "data": {
            "topics": str(folder / "topics.yaml"),
            "train": [str(folder / "articles")],
            "test": {"day": {"writers": ["t"]}},
        },
        "split": {"cv": 3, "group_by": "article", "near_duplicate": 0.5},
        "features": {
            "ngram_range": [1, 2],
            "prefix_length": 5,
            "min_df": 2,
            "sublinear_tf": True,
            "oov_weight": 0.5,
            "pivot_slope": 0.5,
            "sentence_weight": 0.5,
        },
        "classifier": {
            "kind": "linear_svc",
            "C": 1.0,
            "class_weight": None,
            "nb_exponent": 0.5,
        },
        "thresholds": {
            "prevalence": None,
            "objective": "f1",
            "points": {"precision": 0.9, "balanced": None, "recall": 0.2},
            "shrinkage": 5.0,
        },
        "gate": {"day": {"macro_f1": 0.5, "none_recall": 0.2}},
        "tracking": {"experiment": "tests", "model_name": "tests"},
        "output": str(folder / "models"),
    }


def changed(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace settings by their dotted names."""
    copy: dict[str, Any] = json.loads(json.dumps(content))
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        place = copy
        for parent in parents:
            place = place[parent]
        place[last] = value
    return copy


def write_experiment(
    folder: Path, changes: Mapping[str, Any] | None = None, data: Sequence[Mapping[str, Any]] | None = None
) -> Experiment:
    """Write data, topics and config into a folder."""
    write_rows(folder / "articles" / "made.jsonl", rows() if data is None else data)
    topics = [
        {"id": topic, "title": topic.title(), "definition": f"Of {topic}.", "keywords": [topic]}
        for topic in TOPICS
    ]
    (folder / "topics.yaml").write_text(yaml.safe_dump({"topics": topics}), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(changed(settings(folder), changes or {}), sort_keys=False), encoding="utf-8")
    return Experiment(folder, config)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipeline", *map(str, arguments)]


def run(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    **more: Any,
) -> "subprocess.CompletedProcess[str]":
    """Run the real command line in a process of its own."""
    done = subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        env={**ENVIRONMENT, **(env or {})},
        cwd=cwd,
        timeout=300,
        check=False,
        **more,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def learn_vocabulary(texts: list[str], analyzer: Analyzer) -> dict[str, int]:
    """Give every term of the texts its index."""
    return {term: index for index, term in enumerate(learn(texts, analyzer, min_df=1))}


def count(texts: list[str], analyzer: Analyzer, vocabulary: dict[str, int]) -> CountedTexts:
    """Count the terms of a vocabulary."""
    return Vocabulary("\n".join(vocabulary), analyzer).count(texts)
