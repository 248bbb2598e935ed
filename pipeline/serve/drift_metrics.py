"""Metrics of drift for Prometheus: what was predicted within the last hour, beside the reference of the model."""

import math
from collections.abc import Sequence

import numpy as np
from prometheus_client import CollectorRegistry, Gauge

from pipeline.evaluation.drift import Sums, stability_index
from pipeline.evaluation.performance import expected_metrics
from pipeline.monitoring.reference import NONE, Reference

_TOPIC = ("topic",)


class _Described:
    """The gauges of one sample: of the window, or of the reference."""

    def __init__(self, prefix: str, of: str, registry: CollectorRegistry) -> None:
        def gauge(name: str, said: str, labels: Sequence[str] = ()) -> Gauge:
            return Gauge(f"{prefix}_{name}", f"{said}, {of}", labels, registry=registry)

        self.paragraphs = gauge("paragraphs", "Paragraphs")
        self.rate = gauge("rate", "Share of paragraphs that are assigned a topic, or none", _TOPIC)
        self.oov = gauge("oov_share", "Share of terms that are out of the vocabulary")
        self.f1 = gauge("expected_f1", "F1 to be expected by the scores", _TOPIC)
        self.micro_f1 = gauge("expected_micro_f1", "Micro-F1 to be expected by the scores")

    def set(self, topics: Sequence[str], sums: Sums) -> None:
        """Describe a sample by its sums; without a paragraph, nothing is known of it."""
        n, terms = float(sums["paragraphs"][0]), float(sums["terms"][0])
        self.paragraphs.set(n)
        self.oov.set(float(sums["oov"][0]) / terms if terms else math.nan)
        self.rate.clear()
        for topic, assigned in zip((*topics, NONE), sums["assigned"][0].tolist(), strict=True):
            self.rate.labels(topic).set(assigned / n if n else math.nan)
        expected = expected_metrics(topics, sums.expected)
        self.f1.clear()
        for topic in topics:
            self.f1.labels(topic).set(float(expected[f"{topic}/f1"][0]))
        self.micro_f1.set(float(expected["micro_f1"][0]))


class DriftMetrics:
    """The metrics of drift of one service; what is not known is NaN.

    Parameters
    ----------
    registry : CollectorRegistry

    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._window = _Described("topics_window", "within the last hour", registry)
        self._reference = _Described("topics_reference", "in the model's reference", registry)
        self._psi = Gauge(
            "topics_window_psi",
            "Population stability index of a topic's scores within the last hour to the reference",
            _TOPIC,
            registry=registry,
        )

    def set(self, topics: Sequence[str], sums: Sums, reference: Reference | None) -> None:
        """Describe what a model of k topics predicted.

        Parameters
        ----------
        topics : sequence of str
        sums : Sums
            Of the window, in one row.
        reference : Reference or None

        """
        self._window.set(topics, sums)
        usual = Sums(sums.topics, np.zeros_like(sums.values))
        if reference and reference.sample:
            usual = reference.sample.sums.total(np.ones((1, len(reference.sample.sums.values))))
        self._reference.set(topics, usual)
        self._psi.clear()
        known = sums["paragraphs"][0] and usual["paragraphs"][0]
        for place, topic in enumerate(topics):
            index = stability_index(usual[f"bins/{place}"], sums[f"bins/{place}"])[0] if known else math.nan
            self._psi.labels(topic).set(float(index))
