"""The model as MLflow serves it: this file and the bundle are logged, and nothing is pickled.

A request has a column `text`; the answer has one row for each, with the topics given and a score a topic.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from pipeline.model.bundle import load_bundle


class TopicModel(PythonModel):
    """Answer data frames from the bundle, with the same scores as every other door."""

    def load_context(self, context: Any) -> None:
        """Open the bundle that was logged beside this code."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame) -> pd.DataFrame:  # type: ignore[override]
        """Label n texts: a frame of n rows with `topics` and a score column a topic."""
        scorer = self.bundle.scorer
        scores = scorer.scores([str(text) for text in model_input["text"]])
        labels = scorer.labels(scores)
        given = [[t for t, yes in zip(scorer.topics, row, strict=True) if yes] for row in labels]
        return pd.DataFrame({"topics": given, **dict(zip(scorer.topics, scores.T, strict=True))})


set_model(TopicModel())
