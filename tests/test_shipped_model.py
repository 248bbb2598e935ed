"""The three kinds of behavioural tests, run on a model trained here on the shipped corpus.

A floor is what that model reaches less a little, and no more: raise it when the model gets better.
"""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from serving import serving

from pipeline.config import read_config, read_examples, read_topics
from pipeline.data import corpus
from pipeline.data.behaviour import read_behaviour
from pipeline.evaluation.behaviour import BehaviourCases, run_direction, run_invariance, run_minimum
from pipeline.model.bundle import Bundle, save_bundle
from pipeline.model.scorer import Scorer
from pipeline.schema import LabelledParagraph
from pipeline.steps.experiment import fit
from pipeline.text.paragraphs import split

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"hard cases of the codebook": 0.73, "short cases": 0.83}
Shipped = tuple[Scorer, list[LabelledParagraph], BehaviourCases]
SWAPS_FLOOR, DATELINES_FLOOR = 0.94, 0.99


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        config = read_config(Path("configs/default.yaml"))
        topics = read_topics(Path(config.data.topics))
        ids = [topic.id for topic in topics]
        split = corpus.read_split(config, ids)
        scorer = fit(config, split.train, topics, lambda done, total: None).model.scorer(ids)
        return scorer, split.test[config.data.headline], read_behaviour(config.data.behaviour, ids)


def test_minimum_functionality(shipped: Shipped) -> None:
    scorer, _, cases = shipped
    rates = {outcome.suite: outcome.passed.mean() for outcome in run_minimum(scorer, cases.minimum)}
    assert set(rates) == set(FLOORS)
    below = {name: rate for name, rate in rates.items() if rate < FLOORS[name]}
    assert not below


def test_direction(shipped: Shipped) -> None:
    scorer, _, cases = shipped
    outcomes = run_direction(scorer, cases.direction)
    assert [outcome.suite for outcome in outcomes] == ["clause added", "clause removed"]
    assert [failure for outcome in outcomes for failure in outcome.failures] == []


def test_invariance(shipped: Shipped) -> None:
    scorer, rows, cases = shipped
    swaps = dict.fromkeys(("swap", "numbers", "years"), SWAPS_FLOOR)
    floors = {**swaps, "prefix": DATELINES_FLOOR, "upper": 1.0, "quotes": 1.0}
    how = {change.name: change.how for change in cases.invariance}
    outcomes = run_invariance(scorer, rows, cases.invariance)
    below = {o.suite: o.passed.mean() for o in outcomes if o.passed.mean() < floors[how[o.suite]]}
    assert not below
    assert all(len(outcome.passed) >= 20 for outcome in outcomes)


READOUT = [
    (),
    (),
    (),
    (),
    ("cop29", "energy_security"),
    ("mine_action", "peace_process"),
    ("cybersecurity",),
    (),
    (),
]


def test_the_readout_is_labelled_as_the_codebook_says_and_the_guide_shows_it(shipped: Shipped) -> None:
    scorer = shipped[0]
    text = (ROOT / "docs/readout.txt").read_text(encoding="utf-8")
    labels = scorer.labels(scorer.scores([text[start:end] for start, end in split(text)]))
    given = [tuple(t for t, yes in zip(scorer.topics, row, strict=True) if yes) for row in labels]
    assert given == READOUT
    titles = {topic.id: topic.title for topic in read_topics(ROOT / "configs/topics.yaml")}
    example = re.search(r"```text\n(.*?)```", (ROOT / "docs/predict.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example
    lines = re.findall(r"^ {2}\d  (.*)$", example[1], re.MULTILINE)
    shown = [tuple(t for t, title in titles.items() if f"{title} " in line) for line in lines]
    assert shown == READOUT


def test_the_pictures_in_docs_show_this_model(shipped: Shipped, tmp_path: Path) -> None:
    scorer = shipped[0]
    topics = read_topics(ROOT / "configs/topics.yaml")
    about = {"most_frequent": "", "run_id": "none"}
    examples = read_examples(ROOT / "configs/topics.yaml")
    shown = Bundle(scorer, topics, np.zeros(0, np.uint64), about, examples)
    save_bundle(tmp_path / "champion.safetensors", shown)
    pictures = runpy.run_path(str(ROOT / "docs/screenshots.py"))
    report = pictures["write_report"](tmp_path, tmp_path)
    pictures["write_queue"](tmp_path / "annotations.sqlite3")
    with serving(tmp_path, tmp_path) as service:
        shown = pictures["texts"](service.url, report)
    for name, text in shown.items():
        pictured = (ROOT / f"docs/{name}.txt").read_text(encoding="utf-8")
        assert pictures["differences"](pictured, text) == [], f"docs/{name}.png is old: run make screenshots"
