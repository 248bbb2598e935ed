import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import support

from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import DataError

Maker = Callable[..., support.Experiment]
TOPICS = ["bridge", "orchard"]
GOOD = {"article": "a1", "paragraph": 0, "text": "The old bridge is shut.", "topics": ["bridge"]}


def line(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode() + b"\n"


def test_reads_rows_in_order_with_optional_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line(writer="w1", date="2020-01-02") + b"\n" + line(paragraph=1, text="Pears.", topics=[]))
    first, second = corpus.read([path], TOPICS)
    assert (first.article, first.paragraph, first.topics, first.writer) == ("a1", 0, ("bridge",), "w1")
    assert (second.text, second.topics) == ("Pears.", ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (line(topics=["brigde"]), "unknown topic 'brigde', expected one of bridge, orchard"),
        (line(text="  "), "text is empty"),
        (line(text=3), "text: "),
        (line(paragraph="0"), "paragraph: "),
        (line(paragraph=True), "paragraph: "),
        (line(article=1, paragraph="0"), "article: "),
        (line(topics="bridge"), "topics: "),
        (line(topics=["bridge", "bridge"]), "a topic is given twice"),
        (b'{"article": "a1", "text": "x"}\n', "paragraph: "),
        (b'{"article": \n', "Invalid JSON"),
        (b"[]\n", ""),
        (b'{"article": "a1", "paragraph": 0, "text": "\xff"}\n', "not valid UTF-8 at byte 44"),
        (b'{"article": "a1", "paragraph": 0, "text": "\\ud800"}\n', ""),
        (line(), "duplicate id, first at"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(line() + content)
    with pytest.raises(DataError) as caught:
        corpus.read([path], TOPICS)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_repeated_paragraph_is_refused_and_a_repeated_heading_is_not(tmp_path: Path) -> None:
    text = "The old bridge is shut, and the council wants a new one by June."
    path = tmp_path / "a.jsonl"
    path.write_bytes(line() + line(article="a2") + line(article="a3", text=text) + line(article="a4", text=text))
    with pytest.raises(DataError, match=r"a\.jsonl:4: duplicate text, first at .*a\.jsonl:3"):
        corpus.read([path], TOPICS)
    assert len(corpus.read([path], TOPICS, unique=False)) == 4


def test_duplicates_are_found_across_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line())
    (tmp_path / "b.jsonl").write_bytes(line())
    with pytest.raises(DataError, match=r"b\.jsonl:1: duplicate id, first at .*a\.jsonl:1"):
        corpus.read([tmp_path], TOPICS)


def test_equal_texts_are_let_through_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line() + line(article="a2"))
    assert len(corpus.read([path], TOPICS, unique=False)) == 2


