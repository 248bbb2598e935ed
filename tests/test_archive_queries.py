from pathlib import Path
from typing import Any

import pytest
from small_archive import ARTICLES, TOPICS, add_model, fill

from pipeline.archive import queries
from pipeline.archive.database import open_archive
from pipeline.archive.queries import DayCount, OutletCount, StoryCount, TopicCount
from pipeline.archive.selection import Selection
from pipeline.errors import ArchiveError

TALKS, FIELD, SEASON = (
    "Talks resume in the capital",
    "Field cleared near the village",
    "Orchestra opens the season",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("archive") / "archive.sqlite3")


def found(path: Path, **selection: Any) -> list[queries.Story]:
    with open_archive(path) as database:
        kept = queries.stories(database, Selection(**selection), limit=10)
        assert queries.count_stories(database, Selection(**selection)) == len(kept)
        assert queries.story_page(database, Selection(**selection), limit=10).stories == tuple(kept)
        return kept


def test_a_story_is_shown_once_with_its_outlets_and_the_paragraphs_of_its_first_article(path: Path) -> None:
    talks, field = found(path)
    assert [talks.title, field.title] == [TALKS, FIELD]
    assert field.outlets == ("The Courier", "Evening Post")
    assert [article.day for article in field.articles] == ["2025-03-03", "2025-03-04"]
    assert field.articles[1].address == "https://post.example/mines?id=7"
    assert [quoted.text for quoted in field.quotations] == [text for text, _ in ARTICLES[0].paragraphs[:2]]
    assert {quoted.article for quoted in field.quotations} == {field.articles[0].id}


def test_a_quotation_has_its_scores_widest_first_and_what_is_around_it(path: Path) -> None:
    first, second = found(path)[0].quotations
    assert (first.number, first.before, first.after) == (0, "", second.text)
    assert second.before == first.text
    assert second.after == ARTICLES[2].paragraphs[2][0]
    assert list(second.scores.items()) == [("peace_process", 0.95), ("mine_action", 0.7)]


def test_what_an_article_is_about_comes_before_what_it_mentions(path: Path) -> None:
    talks, field = found(path)
    assert (talks.about, talks.mentioned) == (("peace_process",), ("mine_action",))
    assert (field.about, field.mentioned) == (("mine_action",), ())
    assert [story.title for story in found(path, topics=("mine_action",))] == [FIELD, TALKS]


@pytest.mark.parametrize(
    ("selection", "titles"),
    [
        ({"since": "2025-03-04"}, [TALKS, FIELD]),
        ({"until": "2025-03-03"}, [FIELD]),
        ({"since": "2025-03-06"}, []),
        ({"topics": ("peace_process",)}, [TALKS]),
        ({"topics": ("mine_action", "peace_process"), "outlets": ("The Courier",)}, [FIELD]),
        ({"topics": ("no topic",)}, []),
        ({"threshold": 0.95}, [TALKS]),
        ({"threshold": 0.951}, []),
        ({"threshold": 0.59}, [TALKS, FIELD, SEASON]),
        ({"threshold": 0.59, "topics": ("peace_process",)}, [TALKS, SEASON]),
        ({"threshold": 0.59, "topics": ("peace_process",), "words": "conductor"}, [SEASON]),
        ({"words": "orchestra"}, [TALKS, FIELD, SEASON]),
        ({"words": "ORCHESTRA season"}, [SEASON]),
        ({"words": '"orchestra will play"'}, [TALKS]),
        ({"words": '"will orchestra"'}, []),
        ({"words": "orchest*", "since": "2025-03-03"}, [TALKS, FIELD]),
        ({"words": "orchest"}, []),
        ({"words": "sappers", "topics": ("peace_process",)}, [TALKS]),
        ({"words": "sappers", "outlets": ("The Courier",)}, [FIELD]),
    ],
)
def test_a_selection_finds(path: Path, selection: dict[str, Any], titles: list[str]) -> None:
    assert sorted(story.title for story in found(path, **selection)) == sorted(titles)


