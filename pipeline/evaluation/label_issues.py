"""Rank the training rows whose labels the out-of-fold answers contradict most, for a person to review."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.error_analysis import contradictions
from pipeline.schema import LabelledParagraph


def label_noise(
    rows: Sequence[LabelledParagraph],
    topics: Sequence[str],
    labels: NDArray[np.bool_],
    given: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> str:
    """Give suspect rows as JSON lines, most suspect first, each row once.

    `labels` and out-of-fold `given` are bool [n, k], out-of-fold `scores` float64 [n, k]. A line has the row's
    rank, id, labels, the labels suggested, the topic in dispute, its score, and the contradiction |score - label|.
    """
    first = {found.row: found for found in reversed(contradictions(labels, given, scores))}
    ranked = sorted(first.values(), key=lambda found: (-found.distance, found.row))
    return "".join(
        json.dumps(
            {
                "rank": rank,
                "article": rows[found.row].article,
                "paragraph": rows[found.row].paragraph,
                "contradiction": round(found.distance, 4),
                "topic": topics[found.column],
                "score": round(float(scores[found.row, found.column]), 4),
                "topics": _names(topics, labels[found.row]),
                "suggested": _names(topics, given[found.row]),
                "text": rows[found.row].text,
            },
            ensure_ascii=False,
        )
        + "\n"
        for rank, found in enumerate(ranked, 1)
    )


def _names(topics: Sequence[str], row: NDArray[np.bool_]) -> list[str]:
    return [topic for topic, yes in zip(topics, row, strict=True) if yes]
