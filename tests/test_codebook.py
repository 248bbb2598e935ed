from pathlib import Path

import pytest

from pipeline.config import read_topics
from pipeline.labelling.codebook import Ruling, read_codebook
from pipeline.schema import Topic

ROOT = Path(__file__).parents[1]
TOPICS = (Topic("baking", "Baking"), Topic("mine_action", "Mine action"))
TEXT = """# Codebook

Nothing before the first section counts.

## baking · Baking

Bread and *cakes*, with **yeast**.

Not: bricks.

## Rulings

- A loaf of [sugar](https://example.org): none.
- Bread as pay,
  or as wages: `baking`.

Words between are no ruling.

## Hard cases

| paragraph says | topics | why |
| --- | --- | --- |
| the bakery burnt down | none | a fire |
"""


def test_sections_of_topics_and_rulings_are_told_apart() -> None:
    found = read_codebook(TEXT, TOPICS)
    assert found is not None
    assert found.topics == {"baking": ("Bread and *cakes*, with yeast.", "Not: bricks.")}
    assert found.rulings == (
        Ruling("Rulings", "A loaf of sugar: none."),
        Ruling("Rulings", "Bread as pay, or as wages: baking."),
        Ruling("Hard cases", "the bakery burnt down: none: a fire"),
    )


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Wages were paid in bread.", ["Bread as pay, or as wages: baking."]),
        ("A fire: two bakeries burnt.", ["the bakery burnt down: none: a fire"]),
        ("Nothing of it.", []),
        ("", []),
    ],
)
def test_the_nearest_rulings_share_words_with_the_text(text: str, nearest: list[str]) -> None:
    found = read_codebook(TEXT, TOPICS)
    assert found is not None
    assert [ruling.text for ruling in found.nearest(text, most=1)] == nearest


@pytest.mark.parametrize("text", ["", "# Title\n", "## Other topic\n\n- A ruling.\n"])
def test_the_codebook_of_another_label_set_is_none(text: str) -> None:
    assert read_codebook(text, TOPICS) is None


def test_the_projects_own_codebook_is_read() -> None:
    text = (ROOT / "data/CODEBOOK.md").read_text(encoding="utf-8")
    topics = read_topics(ROOT / "configs/topics.yaml")
    found = read_codebook(text, topics)
    assert found is not None
    assert sorted(found.topics) == sorted(topic.id for topic in topics)
    asked = "Gas prices rose on hopes of truce talks."
    assert found.nearest(asked)[0].text.startswith("gas prices eased on hopes of a ceasefire")
