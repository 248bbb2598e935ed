"""Predict on a column of a DataFrame, as the model that MLflow serves does."""

from typing import Any

import pandas as pd

from pipeline.model.scorer import Scorer


def predict_frame(scorer: Scorer, texts: pd.Series) -> pd.DataFrame:
    """Predict on n texts.

    Parameters
    ----------
    scorer : Scorer
    texts : Series of n str
        Or of whatever else; what is no text is an error in its row, as in a table.

    Returns
    -------
    DataFrame
        A row a text, with the index of `texts`: `topics`, the assigned ones in a list; a score a topic, named by
        its id; and `error`, why there is no prediction. What a row does not have is None, in scores NA.

    """
    errors = [_error(text, str(texts.name)) for text in texts]
    readable = [error is None for error in errors]
    scores = scorer.scores([text if yes else "" for text, yes in zip(texts, readable, strict=True)])
    topics = [
        [topic for topic, assigned in zip(scorer.topics, row, strict=True) if assigned] if yes else None
        for row, yes in zip(scorer.labels(scores), readable, strict=True)
    ]
    columns = {
        topic: pd.Series(column, texts.index, "Float64").where(pd.Series(readable, texts.index, bool))
        for topic, column in zip(scorer.topics, scores.T, strict=True)
    }
    return pd.DataFrame(
        {
            "topics": pd.Series(topics, texts.index, object),
            **columns,
            "error": pd.Series(errors, texts.index, object),
        }
    )


def _error(text: Any, column: str) -> str | None:
    if isinstance(text, str):
        return None
    missing = pd.api.types.is_scalar(text) and pd.isna(text)
    return f"no text in column {column!r}" if missing else f"{column!r} is not text"
