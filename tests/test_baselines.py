import numpy as np

from pipeline.evaluation.baselines import keyword_labels, most_frequent
from pipeline.schema import Topic

TOPICS = (
    Topic("mines", "Mines", keywords=("land mine", "de-mining")),
    Topic("cop", "COP", keywords=("COP29",)),
    Topic("rest", "Rest"),
)


def test_most_frequent_is_a_label_set_not_a_topic() -> None:
    labels = np.array([[0, 1], [1, 1], [1, 1], [1, 0], [0, 0]], bool)
    np.testing.assert_array_equal(most_frequent(labels), [True, True])
    np.testing.assert_array_equal(most_frequent(np.array([[1, 0], [0, 0], [0, 0]], bool)), [False, False])


def test_keywords_are_found_as_whole_words_whatever_case_and_hyphens() -> None:
    texts = ["A LAND-MINE at COP29's door", "the landmine", "gold mines of the land", "De mining", "cop 29", ""]
    expected = [[1, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(keyword_labels(texts, TOPICS), np.array(expected, bool))


def test_no_texts() -> None:
    assert keyword_labels([], TOPICS).shape == (0, 3)
