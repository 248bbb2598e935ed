import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("words", "group"),
    [(1, "  1 to 20"), (20, "  1 to 20"), (21, " 21 to 40"), (40, " 21 to 40"), (80, " 41 to 80"), (81, " 81")],
)
def test_lengths_are_bounded_inclusively(words: int, group: str) -> None:
    found = slices([LabelledParagraph("a", 0, "word " * words)], Y_TRUE[:1], [])
    ((_, name),) = [key for key in found if key[0] == "length"]
    assert name.startswith(f"{group} words")


def test_more_than_two_topics_are_several() -> None:
    assert ("topics", "several") in slices(ROWS[:1], np.ones((1, 3), bool), [])


def test_what_no_rule_matches_is_other() -> None:
    found = slices(ROWS, Y_TRUE, [SliceRule("region", "South America", "peru")])
    assert found["region", "other"].tolist() == [True, False, False]
