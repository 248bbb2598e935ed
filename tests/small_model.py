"""A model trained in a second, for tests that need a real one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.model.bundle import Bundle, save_bundle
from pipeline.model.classifier import TopicClassifier
from pipeline.schema import Topic

MINES = "Sappers cleared {n} landmines near the village, and mine clearance goes on."
GAS = "The pipeline brought {n} cubic metres of gas; gas supply is safe for the winter."
SPORT = "The team won {n} matches this year, and its coach was pleased with the players."
TEXTS = [text.format(n=n) for n in range(20) for text in (MINES, GAS, SPORT)]
TOPICS = (Topic("mine_action", "Mine action"), Topic("energy, security", "Energy: 100 %"))


def fitted() -> TopicClassifier:
    labels = np.array([[place % 3 == 0, place % 3 == 1] for place in range(len(TEXTS))])
    return TopicClassifier(cv=3).fit(TEXTS, labels)


def saved(folder: Path) -> Path:
    path = folder / "small.safetensors"
    scorer = fitted().scorer([topic.id for topic in TOPICS])
    points = {"precision": np.full(2, 0.97), "balanced": scorer.thresholds, "recall": np.full(2, 0.02)}
    scorer = replace(scorer, points=points)
    save_bundle(path, Bundle(scorer, TOPICS, np.array([1, 2], np.uint64), {"run_id": "a"}))
    return path
