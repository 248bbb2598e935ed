import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import support
from conftest import TrainedExperiment

import pipeline
from pipeline import TopicClassifier, TopicModel, compare, evaluate, load, load_corpus, load_topics
from pipeline.errors import BundleError, SourceError
from pipeline.steps.experiment import Trained

TEXTS = ["The old bridge and its viaduct were shut.", "The pawn took the knight.", "The council met on Monday."]


@pytest.fixture(scope="module")
def model(trained: TrainedExperiment) -> TopicModel:
    return load(trained.experiment.output)


def test_import_takes_nothing_along() -> None:
    code = (
        "import pipeline, sys; print(*{n.partition('.')[0] for n in sys.modules} & {'pandas', 'numpy', 'sklearn'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_name_that_is_offered_is_there() -> None:
    assert {"TopicClassifier", "TopicVectorizer", "load", "evaluate"} <= set(dir(pipeline))
    assert all(callable(getattr(pipeline, name)) for name in pipeline.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pipeline.nothing


def test_topics_are_a_frame_in_column_order(trained: TrainedExperiment) -> None:
    topics = load_topics(trained.experiment.folder / "topics.yaml")
    assert topics.index.tolist() == list(support.TOPICS)
    assert topics.loc["chess", "title"] == "Chess"
    assert topics.loc["chess", "keywords"] == ("chess",)


def test_the_corpus_is_a_frame_with_its_split_and_a_column_a_topic(trained: TrainedExperiment) -> None:
    corpus = load_corpus(trained.experiment.config_file)
    assert corpus["split"].value_counts().to_dict() == {"train": 120, "day": 40}
    rows = {row["text"]: row for row in support.rows()}
    for _, row in corpus.iterrows():
        assert [topic for topic in support.TOPICS if row[topic]] == sorted(
            rows[row["text"]]["topics"], key=support.TOPICS.index
        )


def test_predictions_have_named_columns_and_the_index_of_the_texts(model: TopicModel) -> None:
    series = pd.Series(TEXTS, index=["a", "b", "c"])
    scores, labels = model.predict_proba(series), model.predict(series)
    assert scores.columns.tolist() == labels.columns.tolist() == list(support.TOPICS)
    assert scores.index.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(scores, model.bundle.scorer.scores(TEXTS))
    np.testing.assert_array_equal(labels, scores >= model.thresholds["balanced"])
    assert labels.to_numpy().tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    with pytest.raises(ValueError, match="got a single str"):
        model.predict("The old bridge.")


def test_another_operating_point_decides_by_its_thresholds(model: TopicModel) -> None:
    scores = model.predict_proba(TEXTS)
    for point in ("precision", "recall"):
        np.testing.assert_array_equal(model.at(point).predict(TEXTS), scores >= model.thresholds[point])
    with pytest.raises(ValueError, match="no operating point 'strict'"):
        model.at("strict")


def test_an_explanation_sums_to_the_score_and_points_into_the_text(model: TopicModel) -> None:
    found = model.explain(TEXTS[0], ["bridge"], most=3)
    logit = found["contribution"].sum()
    assert 1 / (1 + np.exp(-logit)) == pytest.approx(model.predict_proba(TEXTS[:1]).loc[0, "bridge"], abs=1e-12)
    terms = found[~found["term"].str.startswith("(")]
    assert len(terms) == 3
    strongest = terms.iloc[0]
    assert TEXTS[0][strongest["start"] : strongest["end"]].lower() in ("bridge", "viaduct")
    assert model.explain(TEXTS[0])["topic"].unique().tolist() == list(support.TOPICS)


def test_files_become_a_row_a_paragraph(model: TopicModel, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    (tmp_path / "b.txt").write_text(TEXTS[1], encoding="utf-8")
    rows = model.predict_files([tmp_path / "a.txt", tmp_path / "b.txt"])
    assert rows["paragraph"].tolist() == [0, 1, 2, 0]
    assert rows["topics"].tolist() == [["bridge"], ["chess"], [], ["chess"]]
    assert rows["text"].tolist() == [*TEXTS, TEXTS[1]]
    np.testing.assert_array_equal(rows[list(support.TOPICS)][:3], model.predict_proba(TEXTS))
    with pytest.raises(SourceError, match="no such file"):
        model.predict_files([tmp_path / "none.txt"])


def test_what_is_saved_is_loaded(model: TopicModel, tmp_path: Path) -> None:
    model.save(tmp_path / "mine.safetensors")
    pd.testing.assert_frame_equal(
        load(tmp_path / "mine.safetensors").predict_proba(TEXTS), model.predict_proba(TEXTS)
    )
    with pytest.raises(BundleError, match="no trained model here"):
        load(tmp_path / "none.safetensors")


def test_from_corpus_to_metrics_with_intervals(trained: TrainedExperiment, fitted: Trained) -> None:
    corpus = load_corpus(trained.experiment.config_file)
    topics = load_topics(trained.experiment.folder / "topics.yaml")
    train, test = (corpus[corpus["split"] == name] for name in ("train", "day"))
    classifier = TopicClassifier(cv=3).fit(train["text"], train[topics.index], train["article"])
    model = TopicModel.from_classifier(classifier, topics)
    assert model.classes_.tolist() == topics.index.tolist()
    assert [topic.title for topic in model.bundle.topics] == topics["title"].tolist()
    found = evaluate(model, test["text"], test[topics.index], test["article"])
    assert found.columns.tolist() == ["value", "low", "high"]
    assert found.loc["macro_f1", "low"] <= found.loc["macro_f1", "value"] <= found.loc["macro_f1", "high"]
    assert found.loc["macro_f1", "value"] > 0.7
    pd.testing.assert_frame_equal(found, evaluate(classifier, test["text"], test[topics.index], test["article"]))
    with pytest.raises(ValueError, match="X has 40 texts, but y 39 rows"):
        evaluate(model, test["text"], test[topics.index][1:])


def test_two_models_are_compared_on_the_same_rows(trained: TrainedExperiment, model: TopicModel) -> None:
    corpus = load_corpus(trained.experiment.config_file)
    test = corpus[corpus["split"] == "day"]
    y = test[list(support.TOPICS)]
    itself = compare(model, model, test["text"], y, test["article"])
    assert (itself["value"].dropna() == 0).all()
    stricter = compare(model, model.at("precision"), test["text"], y, test["article"])
    assert stricter.columns.tolist() == ["first", "second", "value", "low", "high", "p_value"]
    np.testing.assert_allclose(stricter["second"] - stricter["first"], stricter["value"], atol=1e-12)