def test_a_paragraph_without_a_topic_is_found_by_its_words(path: Path) -> None:
    (season,) = found(path, words="symphony")
    (quoted,) = season.quotations
    assert (quoted.scores, quoted.text[slice(*quoted.spans[0])]) == ({}, "symphony")
    assert (season.about, season.mentioned) == ((), ())


def test_a_threshold_below_the_models_own_shows_the_score_it_found(path: Path) -> None:
    (quoted,) = next(story for story in found(path, threshold=0.55) if story.title == SEASON).quotations
    assert quoted.scores == {"peace_process": 0.59}


def test_spans_are_places_in_the_text_whatever_its_characters_are(tmp_path: Path) -> None:
    text = "“Caf\u00e9” \U0001f3b5 peace, PEACE and a Peaceful caf\u00e9."
    article = ARTICLES[3].__class__("T", "O", "2025-01-01", ((text, (0.1, 0.9)),))
    (story,) = found(fill(tmp_path / "a.sqlite3", [article]), words="peace cafe")
    (quoted,) = story.quotations
    assert [text[start:end] for start, end in quoted.spans] == ["Caf\u00e9", "peace", "PEACE", "caf\u00e9"]


def test_stories_come_in_pages(path: Path) -> None:
    with open_archive(path) as database:
        pages = [queries.stories(database, Selection(), limit=1, offset=offset) for offset in range(3)]
    assert [[story.title for story in page] for page in pages] == [[TALKS], [FIELD], []]


def test_what_was_collected_before_can_be_left_out(path: Path) -> None:
    with open_archive(path) as database:
        since = "2025-03-04T06:00:00+00:00"
        kept = queries.stories(database, Selection(threshold=0.55), limit=9, collected_since=since)
        assert [story.title for story in kept] == [TALKS, FIELD]
        assert queries.count_stories(database, Selection(threshold=0.55), collected_since=since) == 2
        counts = queries.topic_counts(database, Selection(), collected_since="2025-03-05")
    assert counts == [TopicCount("mine_action", 0, 0, 0), TopicCount("peace_process", 0, 0, 0)]


def test_topics_are_counted_by_stories_articles_and_paragraphs(path: Path) -> None:
    with open_archive(path) as database:
        counted = queries.topic_counts(database, Selection())
        assert counted == [TopicCount("mine_action", 2, 3, 4), TopicCount("peace_process", 1, 1, 2)]
        counted = queries.topic_counts(database, Selection(topics=("peace_process",), words="border"))
        assert counted == [TopicCount("peace_process", 1, 1, 1)]


def test_a_page_of_stories_has_the_sums_of_the_whole_selection(path: Path) -> None:
    with open_archive(path) as database:
        page = queries.story_page(database, Selection(topics=("mine_action",)), limit=1, offset=1)
    assert ([story.title for story in page.stories], page.total) == ([TALKS], 2)
    assert page.topics == (TopicCount("mine_action", 2, 3, 4), TopicCount("peace_process", 1, 1, 2))


def test_days_are_counted_with_all_their_paragraphs(path: Path) -> None:
    with open_archive(path) as database:
        counted = queries.day_counts(database, Selection(topics=("peace_process",)))
        assert [(row.day, row.topic, row.hits, row.paragraphs) for row in counted] == [
            ("2025-03-01", "peace_process", 0, 2),
            ("2025-03-03", "peace_process", 0, 3),
            ("2025-03-04", "peace_process", 0, 1),
            ("2025-03-05", "peace_process", 2, 5),
        ]
        assert counted[3].scores == pytest.approx(0.8 + 0.95 + 3 * 0.3)
        narrow = queries.day_counts(database, Selection(outlets=("The Courier",), since="2025-03-02"))
        assert narrow[0] == DayCount("2025-03-03", "mine_action", 2, 3, pytest.approx(2.0))
        found_by_words = queries.day_counts(database, Selection(words="ceasefire", topics=("mine_action",)))
        assert [(row.hits, row.paragraphs) for row in found_by_words] == [(0, 2), (0, 3), (0, 1), (1, 5)]