def test_none_is_not_unlabelled(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    absent = json.dumps({"article": "c", "paragraph": 0, "text": "three"}).encode()
    path.write_bytes(
        line(article="a", text="one", topics=[]) + line(article="b", text="two", topics=None) + absent
    )
    rows = corpus.read([path], TOPICS)
    assert [row.topics for row in rows] == [(), None, None]
    assert [row.article for row in corpus.labelled(rows)] == ["a"]


def test_an_unlabelled_row_is_counted_and_never_trained_on(experiment: Maker) -> None:
    data = support.rows()
    data[0]["topics"] = None
    del data[1]["topics"]
    data[2]["topics"] = []
    data[-1]["topics"] = None  # of the test set
    split = corpus.read_split(experiment(data=data).config, support.TOPICS)
    assert (split.unlabelled, len(split.test["day"])) == (3, 39)
    texts = {row.text for row in split.train}
    assert data[0]["text"] not in texts
    assert data[1]["text"] not in texts
    assert data[2]["text"] in texts


def test_a_test_set_is_whole_batches_by_writer(experiment: Maker) -> None:
    split = corpus.read_split(experiment().config, support.TOPICS)
    assert list(split.test) == ["day"]
    assert ({row.writer for row in split.train}, {row.writer for row in split.test["day"]}) == ({"a"}, {"t"})
    assert (len(split.train), len(split.test["day"])) == (120, 40)


def test_test_sets_keep_their_order_and_are_not_trained_on(experiment: Maker, tmp_path: Path) -> None:
    files = [
        support.write_rows(tmp_path / f"{name}.jsonl", support.made_rows(3, prefix=name, writer=name, seed=seed))
        for seed, name in enumerate("xy", 9)
    ]
    data = [*support.rows(), *support.made_rows(2, prefix="u", writer="u", seed=5)]
    sets = {"mixed": {"writers": ["u"]}, "day": {"writers": ["t"]}, "own": {"files": [str(f) for f in files]}}
    split = corpus.read_split(experiment({"data.test": sets}, data).config, support.TOPICS)
    assert {name: len(rows) for name, rows in split.test.items()} == {"mixed": 8, "day": 40, "own": 24}
    assert list(split.test) == ["mixed", "day", "own"]
    assert {row.writer for row in split.train} == {"a"}


def test_a_test_set_without_rows_is_refused(experiment: Maker, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows by test writer z"):
        corpus.read_split(experiment({"data.test": {"day": {"writers": ["z"]}}}).config, support.TOPICS)
    unlabelled = [{**row, "topics": None} for row in support.made_rows(1, prefix="x", writer="x", seed=9)]
    file = support.write_rows(tmp_path / "own.jsonl", unlabelled)
    other = support.write_rows(tmp_path / "other.jsonl", unlabelled)
    sets = {"day": {"files": [str(file)]}, "mixed": {"files": [str(other)]}}
    with pytest.raises(DataError, match="test set day: no row is labelled"):
        corpus.read_split(experiment({"data.test": sets}).config, support.TOPICS)


def test_a_repeated_text_is_refused_in_training_and_test_rows_unless_duplicates_are_allowed(
    experiment: Maker, tmp_path: Path
) -> None:
    data = [*support.rows(), {**support.rows()[1], "paragraph": 9}]
    with pytest.raises(DataError, match=r"made\.jsonl:161: duplicate text"):
        corpus.read_split(experiment(data=data).config, support.TOPICS)
    assert len(corpus.read_split(experiment({"data.duplicates": True}, data).config, support.TOPICS).train) == 121
    row = {**support.rows()[-1], "article": "x"}
    file = support.write_rows(tmp_path / "own.jsonl", [row, {**row, "paragraph": 9}])
    changes: dict[str, object] = {"data.test": {"day": {"files": [str(file)]}}}
    with pytest.raises(DataError, match=r"own\.jsonl:2: duplicate text"):
        corpus.read_split(experiment(changes).config, support.TOPICS)
    allowed = experiment({**changes, "data.duplicates": True}).config
    assert len(corpus.read_split(allowed, support.TOPICS).test["day"]) == 2


def test_the_fingerprint_of_test_sets_sees_a_row_and_a_name(experiment: Maker) -> None:
    test = corpus.read_split(experiment().config, support.TOPICS).test
    rows = test["day"]
    one = corpus.fingerprint_sets({"day": rows[:20], "mixed": rows[20:]})
    assert one == corpus.fingerprint_sets({"mixed": rows[:19:-1], "day": rows[19::-1]})
    others = [
        {"day": rows[:21], "mixed": rows[21:]},
        {"mixed": rows[:20], "day": rows[20:]},
        {"day": rows},
        {"day": rows[:20], "mixed": rows[20:-1]},
    ]
    assert one not in [corpus.fingerprint_sets(sets) for sets in others]


def test_reading_rows_imports_neither_scipy_nor_scikit_learn(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line())
    program = (
        "import sys; from pipeline.data import corpus; corpus.read([sys.argv[1]], ['bridge']);"
        "print(sorted({'scipy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_training_row_that_nearly_repeats_a_test_row_is_left_out(experiment: Maker) -> None:
    data = support.rows()
    data[0] = {**data[0], "text": f"{data[-1]['text'][:-1]} indeed."}
    split = corpus.read_split(experiment(data=data).config, support.TOPICS)
    assert split.near_test == 1
    assert data[0]["text"] not in {row.text for row in split.train}
    unlooked = experiment({"split.near_duplicate": None}, data).config
    assert corpus.read_split(unlooked, support.TOPICS).near_test == 0


@pytest.mark.parametrize(
    ("alike", "near_test"),
    [((0, 119, 120), 2), ((120, 123), 0), ((0, 119), 0)],  # rows 0 to 119 are trained on, 120 to 159 are tested on
)
def test_near_repeats_are_looked_for_between_training_and_test_rows_alone(
    experiment: Maker, alike: tuple[int, ...], near_test: int
) -> None:
    data = support.rows()
    for index in alike:
        data[index]["text"] = f"The old bridge over the river was shut to all traffic on Monday, day {index}."
    split = corpus.read_split(experiment(data=data).config, support.TOPICS)
    assert (split.near_test, len(split.train), len(split.test["day"])) == (near_test, 120 - near_test, 40)


def test_a_topic_with_no_training_row_is_refused(experiment: Maker) -> None:
    data = [{**row, "topics": [t for t in row["topics"] if t != "chess"]} for row in support.rows()]
    with pytest.raises(DataError, match="no training paragraph has topic chess"):
        corpus.read_split(experiment(data=data).config, support.TOPICS)


def test_a_topic_that_every_training_row_has_is_refused(experiment: Maker) -> None:
    data = [{**row, "topics": [*{*row["topics"], "chess"}]} for row in support.rows()]
    with pytest.raises(DataError, match="every training paragraph has topic chess"):
        corpus.read_split(experiment(data=data).config, support.TOPICS)


def test_label_matrix_is_in_column_order(tmp_path: Path) -> None:
    path = support.write_rows(
        tmp_path / "a.jsonl",
        [
            {"article": "a", "paragraph": 0, "text": "one", "topics": ["orchard"]},
            {"article": "a", "paragraph": 1, "text": "two", "topics": []},
            {"article": "a", "paragraph": 2, "text": "three", "topics": ["orchard", "bridge"]},
        ],
    )
    matrix = label_matrix(corpus.read([path], TOPICS), TOPICS)
    np.testing.assert_array_equal(matrix, [[False, True], [False, False], [True, True]])


def test_the_fingerprint_is_our_sha256_over_ids_texts_and_labels(tmp_path: Path) -> None:
    content = [
        {"article": "a", "paragraph": 0, "text": "one", "topics": ["orchard", "bridge"]},
        {"article": "a", "paragraph": 1, "text": "two", "topics": []},
        {"article": "a", "paragraph": 2, "text": "three", "topics": None},
    ]

    def fingerprint(rows: list[dict[str, object]]) -> str:
        return corpus.fingerprint(corpus.read([support.write_rows(tmp_path / "x.jsonl", rows)], TOPICS))

    rows = ["a\x1f0\x1fone\x1fbridge orchard", "a\x1f1\x1ftwo\x1f", "a\x1f2\x1fthree\x1f?"]
    digests = sorted(hashlib.sha256(row.encode()).hexdigest() for row in rows)
    first = fingerprint(content)
    assert first == hashlib.sha256("".join(digests).encode()).hexdigest()
    assert fingerprint(content[::-1]) == first
    relabelled = [{**content[0], "topics": ["bridge"]}, *content[1:]]
    assert fingerprint(relabelled) != first
    assert fingerprint([*content[:2], {**content[2], "topics": []}]) != first


def test_the_fingerprint_sees_rows_past_ten_thousand(tmp_path: Path) -> None:
    content = [{"article": "a", "paragraph": i, "text": f"row {i}", "topics": []} for i in range(10_050)]
    path = support.write_rows(tmp_path / "x.jsonl", content)
    before = corpus.fingerprint(corpus.read([path], TOPICS))
    content[-1]["topics"] = ["bridge"]
    assert corpus.fingerprint(corpus.read([support.write_rows(path, content)], TOPICS)) != before


def test_text_digests_ignore_case_and_white_space() -> None:
    same, different = corpus.text_digests(["A  bridge\nfell", "a bridge FELL "]), corpus.text_digests(["a bridge"])
    assert same[0] == same[1]
    assert same[0] != different[0]
    assert corpus.text_digests([]).shape == (0,)


def test_gzipped_rows_are_read_and_broken_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    packed = gzip.compress(line() * 1 + b"".join(line(article=str(i), text=f"no {i}") for i in range(200)))
    path.write_bytes(packed)
    assert len(corpus.read([path], TOPICS)) == 201
    flipped = bytearray(packed)
    flipped[len(packed) // 2 :] = bytes(255 - byte for byte in packed[len(packed) // 2 :])
    for broken in (packed[:-20], bytes(flipped), b"not gzip"):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=r"cannot be read|Invalid JSON|not valid UTF-8"):
            corpus.read([path], TOPICS)


def test_no_file_no_rows_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        corpus.read([tmp_path / "none.jsonl"], TOPICS)
    with pytest.raises(DataError, match=r"no \.jsonl"):
        corpus.read([tmp_path], TOPICS)
    (tmp_path / "a.jsonl").write_bytes(b"\n\n")
    with pytest.raises(DataError, match="no labelled paragraphs"):
        corpus.read([tmp_path], TOPICS)


@pytest.mark.parametrize(
    ("name", "packed"), [("a.jsonl", False), ("b.NDJSON", False), ("c.json", True), ("sub/d.json", False)]
)
def test_a_labelled_file_of_any_kind_is_read_from_a_folder(tmp_path: Path, name: str, *, packed: bool) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "._a.jsonl").write_bytes(b"\0\5\26\7")
    row = line(article=name).strip()
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (b"[" + row + b"]" if packed else row))
    assert [found.article for found in corpus.read([tmp_path], TOPICS)] == [name]


def test_a_misspelt_key_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    misspelt = line(article="a2").replace(b"topics", b"topcis")
    path.write_bytes(line() + misspelt)
    with pytest.raises(DataError, match=r"a\.jsonl:2: 'topcis': no such key, did you mean topics\?"):
        corpus.read([path], TOPICS)


def test_rows_without_a_label_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(line() + line(paragraph=1, topics=None) + line(paragraph=2, topics=None))
    rows, unlabelled = corpus.read_labelled([path], TOPICS)
    assert ([row.paragraph for row in rows], unlabelled) == ([0], 2)
    path.write_bytes(line(topics=None))
    with pytest.raises(DataError, match=r"a\.jsonl: no row is labelled"):
        corpus.read_labelled([path], TOPICS)


def test_unlabelled_rows_are_counted_by_test_set(experiment: Maker) -> None:
    data = support.rows()
    data[0]["topics"] = data[-1]["topics"] = data[-2]["topics"] = None
    split = corpus.read_split(experiment(data=data).config, support.TOPICS)
    assert (split.unlabelled, split.test_unlabelled, len(split.test["day"])) == (3, {"day": 2}, 38)


def test_a_test_set_is_chosen_by_articles(experiment: Maker) -> None:
    made = experiment({"data.test": {"day": {"articles": ["a003", "t001"]}}})
    split = corpus.read_split(made.config, support.TOPICS)
    assert {row.article for row in split.test["day"]} == {"a003", "t001"}
    assert (len(split.test["day"]), len(split.train)) == (8, 152)
    made = experiment({"data.test": {"day": {"articles": ["a003", "a999", "b1"]}}})
    with pytest.raises(DataError, match=r"articles: no rows by test article a999, b1"):
        corpus.read_split(made.config, support.TOPICS)


def test_a_test_set_is_drawn_by_share_whole_articles_and_every_topic(experiment: Maker) -> None:
    sets = {"day": {"writers": ["t"]}, "own": {"share": 0.2}, "more": {"share": 0.1}}
    split = corpus.read_split(experiment({"data.test": sets}).config, support.TOPICS)
    assert list(split.test) == ["day", "own", "more"]
    assert {name: len(rows) for name, rows in split.test.items()} == {"day": 40, "own": 20, "more": 8}
    parts = [{row.article for row in rows} for rows in (split.train, *split.test.values())]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40
    shares = label_matrix(split.test["own"], support.TOPICS).sum(0) / label_matrix(
        split.train, support.TOPICS
    ).sum(0)
    assert shares.min() > 0.12
    again = corpus.read_split(experiment({"data.test": sets}).config, support.TOPICS)
    assert again.test == split.test
    other = corpus.read_split(experiment({"data.test": sets, "random_state": 8}).config, support.TOPICS)
    assert other.test["own"] != split.test["own"]


def test_no_article_can_be_spared_and_two_sets_with_one_article(experiment: Maker) -> None:
    data = [row for row in support.rows() if row["article"] in ("a000", "a001")]
    with pytest.raises(DataError, match="test set day: no article can be held out"):
        corpus.read_split(experiment({"data.test": {"day": {"share": 0.5}}}, data).config, support.TOPICS)
    sets = {"day": {"writers": ["t"]}, "own": {"articles": ["t001"]}}
    with pytest.raises(DataError, match="article t001: in two test sets, day and own"):
        corpus.read_split(experiment({"data.test": sets}).config, support.TOPICS)


@pytest.mark.parametrize("near", [None, 0.5])
def test_a_test_file_in_the_training_folder_is_not_trained_on(experiment: Maker, near: float | None) -> None:
    made = experiment({"split.near_duplicate": near, "data.test": {"day": {"files": ["PLACE"]}}})
    file = support.write_rows(
        made.folder / "articles/sub/t.jsonl", support.made_rows(3, prefix="x", writer="x", seed=4)
    )
    made.config_file.write_text(made.config_file.read_text().replace("PLACE", str(file)))
    split = corpus.read_split(made.config, support.TOPICS)
    assert split.test_files == (str(file),)
    assert (len(split.test["day"]), len(split.train)) == (12, 160)
    assert "x" not in {row.writer for row in split.train}


def test_a_file_to_train_and_to_test_on_is_refused(experiment: Maker) -> None:
    made = experiment()
    file = str(made.folder / "articles/made.jsonl")
    for train, words in (
        ([file], "named in data.train and in the test set day"),
        ([str(made.folder / "articles")], "no file is left"),
    ):
        config = experiment({"data.train": train, "data.test": {"day": {"files": [file]}}}).config
        with pytest.raises(DataError, match=words):
            corpus.read_split(config, support.TOPICS)


@pytest.mark.parametrize(("duplicates", "left_out"), [(False, 2), (True, 0)])
def test_a_training_row_that_repeats_a_test_row_is_left_out_however_short(
    experiment: Maker, *, duplicates: bool, left_out: int
) -> None:
    data = support.rows()
    data[0]["text"], data[-1]["text"] = "Short  heading", "short HEADING"
    data[4]["text"] = data[-2]["text"] = (
        "The council read the letter again and the people of the village waited outside."
    )
    changes = {"split.near_duplicate": None, "data.duplicates": duplicates}
    made = experiment(changes, [row for row in data if row["writer"] == "a"])
    file = support.write_rows(made.folder / "t.jsonl", [row for row in data if row["writer"] == "t"])
    made = experiment(
        {**changes, "data.test": {"day": {"files": [str(file)]}}}, [r for r in data if r["writer"] == "a"]
    )
    split = corpus.read_split(made.config, support.TOPICS)
    assert (split.near_test, len(split.train)) == (left_out, 120 - left_out)
