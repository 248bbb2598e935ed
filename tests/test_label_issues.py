import json

import numpy as np

from pipeline.evaluation.label_issues import label_noise
from pipeline.schema import LabelledParagraph


def test_suspect_rows_are_ranked_each_once() -> None:
    rows = [LabelledParagraph("a", i, f"text {i}") for i in range(3)]
    labels = np.array([[True, False], [True, False], [False, False]])
    given = np.array([[True, False], [False, True], [True, False]])
    scores = np.array([[0.9, 0.1], [0.2, 0.7], [0.95, 0.0]])
    first, second = map(json.loads, label_noise(rows, ["x", "y"], labels, given, scores).splitlines())
    assert first == {
        "rank": 1,
        "article": "a",
        "paragraph": 2,
        "contradiction": 0.95,
        "topic": "x",
        "score": 0.95,
        "topics": [],
        "suggested": ["x"],
        "text": "text 2",
    }
    assert (second["paragraph"], second["topic"], second["suggested"]) == (1, "x", ["y"])