def test_outlets_are_counted_the_largest_first(path: Path) -> None:
    with open_archive(path) as database:
        assert queries.outlets(database) == ["Evening Post", "The Courier"]
        assert queries.outlet_counts(database, Selection(topics=("mine_action",))) == [
            OutletCount("Evening Post", "mine_action", 2, 6),
            OutletCount("The Courier", "mine_action", 2, 5),
        ]
        assert queries.days(database) == ("2025-03-01", "2025-03-05")
        assert queries.days(database, until="2025-03-04") == ("2025-03-01", "2025-03-04")
        assert queries.days(database, until="2025-01-01") == ("2025-03-01", "2025-03-05")


def test_stories_are_counted_on_the_day_they_begin(path: Path) -> None:
    with open_archive(path) as database:
        counted = queries.story_counts(database, Selection(topics=("mine_action",)))
        assert [(row.day, row.stories, row.of) for row in counted] == [
            ("2025-03-01", 0, 1),
            ("2025-03-03", 1, 1),
            ("2025-03-05", 1, 1),
        ]
        narrow = queries.story_counts(database, Selection(since="2025-03-02", outlets=("The Courier",)))
        assert narrow == [
            StoryCount("2025-03-03", "mine_action", 1, 1),
            StoryCount("2025-03-03", "peace_process", 0, 1),
        ]


def test_an_article_has_its_paragraphs_and_the_others_of_its_story(path: Path) -> None:
    with open_archive(path) as database:
        kept = queries.article(database, 1)
        assert queries.article(database, 99) is None
    assert kept is not None
    assert [(row.number, row.topics) for row in kept.paragraphs] == [
        (0, ("mine_action",)),
        (1, ("mine_action",)),
        (2, ()),
    ]
    assert kept.paragraphs[2].scores == {"mine_action": 0.2, "peace_process": 0.3}
    assert [kept.text[row.start : row.end] for row in kept.paragraphs] == [
        text for text, _ in ARTICLES[0].paragraphs
    ]
    assert (kept.facts.title, kept.facts.about) == (FIELD, ("mine_action",))
    assert [other.outlet for other in kept.others] == ["Evening Post"]


def test_the_newest_complete_model_answers(tmp_path: Path) -> None:
    path = fill(tmp_path / "a.sqlite3")
    with open_archive(path) as database:
        with database:
            add_model(database, TOPICS, complete=False)
        assert len(queries.stories(database, Selection(), limit=9)) == 2
        with database:
            database.execute("UPDATE models SET complete = 1")
        assert queries.stories(database, Selection(), limit=9) == []
        assert [row.hits for row in queries.day_counts(database, Selection())] == []


def test_an_archive_without_articles_answers_with_nothing(tmp_path: Path) -> None:
    with open_archive(tmp_path / "a.sqlite3", create=True) as database:
        assert queries.shown_model(database) is None
        assert queries.stories(database, Selection(), limit=9) == []
        assert queries.count_stories(database, Selection()) == 0
        assert queries.topic_counts(database, Selection()) == []
        assert queries.day_counts(database, Selection()) == []
        assert queries.outlet_counts(database, Selection()) == []
        assert (queries.outlets(database), queries.days(database), queries.article(database, 1)) == (
            [],
            None,
            None,
        )


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(path: Path, tmp_path: Path) -> None:
    file = fill(tmp_path / "a.sqlite3")
    with open_archive(file) as reader, open_archive(file) as writer, queries.snapshot(reader):
        assert len(queries.stories(reader, Selection(), limit=9)) == 2
        with writer:
            writer.execute("DELETE FROM articles")
        assert len(queries.stories(reader, Selection(), limit=9)) == 2
    with open_archive(file) as reader:
        assert queries.stories(reader, Selection(), limit=9) == []


def test_words_that_are_no_query_are_an_error(path: Path) -> None:
    with pytest.raises(ArchiveError, match="no letter or digit"):
        found(path, words="***")
