import pytest

from pipeline.model.aggregation import aggregate

TEXT = "The council met on Monday and spoke for two hours about the bridge over the river."
HEADING = "What happens next"


def aggregated(*topics: list[str], heading: int = 0):
    return aggregate([TEXT] * len(topics) + [HEADING] * heading, [*topics, *[[]] * heading])


def test_an_article_is_about_what_two_paragraphs_and_15_percent_of_it_have() -> None:
    found = aggregated(["a"], ["a", "b"], [], [], [], [], [], [])
    assert (found.paragraphs, found.about, found.mentioned) == (8, {"a": 2}, {"b": 1})
    assert aggregated(["a"], ["a"], *[[]] * 11).about == {"a": 2}  # 15.4 %
    assert aggregated(["a"], ["a"], *[[]] * 12).about == {}  # 14.3 %


def test_one_paragraph_is_enough_in_a_short_article() -> None:
    assert aggregated(["a"], [], []).about == {"a": 1}
    assert aggregated(["a"], [], [], []).about == {}


def test_headings_and_bylines_do_not_count() -> None:
    found = aggregated(["a"], ["a"], *[[]] * 11, heading=9)
    assert (found.paragraphs, found.about) == (13, {"a": 2})
    only_in_a_heading = aggregate([TEXT, HEADING], [[], ["a"]])
    assert (only_in_a_heading.about, only_in_a_heading.mentioned) == ({}, {"a": 1})


def test_most_paragraphs_come_first() -> None:
    assert list(aggregated(["b"], ["a", "b"], ["a"], ["a"]).about) == ["a", "b"]
    assert list(aggregated(["b"], ["a"], *[[]] * 20, ["a"]).mentioned) == ["a", "b"]


def test_an_article_without_topics_is_about_nothing() -> None:
    found = aggregated([], [])
    assert (found.about, found.mentioned) == ({}, {})


def test_paragraphs_and_topics_are_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        aggregate([TEXT, TEXT], [["a"]])
