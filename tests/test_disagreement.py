"""What people say of the same texts, by topic, by pair, and where they differ, by the real command line, too."""

import json
from pathlib import Path

import pytest
import support

from pipeline.evaluation.estimates import Estimate
from pipeline.labelling.disagreement import LABEL_SETS, disagreement, measure
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.schema import Topic

TOPICS = (Topic("rain", "Rain"), Topic("wind", "Wind"))


def task(text: str, article: str = "", **said: tuple[str, ...] | None) -> Task:
    return Task(text, article, annotations=tuple(Annotation(person, topics) for person, topics in said.items()))


TASKS = [
    task("a", "x", Ada=("rain",), Bo=("rain",)),
    task("b", "x", Ada=("rain", "wind"), Bo=("rain",)),
    task("c", "y", Ada=(), Bo=()),
    task("d", "y", Ada=(), Bo=("wind",), Cy=()),
    task("e", Ada=("rain",), Bo=None),
    task("f", Ada=("rain",)),
    task("g"),
]


def test_people_are_compared_on_the_texts_that_at_least_two_labelled() -> None:
    found = measure(TASKS, TOPICS, random_state=1)
    assert (found.texts, found.articles, found.people) == (4, 2, ("Ada", "Bo", "Cy"))
    assert found.topics["topic"].tolist() == ["Rain", "Wind", LABEL_SETS]
    assert found.topics["texts differ"].tolist() == [0, 2, 2]
    assert found.topics["prevalence"].tolist() == ["44.4%", "22.2%", "-"]
    alphas = [estimate.value for estimate in found.topics["alpha"]]
    assert alphas == pytest.approx([1.0, 1 - 8 * 2 / (2 * 7), 1 - 8 * (10 / 3) / (154 / 3)])
    assert found.pairs["kappa of"].tolist() == ["Ada + Bo", "Ada + Cy", "Bo + Cy"]
    assert found.pairs["texts"].tolist() == [4, 1, 1]
    assert [found.pairs.loc[0, name].value for name in ("Rain", "Wind")] == pytest.approx([1.0, -1 / 3])
    assert str(found.pairs.loc[1, "Rain"]) == "-"


def test_intervals_are_over_articles() -> None:
    one = [task(str(place), "x", Ada=("rain",), Bo=("rain",) if place % 3 else ()) for place in range(12)]
    other = [task(f"other {place}", "y", Ada=(), Bo=()) for place in range(12)]
    estimate = measure([*one, *other], TOPICS, random_state=1).topics.loc[0, "alpha"]
    assert isinstance(estimate, Estimate)
    assert estimate.low < 0 < estimate.value  # a resample of the first article alone agrees less than by chance
    assert measure(one, TOPICS, random_state=1).topics.loc[0, "alpha"].low == pytest.approx(-0.15)


def test_the_last_that_a_person_says_counts_and_a_decision_does_not() -> None:
    changed = Task(
        "a",
        annotations=(Annotation("Ada", ("rain",)), Annotation("Bo", ()), Annotation("Ada", ())),
        decision=Decision("Cy", ("wind",)),
    )
    assert measure([changed], TOPICS, random_state=1).disagreeing == ()


def test_where_people_differ_is_told_with_all_they_say() -> None:
    given = (Annotation("Ada", ("rain", "wind"), comment="gusts"), Annotation("Bo", ("rain",)))
    found = Task("a", "x", 3, given, Decision("Cy", ("rain",)))
    assert disagreement(found) == {
        "task": found.id,
        "article": "x",
        "paragraph": 3,
        "text": "a",
        "disputed": ["wind"],
        "labels": {"Ada": ["rain", "wind"], "Bo": ["rain"]},
        "comments": {"Ada": "gusts"},
        "decided": ("rain",),
    }


def test_nobody_to_compare_is_no_error() -> None:
    found = measure(TASKS[4:], TOPICS, random_state=1)
    assert (found.texts, found.disagreeing) == (0, ())
    assert [str(alpha) for alpha in found.topics["alpha"]] == ["-", "-", "-"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = support.write_experiment(tmp_path)
    (tmp_path / "configs").mkdir()
    made.config_file.rename(tmp_path / "configs/default.yaml")
    for person, labels in {"ada": ["chess", "none", "bridge"], "bo": ["chess", "none", "orchard"]}.items():
        rows = [
            f"The {word} text of the day,{label}"
            for word, label in zip(("one", "two", "six"), labels, strict=True)
        ]
        (tmp_path / f"{person}.csv").write_text("\n".join(["text,topics", *rows]), encoding="utf-8")
    return tmp_path


def test_a_file_for_each_person_is_compared(folder: Path) -> None:
    done = support.run("agreement", "ada.csv", "bo.csv", "--disagreeing", "open.jsonl", cwd=folder)
    assert done.stdout.startswith(
        "3 texts of 3 articles labelled by at least two of 2 people, 1 of them differently"
    )
    assert "ada + bo" in done.stdout
    assert done.stderr == "open.jsonl: 1 texts on which people differ\n"
    (row,) = support.json_lines((folder / "open.jsonl").read_text(encoding="utf-8"))
    assert (row["disputed"], row["labels"]) == (["bridge", "orchard"], {"ada": ["bridge"], "bo": ["orchard"]})
    done = support.run("agreement", "ada.csv", "bo.csv", "--format", "json", cwd=folder)
    found = json.loads(done.stdout)
    assert found["topics"][2]["topic"] == "Chess"
    assert found["topics"][2]["alpha"]["value"] == 1.0
    assert found["disagreeing"] == [row]


def test_texts_that_are_nearly_the_same_are_listed_with_what_differs(folder: Path) -> None:
    text = "The old crossing over the river was closed on {} after the council met and {} its report on the pier."
    rows = [
        {"article": "a", "paragraph": 1, "text": text.format("Monday", "read"), "topics": ["bridge"]},
        {"article": "b", "paragraph": 1, "text": text.format("Monday", "heard"), "topics": []},
        {"article": "c", "paragraph": 1, "text": text.format("Monday", "saw"), "topics": ["bridge"]},
    ]
    support.write_rows(folder / "rows.jsonl", rows)
    done = support.run("contradictions", "rows.jsonl", "--similarity", "0.5", cwd=folder)
    assert done.stdout.split("\n\n")[0] == (
        "rows.jsonl:1: bridge\nrows.jsonl:2: none\n  read / heard\n"
        "  The old crossing over the river was closed on Monday after the council met and read its report on th"
    )
    assert done.stderr == "2 pairs of 3 labelled texts contradict each other\n"
    done = support.run("contradictions", "rows.jsonl", "--similarity", "0.5", "--format", "json", cwd=folder)
    first, second = support.json_lines(done.stdout)
    assert (first["disputed"], first["changes"]) == (["bridge"], [["read", "heard"]])
    assert [second[side]["where"] for side in ("first", "second")] == ["rows.jsonl:2", "rows.jsonl:3"]


def test_without_a_file_of_annotations_there_is_nothing_to_compare(folder: Path) -> None:
    for command in ("agreement", "contradictions"):
        done = support.run(command, cwd=folder)
        what = "no annotations; name FILES, or label on the pages of `topics serve`"
        assert (done.returncode, done.stderr) == (1, f"error: models/annotations.sqlite3: {what}\n")
