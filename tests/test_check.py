"""What is wrong is told before the training, and what is left out is counted."""

from collections.abc import Callable

import pytest
import support

from pipeline.errors import ConfigError, DataError, TopicsError
from pipeline.steps.check import check
from pipeline.steps.experiment import fold_groups
from pipeline.steps.train import train

Maker = Callable[..., support.Experiment]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (
            {"gate": {"day": {"macro_f2": 0.5}}},
            ConfigError,
            "gate.day: macro_f2: no such metric; did you mean macro_f1?",
        ),
        (
            {"gate": {"day": {"F1": 0.5}}},
            ConfigError,
            "gate.day: F1: no such metric; expected one of micro_precision, ",
        ),
        (
            {"gate": {"day": {"chess/calibration_error": 0.1}}},
            ConfigError,
            "gate.day: chess/calibration_error: no such",
        ),
        ({"data.behaviour": "none/such"}, DataError, "none/such: no such folder"),
        ({"data.topics": "none.yaml"}, ConfigError, "none.yaml: no such file"),
        ({"data.test": {"day": {"articles": ["x"]}}}, DataError, "no rows by test article x"),
    ],
)
def test_what_would_fail_after_the_training_is_told_before_it(
    tracked: Maker, changes: dict[str, object], error: type[TopicsError], words: str
) -> None:
    made, steps = tracked(changes), []
    for step in (lambda: check(made.config), lambda: train(made.config, say=steps.append, progress=print)):
        with pytest.raises(error) as caught:
            step()
        assert words in str(caught.value)
    assert steps == []


def test_what_is_left_out_is_counted_in_a_line(experiment: Maker) -> None:
    data = support.rows()
    data[0]["topics"] = data[-1]["topics"] = data[-2]["topics"] = None
    lines = check(experiment(data=data).config).as_text().splitlines()
    assert lines[-2:] == [
        "all        119    38",
        "left out: 3 not labelled (2 in day), 0 nearly repeating a test paragraph",
    ]


def test_a_test_file_among_the_training_files_is_named(experiment: Maker) -> None:
    made = experiment({"data.test": {"day": {"files": ["articles/t.jsonl"]}}})
    file = support.write_rows(
        made.folder / "articles/t.jsonl", support.made_rows(3, prefix="x", writer="x", seed=4)
    )
    text = made.config_file.read_text(encoding="utf-8").replace("articles/t.jsonl", str(file))
    made.config_file.write_text(text, encoding="utf-8")
    assert check(made.config).as_text().endswith(f"not trained on, a file of a test set: {file}\n")


@pytest.mark.parametrize(
    ("articles", "cv", "near", "words"),
    [
        (1, 3, None, "all 40 training paragraphs are of one article; label at least two"),
        (
            4,
            5,
            None,
            "split.cv is 5, but there are only 4 groups to part; set split.cv to 4, or label more articles",
        ),
        (
            4,
            4,
            0.5,
            "only 2 groups to part, as near-duplicates tie the 4 articles together; set split.cv to 2, or",
        ),
        (2, 2, 0.5, "only 1 groups to part, as near-duplicates tie the 2 articles together; label more articles"),
    ],
)
def test_too_few_articles_for_the_folds_are_told_with_the_cause(
    experiment: Maker, articles: int, cv: int, near: float | None, words: str
) -> None:
    data = [row for row in support.rows() if row["writer"] == "a"][:40]
    for index, row in enumerate(data):
        row |= {"article": f"a{index % articles}", "paragraph": index}
    if near:
        for index in range(0, articles, 2):
            data[index]["text"] = (
                f"{data[index + 1]['text']} The people of the village read it again and again. Yes."
            )
            data[index + 1]["text"] = data[index]["text"].removesuffix(" Yes.")
    made = experiment({"split.cv": cv, "split.near_duplicate": near}, [*data, support.rows()[-1]])
    with pytest.raises(DataError) as caught:
        fold_groups(made.config, check(made.config).split.train)
    assert words in str(caught.value)
