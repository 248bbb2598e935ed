from pipeline.model.aggregation import aggregate


def test_an_article_is_about_what_a_quarter_of_it_is_about() -> None:
    found = aggregate([["a"], ["a", "b"], [], [], ["a"], [], [], []])
    assert (found.paragraphs, found.about, found.mentioned) == (8, {"a": 3}, {"b": 1})


def test_most_paragraphs_come_first() -> None:
    assert list(aggregate([["b"], ["a"], ["a"]]).about) == ["a", "b"]


def test_nothing_given_is_about_nothing() -> None:
    assert aggregate([[], []]).about == {}
