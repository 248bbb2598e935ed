import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade_model import BUNDLE, LABELS, ROWS, TEXTS

from pipeline.data.corpus import label_matrix
from pipeline.errors import BundleError
from pipeline.model.bundle import reference_path
from pipeline.monitoring.reference import (
    Reference,
    is_reference,
    learn_errors,
    learn_sample,
    parse_reference,
    read_reference,
)
from pipeline.monitoring.sample import by_article, observe

TOPICS = BUNDLE.scorer.topics
Y_TRUE = label_matrix(ROWS, TOPICS)
SAMPLE = learn_sample(observe("made-up rows", by_article((row.article, row.text) for row in ROWS), BUNDLE))
ERRORS = learn_errors(BUNDLE.scorer, Y_TRUE, BUNDLE.scorer.scores(TEXTS), [row.article for row in ROWS])
REFERENCE = Reference("none", TOPICS, ERRORS, SAMPLE)


def test_it_lies_beside_the_model() -> None:
    assert reference_path(Path("models/champion.safetensors")) == Path("models/champion.reference.json")


def test_errors_are_learnt_for_every_point_topic_and_none() -> None:
    assert list(ERRORS) == ["balanced"]
    assert list(ERRORS["balanced"]) == ["wet", "cold", "none"]
    assigned = BUNDLE.scorer.labels(BUNDLE.scorer.scores(TEXTS))
    assert LABELS[4] == ("wet",)
    assert assigned[:, 0].tolist() == [True, False, True, False, False, False]  # the rain of Peru is missed
    assert ERRORS["balanced"]["wet"].assigned_with.mean == pytest.approx(2.5 / 4)
    assert ERRORS["balanced"]["wet"].assigned_without.mean == pytest.approx(0.5 / 4)
    assert ERRORS["balanced"]["none"].prior == pytest.approx(2 / 6)


def test_errors_are_those_of_the_prevalence_asked_for() -> None:
    weighted = learn_errors(
        BUNDLE.scorer, Y_TRUE, BUNDLE.scorer.scores(TEXTS), [row.article for row in ROWS], prevalence=0.85
    )
    assert weighted["balanced"]["none"].prior == pytest.approx(0.85)


def test_a_topic_without_a_positive_row_has_no_errors() -> None:
    nothing = np.zeros((6, 2), bool)
    assert learn_errors(BUNDLE.scorer, nothing, BUNDLE.scorer.scores(TEXTS), ["a"] * 6) == {"balanced": {}}


def test_a_sample_keeps_sums_and_words_of_several_articles_and_no_text() -> None:
    assert (len(SAMPLE.sums.values), SAMPLE.articles) == (3, 3)
    assert SAMPLE.words == {"the": 3, "rain": 3, "snow": 3}
    assert "Chile" not in REFERENCE.as_json()


def test_of_many_articles_some_are_drawn() -> None:
    groups = [(str(i), ["the rain"]) for i in range(700)]
    found = learn_sample(observe("many", groups, BUNDLE))
    assert (len(found.sums.values), found.articles, found.words) == (500, 700, {"rain": 700, "the": 700})


def test_it_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "small.reference.json"
    path.write_text(REFERENCE.as_json(), encoding="utf-8")
    assert is_reference(path)
    found = read_reference(path, BUNDLE)
    assert (found.run_id, found.topics, found.errors) == ("none", TOPICS, ERRORS)
    assert found.sample is not None
    np.testing.assert_allclose(found.sample.sums.values, SAMPLE.sums.values, atol=1e-4)
    np.testing.assert_array_equal(found.sample.edges.scores, SAMPLE.edges.scores)
    assert found.sample.words == SAMPLE.words
    assert parse_reference(Reference("a", TOPICS).as_json(), "here") == Reference("a", TOPICS)


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(REFERENCE.as_json()), **values})


def without(key: str) -> str:
    content = json.loads(REFERENCE.as_json())
    del content["sample"][key]
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a readable reference"),
        (REFERENCE.as_json()[:200], "not a readable reference"),
        ("[]", "not a readable reference"),
        (changed(kind="other"), "kind 'other'"),
        (changed(version=2), "reference format 2, this version reads 1; evaluate again"),
        (changed(topics=["wet", 3]), "text expected"),
        (changed(topics=["wet"]), "expected"),
        (without("edges"), "'edges'"),
        (changed(errors={"balanced": {"wet": {"prior": 1}}}), "not a readable reference"),
        (REFERENCE.as_json().replace('"prior": 0.5', '"prior": 1e999'), "a number is not finite"),
    ],
)
def test_what_is_no_reference_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(BundleError, match=rf"^here: .*{reason}"):
        parse_reference(text, "here")


def test_that_of_another_model_is_refused_and_a_missing_one_told(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    with pytest.raises(BundleError, match=r"r\.json: no reference of the model; run `topics evaluate`"):
        read_reference(path, BUNDLE)
    path.write_text(replace(REFERENCE, run_id="other").as_json(), encoding="utf-8")
    with pytest.raises(BundleError, match="reference of run other, the model is of run none; evaluate again"):
        read_reference(path, BUNDLE)
    path.write_bytes(b"\xff")
    with pytest.raises(BundleError, match="cannot be read"):
        read_reference(path, BUNDLE)


def test_another_file_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text('{"text": "the rain"}', encoding="utf-8")
    assert not is_reference(tmp_path / "text.json")
    assert not is_reference(tmp_path / "missing.json")
    assert not is_reference(tmp_path)
