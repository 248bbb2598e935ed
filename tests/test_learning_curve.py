from pipeline.schema import LabelledParagraph
from pipeline.steps.learning_curve import part

ROWS = [LabelledParagraph(f"a{i // 3}", i % 3, f"text {i}") for i in range(60)]


def test_a_share_is_of_whole_articles() -> None:
    rows = part(ROWS, 0.25, random_state=1)
    assert len({row.article for row in rows}) == 5
    assert len(rows) == 15


def test_a_smaller_share_is_within_a_larger_one() -> None:
    small, large = ({row.article for row in part(ROWS, share, random_state=1)} for share in (0.12, 0.5))
    assert small < large


def test_another_seed_takes_other_articles_and_the_order_of_rows_does_not_matter() -> None:
    taken = {row.article for row in part(ROWS, 0.25, random_state=1)}
    assert taken == {row.article for row in part(ROWS[::-1], 0.25, random_state=1)}
    assert taken != {row.article for row in part(ROWS, 0.25, random_state=2)}
