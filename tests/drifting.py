"""Made-up articles for the model made by hand, and its reference: 20 % of the paragraphs are wet, 10 % cold."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from handmade_model import BUNDLE

from pipeline.model.bundle import reference_path, save_bundle
from pipeline.monitoring.reference import Reference, learn_errors, learn_sample
from pipeline.monitoring.sample import Group, observe

_SAID = ("the rain of the day", "the snow of the day", "the day was long, and the evening too")
_OTHERS = ("then", "and so it was", "nobody minded the wind at all", "they said", "it is late by the river")


def articles(number: int, *, seed: int, shares: Sequence[float] = (0.2, 0.1)) -> list[Group]:
    """Make articles of four paragraphs with so many wet and cold ones, and words around them."""
    chance = random.Random(seed)
    weights = (*shares, 1 - sum(shares))

    def paragraph() -> str:
        (said,) = chance.choices(_SAID, weights)
        return " ".join([said.capitalize(), *chance.choices(_OTHERS, k=chance.randint(1, 6))])

    return [(f"{seed}-{i}", [paragraph() for _ in range(4)]) for i in range(number)]


def reference() -> Reference:
    """Learn from 80 articles whose labels are what they say."""
    groups = articles(80, seed=1)
    texts = [text for _, found in groups for text in found]
    y_true = np.array([["rain" in text, "snow" in text] for text in texts])
    names = [name for name, found in groups for _ in found]
    errors = learn_errors(BUNDLE.scorer, y_true, BUNDLE.scorer.scores(texts), names)
    return Reference("none", BUNDLE.scorer.topics, errors, learn_sample(observe("80 articles", groups, BUNDLE)))


def save_model(folder: Path) -> Path:
    """Save the model with its reference, as the champion of an output folder."""
    path = folder / "champion.safetensors"
    save_bundle(path, BUNDLE)
    reference_path(path).write_text(reference().as_json(), encoding="utf-8")
    return path
