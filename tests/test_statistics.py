"""Counting what a corpus holds."""

from pipeline.data import statistics
from pipeline.data.corpus import Split
from pipeline.schema import LabelledParagraph, Topic

TOPICS = (Topic("rain", "Rain"), Topic("wind", "Wind"))


def cells(table):
    return table.to_numpy().tolist()


def row(text, *topics, **more):
    return LabelledParagraph("a", 0, text, topics, **more)


def test_topics_are_counted_with_none_and_several():
    rows = [row("it rains", "rain"), row("it rains and blows", "rain", "wind"), row("it is dull")]
    assert cells(statistics.topic_counts(rows, TOPICS)) == [
        ["Rain", 2, "66.7%", "3"],
        ["Wind", 1, "33.3%", "4"],
        ["none", 1, "33.3%", "3"],
        ["two or more", 1, "33.3%", "4"],
        ["all", 3, "100.0%", "3"],
    ]
    assert cells(statistics.pair_counts(rows, TOPICS)) == [["Rain + Wind", 1]]


def test_the_split_is_counted_by_test_set():
    split = Split([row("one", "rain"), row("two")], {"day": [row("three", "wind")], "mixed": [row("four")]}, 0, 0)
    assert cells(statistics.split_counts(split)) == [["train", 1, 2, 1], ["day", 1, 1, 1], ["mixed", 1, 1, 0]]
    table = statistics.label_counts(split, TOPICS)
    assert list(table.columns) == ["rows with", "train", "day", "mixed"]
    assert cells(table) == [["Rain", 1, 0, 0], ["Wind", 0, 1, 0], ["none", 1, 0, 1], ["all", 2, 1, 1]]


def test_values_come_most_frequent_first_with_the_share_that_has_a_topic():
    rows = [row("x", genre="speech"), row("y", "rain", genre="news"), row("z", genre="news")]
    table = statistics.value_counts(rows, "genre", [found.genre for found in rows])
    assert cells(table) == [["news", 2, "50%"], ["speech", 1, "0%"]]


def test_decades_and_lengths_have_names():
    assert statistics.decade(row("x", date="1994-05")) == "1990s"
    assert statistics.decade(row("x")) == "undated"
    rows = [row("word " * number) for number in (30, 31, 181)]
    assert statistics.length_classes(rows) == ["up to 30 words", "up to 60 words", "over 180 words"]


def test_agreement_is_cohens_kappa_over_rows_that_were_read_twice():
    both = [("rain",), ("rain",), (), ()]
    reader = [("rain",), (), (), ()]
    rows = [row("x", writer_topics=w, reader_topics=r) for w, r in zip(both, reader, strict=True)]
    table = statistics.reader_agreement([*rows, row("unread")], (TOPICS[0],))
    assert cells(table) == [["Rain", 1, 1, 0, "0.500"]]


def test_agreement_is_undefined_where_nobody_read_twice_or_both_always_agree():
    assert cells(statistics.reader_agreement([row("unread")], TOPICS)) == [
        ["Rain", 0, 0, 0, "-"],
        ["Wind", 0, 0, 0, "-"],
    ]
    agreed = [row("x", writer_topics=("rain",), reader_topics=("rain",))] * 2
    assert cells(statistics.reader_agreement(agreed, TOPICS[:1])) == [["Rain", 2, 0, 0, "-"]]


def test_data_without_names_have_an_empty_table_of_names():
    assert cells(statistics.name_precision([row("it rains", "rain")])) == []


def test_a_name_is_listed_with_the_topic_that_it_goes_with():
    rows = [row("in the north of Narnia it rained", "rain"), row("the king of Narnia slept", "rain")]
    rows += [row("a ship from Narnia came"), row("the port of Archenland burnt")]
    assert cells(statistics.name_precision(rows)) == [
        ["Narnia", 3, "rain", "0.67"],
        ["Archenland", 1, "-", "0.00"],
    ]


def test_repeated_skeletons_lower_the_share_of_distinct_ngrams():
    varied = [row("one two three four five"), row("six seven eight nine ten")]
    alike = [row("one two three four five"), row("one two three four six")]
    assert statistics.distinct_ngrams(varied, n=3) == 1.0
    assert statistics.distinct_ngrams(alike, n=3) < 0.5
