import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from pipeline.evaluation.metrics import figures, point

TOPICS = ("one", "two", "three")


def made(seed: int = 0, n: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    scores = generator.random((n, 3)).round(2)  # rounded: ties occur
    labels = generator.random((n, 3)) < scores * 0.7
    return labels, scores >= 0.55, scores


@pytest.mark.parametrize("seed", range(4))
def test_equals_scikit_learn(seed: int) -> None:
    labels, given, scores = made(seed)
    found = point(figures(TOPICS, labels, given, scores))
    for average in ("micro", "macro"):
        precision, recall, f1, _ = precision_recall_fscore_support(labels, given, average=average, zero_division=0)
        assert found[f"{average}_precision"] == pytest.approx(precision, abs=1e-12)
        assert found[f"{average}_recall"] == pytest.approx(recall, abs=1e-12)
        assert found[f"{average}_f1"] == pytest.approx(f1, abs=1e-12)
    assert found["macro_average_precision"] == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    by_topic = precision_recall_fscore_support(labels, given, average=None, zero_division=0)
    for column, topic in enumerate(TOPICS):
        for name, values in zip(("precision", "recall", "f1"), by_topic, strict=False):
            assert found[f"{topic}/{name}"] == pytest.approx(values[column], abs=1e-12)
        expected = average_precision_score(labels[:, column], scores[:, column])
        assert found[f"{topic}/average_precision"] == pytest.approx(expected, abs=1e-12)
    none = precision_recall_fscore_support(~labels.any(1), ~given.any(1), average="binary")
    for name, value in zip(("precision", "recall", "f1"), none, strict=False):
        assert found[f"none_{name}"] == pytest.approx(value, abs=1e-12)
    assert found["exact_match"] == pytest.approx((labels == given).all(1).mean(), abs=1e-12)


def test_weights_are_repetitions_of_rows() -> None:
    labels, given, scores = made()
    weights = np.random.default_rng(1).integers(0, 3, size=(120, len(labels)))  # more than one batch
    found = figures(TOPICS, labels, given, scores, weights.astype(float))
    for index in (0, 57, 119):
        repeat = np.repeat(np.arange(len(labels)), weights[index])
        alone = point(figures(TOPICS, labels[repeat], given[repeat], scores[repeat]))
        for name, values in found.items():
            assert values.shape == (120,)
            assert values[index] == pytest.approx(alone[name], abs=1e-12, nan_ok=True)


def test_a_topic_without_positive_rows_is_undefined_and_left_out_of_the_macro_average() -> None:
    labels, given, scores = made()
    labels[:, 1] = False
    found = point(figures(TOPICS, labels, given, scores))
    for name in ("precision", "recall", "f1", "average_precision"):
        assert np.isnan(found[f"two/{name}"])
    kept = [0, 2]
    assert found["macro_f1"] == pytest.approx(f1_score(labels[:, kept], given[:, kept], average="macro"))
    assert found["micro_f1"] == pytest.approx(f1_score(labels, given, average="micro"))


def test_rows_without_topic_are_scored() -> None:
    labels = np.array([[True], [False], [False], [False]])
    silent, noisy = np.array([[True], [False], [False], [False]]), np.array([[True]] * 4)
    scores = silent.astype(float)
    assert point(figures(["one"], labels, silent, scores))["none_recall"] == 1.0
    found = point(figures(["one"], labels, noisy, scores))
    assert (found["none_recall"], found["micro_precision"], found["exact_match"]) == (0.0, 0.25, 0.25)


def test_nothing_given_is_zero_not_an_error() -> None:
    labels = np.array([[True], [False]])
    found = point(figures(["one"], labels, np.zeros((2, 1), bool), np.zeros((2, 1))))
    assert (found["micro_precision"], found["micro_f1"], found["none_precision"]) == (0.0, 0.0, 0.5)
