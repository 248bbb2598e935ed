"""Digests of literal stories: each once, under its first topic, those about it first, with counts that agree."""

from dataclasses import replace

import pytest
from made_digests import ARABIC, CLEARED, FORMULA, STORIES, WORDS, made_digest

from pipeline.archive.digest.build import cleaned
from pipeline.archive.queries import Story, TopicCount


def layout(stories: tuple[Story, ...] = STORIES, **changes: object) -> dict[str, tuple[list[int], ...]]:
    """Return the ids of each section's stories: about, mentioned, elsewhere."""
    return {
        section.topic.id: tuple(
            [entry.story.id for entry in entries]
            for entries in (section.about, section.mentioned, section.elsewhere)
        )
        for section in made_digest(stories, **changes).sections
    }


def test_a_story_stands_once_under_its_first_topic() -> None:
    assert layout() == {"mines": ([11], [], []), "schools": ([13], [12], [11]), "": ([], [14], [])}


def test_about_stands_before_mentioned_whatever_the_order_of_the_stories() -> None:
    digest = made_digest((FORMULA, ARABIC))
    assert [
        (heading, [entry.story.id for entry in entries]) for heading, entries in digest.sections[0].groups
    ] == [
        ("About", [13]),
        ("Mentioned", [12]),
    ]


def test_of_the_topics_asked_for_the_others_are_no_sections() -> None:
    assert layout(wanted=("schools",)) == {"schools": ([13], [11, 12], []), "": ([], [14], [])}


def test_quotations_are_those_that_speak_most_in_the_order_of_the_text() -> None:
    entry = made_digest((CLEARED,), quotations=2).sections[0].entries[0]
    assert [quotation.number for quotation in entry.quotations] == [1, 4]
    assert entry.more == 2


def test_quotations_speak_for_the_topic_that_is_asked_for() -> None:
    entry = made_digest((CLEARED,), quotations=1, wanted=("schools",)).sections[0].entries[0]
    assert [quotation.number for quotation in entry.quotations] == [3]


def test_counts_are_of_what_the_digest_holds() -> None:
    assert [section.count for section in made_digest().sections] == [
        TopicCount("mines", 1, 2, 3),
        TopicCount("schools", 3, 3, 3),
        TopicCount("", 1, 1, 1),
    ]
    assert made_digest().summary == "4 stories in 5 articles of 4 outlets."


def test_a_timeline_has_every_day_of_the_last_fourteen() -> None:
    days = made_digest().sections[0].days
    assert (len(days), days[0], days[-3:]) == (
        14,
        ("2026-02-20", 0),
        (("2026-03-03", 1), ("2026-03-04", 4), ("2026-03-05", 0)),
    )
    assert made_digest(last_day="2026-03-04").sections[0].days[-1] == ("2026-03-04", 4)


def test_more_stories_than_it_may_hold_are_told() -> None:
    assert made_digest(most=2).summary == "2 stories in 3 articles of 3 outlets; there are more than are shown."
    assert made_digest(most=4).cut is False


def test_an_empty_digest_says_so() -> None:
    digest = made_digest(())
    assert (digest.sections, digest.summary) == ((), "Nothing new in this period.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\n b\t c", "a b c"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("half \ud83d", "half \ufffd"),
        ("\ufffe", "\ufffd"),
        ("😀", "😀"),
    ],
)
def test_texts_stand_in_one_line_and_can_be_written_as_xml(text: str, expected: str) -> None:
    story = replace(
        WORDS,
        title=text,
        articles=(replace(WORDS.articles[0], title=text, outlet=text),),
        quotations=(replace(WORDS.quotations[0], text=text),),
    )
    found = cleaned(story)
    texts = (found.title, found.articles[0].title, found.articles[0].outlet, found.quotations[0].text)
    assert set(texts) == {expected}
