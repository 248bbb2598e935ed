"""Counting what a corpus holds."""

from pipeline.data import statistics as census
from pipeline.schema import LabelledParagraph, Topic

TOPICS = (Topic("rain", "Rain"), Topic("wind", "Wind"))


def row(text, *topics, **more):
    return LabelledParagraph("a", 0, text, topics, **more)


def test_topics_are_counted_with_none_and_several():
    rows = [row("it rains", "rain"), row("it rains and blows", "rain", "wind"), row("it is dull")]
    assert [line[:2] for line in census.topic_table(rows, TOPICS)[1:]] == [
        ["Rain", "2"],
        ["Wind", "1"],
        ["none", "1"],
        ["two or more", "1"],
        ["all", "3"],
    ]
    assert census.pair_table(rows, TOPICS)[1:] == [["Rain + Wind", "1"]]


def test_values_come_most_frequent_first_with_the_share_that_has_a_topic():
    rows = [row("x", genre="speech"), row("y", "rain", genre="news"), row("z", genre="news")]
    table = census.value_table(rows, "genre", lambda found: found.genre or "-")
    assert table[1:] == [["news", "2", "50%"], ["speech", "1", "0%"]]


def test_decades_and_lengths_have_names():
    assert census.decade(row("x", date="1994-05")) == "1990s"
    assert census.decade(row("x")) == "undated"
    assert census.length(row("word " * 30)) == "up to 30 words"
    assert census.length(row("word " * 31)) == "up to 60 words"
    assert census.length(row("word " * 181)) == "over 180 words"


def test_agreement_is_cohens_kappa_over_rows_that_were_read_twice():
    both = [("rain",), ("rain",), (), ()]
    reader = [("rain",), (), (), ()]
    rows = [row("x", writer_topics=w, reader_topics=r) for w, r in zip(both, reader, strict=True)]
    table = census.agreement_table([*rows, row("unread")], (TOPICS[0],))
    assert table[1] == ["Rain", "1", "1", "0", "0.500"]


def test_a_name_is_listed_with_the_topic_that_it_goes_with():
    rows = [row("in the north of Narnia it rained", "rain"), row("the king of Narnia slept", "rain")]
    rows += [row("a ship from Narnia came"), row("the port of Archenland burnt")]
    assert census.name_table(rows)[1] == ["Narnia", "3", "rain", "0.67"]


def test_repeated_skeletons_lower_the_share_of_distinct_ngrams():
    varied = [row("one two three four five"), row("six seven eight nine ten")]
    alike = [row("one two three four five"), row("one two three four six")]
    assert census.distinct_ngrams(varied, n=3) == 1.0
    assert census.distinct_ngrams(alike, n=3) < 0.5
