import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drifting import articles, reference, save_model
from handmade_model import BUNDLE
from prometheus_client import CollectorRegistry
from serving import serving

from pipeline.evaluation.drift import Sums, columns
from pipeline.monitoring.sample import observe
from pipeline.serve.drift_metrics import DriftMetrics

TOPICS = BUNDLE.scorer.topics
REFERENCE = reference()


def described(sums: Sums, *, known: bool = True) -> CollectorRegistry:
    registry = CollectorRegistry()
    DriftMetrics(registry).set(TOPICS, sums, REFERENCE if known else None)
    return registry


def value(registry: CollectorRegistry, name: str, topic: str | None = None) -> float:
    found = registry.get_sample_value(name, {"topic": topic} if topic else {})
    assert found is not None
    return found


def window(**how: tuple[float, float]) -> Sums:
    assert REFERENCE.sample
    sums = observe("window", articles(50, seed=2, **how), BUNDLE).sums(REFERENCE.sample.edges)
    return sums.total(np.ones((1, 50)))


def test_the_window_stands_beside_the_reference() -> None:
    sums = window(shares=(0.6, 0.1))
    found = described(sums)
    assert value(found, "topics_window_paragraphs") == 200
    assert value(found, "topics_reference_paragraphs") == 320
    assert value(found, "topics_window_rate", "wet") == sums["assigned"][0, 0] / 200
    assert value(found, "topics_window_rate", "none") == sums["assigned"][0, 2] / 200
    assert 2 * value(found, "topics_reference_rate", "wet") < value(found, "topics_window_rate", "wet")
    assert value(found, "topics_window_oov_share") == sums["oov"][0] / sums["terms"][0]
    assert value(found, "topics_window_psi", "wet") > 0.3
    assert value(found, "topics_window_psi", "cold") < 0.1
    assert 0 < value(found, "topics_window_expected_f1", "wet") <= 1
    assert 0 < value(found, "topics_reference_expected_micro_f1") <= 1


def test_an_empty_window_is_not_known() -> None:
    found = described(Sums(2, np.zeros((1, columns(2)))))
    assert value(found, "topics_window_paragraphs") == 0
    for name in ("topics_window_rate", "topics_window_psi", "topics_window_expected_f1"):
        assert math.isnan(value(found, name, "wet"))
    assert math.isnan(value(found, "topics_window_oov_share"))


def test_without_a_reference_only_the_window_is_known() -> None:
    sums = window()
    found = described(sums, known=False)
    assert value(found, "topics_window_rate", "wet") == sums["assigned"][0, 0] / 200 > 0
    assert math.isnan(value(found, "topics_window_psi", "wet"))
    assert math.isnan(value(found, "topics_reference_rate", "wet"))


def test_topics_of_a_model_before_are_gone() -> None:
    registry = CollectorRegistry()
    metrics = DriftMetrics(registry)
    metrics.set(TOPICS, window(), REFERENCE)
    metrics.set(("dry",), Sums(1, np.zeros((1, columns(1)))), None)
    assert registry.get_sample_value("topics_window_rate", {"topic": "wet"}) is None
    assert registry.get_sample_value("topics_window_rate", {"topic": "dry"}) is not None


def test_a_service_with_several_processes_counts_all_its_predictions(tmp_path: Path) -> None:
    save_model(tmp_path)
    groups = articles(24, seed=3, shares=(0.5, 0.1))
    with serving(tmp_path, tmp_path, "--workers", "3") as running, ThreadPoolExecutor(6) as clients:
        bodies = [{"texts": texts, "threshold": "balanced"} for _, texts in groups]
        answers = list(clients.map(lambda body: running.ask("/v1/predict", body).json()["predictions"], bodies))
        figures = running.ask("/metrics").body.decode()
    rows = [row for answer in answers for row in answer]
    read = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in figures.splitlines() if line[0] != "#"
    }
    assert len(rows) == read["topics_window_paragraphs"] == read["topics_paragraphs_total"] == 96
    for topic in (*TOPICS, "none"):
        share = sum(topic in (row["topics"] or ["none"]) for row in rows) / 96
        assert read[f'topics_window_rate{{topic="{topic}"}}'] == pytest.approx(share)
    assert read['topics_window_psi{topic="wet"}'] > 0.1
    assert read["topics_reference_paragraphs"] == 320
    assert not any(word in figures for word in ("river", "nobody"))
