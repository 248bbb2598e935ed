"""The model as MLflow serves it: this file and the bundle are logged, and nothing is pickled.

A request has a column `text`; the answer has one row for each, with the topics assigned and a score a topic, or
with the reason in `error` where there is no text.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from pipeline.model.bundle import load_bundle
from pipeline.predict.frame import predict_frame


class TopicModel(PythonModel):
    """Answer data frames from the bundle, with the same scores as every other door."""

    def load_context(self, context: Any) -> None:
        """Open the bundle that was logged beside this code."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame) -> pd.DataFrame:  # type: ignore[override]
        """Predict on n texts: a frame of n rows with their index, as `predict_frame` makes it."""
        texts = model_input["text"]
        if len(texts) == 1 and isinstance(texts.iloc[0], list):  # what MLflow makes of a dict of columns
            texts = pd.Series(texts.iloc[0], name="text", dtype=object)
        return predict_frame(self.bundle.scorer, texts)


set_model(TopicModel())
