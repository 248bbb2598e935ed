import numpy as np

from pipeline.evaluation.slices import SliceRule, slices
from pipeline.schema import LabelledParagraph

ROWS = [
    LabelledParagraph("a", 0, "one two", genre="Local paper, 1998", region="Wales", date=None),
    LabelledParagraph("a", 1, "word " * 30, genre="wire", region=None, date="2024-05-01"),
    LabelledParagraph("b", 0, "word " * 90, genre=None, region="Peru"),
]
Y_TRUE = np.array([[True, True], [False, False], [True, False]])
RULES = [SliceRule("genre", "local", "local|town"), SliceRule("genre", "news", "wire|paper")]


def test_every_row_is_in_one_group_of_each_kind() -> None:
    found = slices(ROWS, Y_TRUE, RULES)
    named = {key: np.flatnonzero(rows).tolist() for key, rows in found.items()}
    assert named == {
        ("genre", "local"): [0],
        ("genre", "news"): [1],
        ("genre", "not stated"): [2],
        ("decade", "1990s"): [0],
        ("decade", "2020s"): [1],
        ("decade", "not stated"): [2],
        ("length", "  1 to 20 words"): [0],
        ("length", " 21 to 40 words"): [1],
        ("length", " 81 words and more"): [2],
        ("topics", "several"): [0],
        ("topics", "none"): [1],
        ("topics", "one"): [2],
    }


def test_what_no_rule_matches_is_other() -> None:
    found = slices(ROWS, Y_TRUE, [SliceRule("region", "South America", "peru")])
    assert found["region", "other"].tolist() == [True, False, False]
