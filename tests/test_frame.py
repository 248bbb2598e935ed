import json
from pathlib import Path

import pandas as pd
import pytest
import support

from pipeline.model.bundle import load_bundle
from pipeline.model.scorer import Scorer
from pipeline.predict.frame import predict_frame

MINES = "Sappers cleared landmines from the field near the village, and demining goes on."
LUNCH = "The orchestra played in the garden, and lunch was served."


@pytest.fixture
def scorer(small_model: Path) -> Scorer:
    return load_bundle(small_model / "champion.safetensors").scorer


@pytest.mark.parametrize("index", [[7, 3, 5], ["a", "b", "a"], pd.date_range("2026-01-01", periods=3)])
def test_the_index_is_that_of_the_texts(scorer: Scorer, index: object) -> None:
    found = predict_frame(scorer, pd.Series([LUNCH, MINES, None], index, name="text"))
    assert found.index.equals(pd.Index(index))
    assert found["topics"].tolist() == [[], ["mine_action"], None]


def test_a_part_of_a_frame_is_joined_to_its_own_rows(scorer: Scorer) -> None:
    frame = pd.DataFrame({"text": [LUNCH, MINES, LUNCH, MINES], "lang": ["xx", "en", "xx", "en"]})
    joined = frame.join(predict_frame(scorer, frame[frame["lang"] == "en"]["text"]))
    assert joined["topics"].iloc[[1, 3]].tolist() == [["mine_action"], ["mine_action"]]
    assert joined["topics"].iloc[[0, 2]].isna().all()


@pytest.mark.parametrize("text", [None, float("nan"), pd.NA, pd.NaT])
def test_a_missing_text_is_an_error_in_its_row_as_in_a_table(
    scorer: Scorer, small_model: Path, tmp_path: Path, text: object
) -> None:
    found = predict_frame(scorer, pd.Series([text, MINES], name="text", dtype=object))
    table = support.write_rows(tmp_path / "t.jsonl", [{"text": None}, {"text": MINES}])
    first, second = support.run("predict", table, "--model", small_model).stdout.splitlines()
    assert found["error"].tolist() == [json.loads(first)["error"], None]
    assert (found["topics"].tolist(), json.loads(second)["topics"]) == ([None, ["mine_action"]], ["mine_action"])
    assert found[list(scorer.topics)].isna().all(axis=1).tolist() == [True, False]
    assert found["mine_action"][1] == pytest.approx(json.loads(second)["scores"]["mine_action"], abs=1e-6)


@pytest.mark.parametrize("text", [5, 2.5, b"bytes", ["list"], {"a": 1}, True])
def test_what_is_no_text_is_not_turned_into_words(scorer: Scorer, text: object) -> None:
    found = predict_frame(scorer, pd.Series([text], name="text", dtype=object))
    assert found["error"].tolist() == ["'text' is not text"]


@pytest.mark.parametrize("words", ["None", "nan", "<NA>", "", " "])
def test_words_for_nothing_are_texts(scorer: Scorer, words: str) -> None:
    found = predict_frame(scorer, pd.Series([words], name="text"))
    assert (found["topics"].tolist(), found["error"].tolist()) == ([[]], [None])
    assert found["mine_action"].tolist() == scorer.scores([words])[:, 0].tolist()


def test_types_do_not_depend_on_what_is_missing(scorer: Scorer) -> None:
    for texts in ([], [MINES], [None], [MINES, None]):
        found = predict_frame(scorer, pd.Series(texts, name="text", dtype=object))
        assert found.dtypes.astype(str).tolist() == ["object", "Float64", "Float64", "object"]
