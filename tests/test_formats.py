"""Labels go to other tools and come back without loss, and what a tool cannot say is counted."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from pipeline.errors import DataError, OutputError
from pipeline.labelling.formats import FORMATS, WRITTEN, read_files, recognise, write
from pipeline.labelling.formats.exchange import Reading, Writing
from pipeline.labelling.formats.labels import Labels
from pipeline.labelling.task import Annotation, Decision, Task
from pipeline.schema import Topic

CASES = Path(__file__).parent / "cases/exchange"
TOPICS = (Topic("rain", "Rain"), Topic("high_wind", "High wind"), Topic("snow", "Snow & ice"))
LABELS = Labels(TOPICS)
TITLES = Labels(TOPICS, written="title")

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
texts = st.text(characters, max_size=30)
words = st.text(characters, min_size=1, max_size=10).filter(str.strip)
topic_sets = st.sets(st.sampled_from(LABELS.ids)).map(
    lambda found: tuple(topic for topic in LABELS.ids if topic in found)
)
metas = st.dictionaries(
    st.sampled_from(["why", "rank", "other tool"]), st.one_of(st.integers(), texts), max_size=2
)
annotations = st.builds(
    Annotation,
    annotator=words,
    topics=st.none() | topic_sets,
    time=st.sampled_from(["", "2026-01-02T03:04:05+00:00", "yesterday"]),
    comment=texts,
    doubtful=st.booleans(),
    suggested=st.none() | topic_sets,
    model=texts,
    origin=words,
    meta=metas,
)
tasks = st.builds(
    Task,
    text=words,
    article=texts,
    paragraph=st.integers(0, 1000),
    annotations=st.lists(annotations, max_size=3, unique_by=repr).map(tuple),
    decision=st.none()
    | st.builds(Decision, reviewer=words, topics=st.none() | topic_sets, time=texts, comment=texts),
    title=st.none() | words,
    date=st.none() | words,
    source=st.none() | words,
    scores=st.dictionaries(st.sampled_from(LABELS.ids), st.floats(0, 1)),
    meta=metas,
)


@pytest.fixture(scope="module")
def there_and_back(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[list[Task], list[str]]]:
    folder = tmp_path_factory.mktemp("formats")

    def back(found: list[Task], form: str, labels: Labels = LABELS, **more: Any) -> tuple[list[Task], list[str]]:
        file = folder / f"alice{FORMATS[form].ending}"
        file.write_bytes(write(found, Writing(labels, **more), form).content)
        return read_files([file], Reading(labels), form)

    return back


@pytest.mark.parametrize("labels", [LABELS, TITLES], ids=["ids", "titles"])
@pytest.mark.parametrize("form", WRITTEN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(tasks, min_size=1, max_size=4, unique_by=lambda task: task.id))
def test_tasks_come_back_as_they_were(
    form: str, labels: Labels, found: list[Task], there_and_back: Callable[..., tuple[list[Task], list[str]]]
) -> None:
    back, notes = there_and_back(found, form, labels)
    assert back == found
    assert form == "doccano" or not notes


def read(file: Path, **more: Any) -> tuple[list[Task], list[str]]:
    return read_files([file], Reading(LABELS, **more))


def lines(file: Path, *rows: Any) -> Path:
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def said(task: Task) -> list[tuple[str, tuple[str, ...] | None, str, bool]]:
    return [(found.annotator, found.topics, found.comment, found.doubtful) for found in task.annotations]


EXPORTED = [  # what went into the tools from which the files in CASES come
    [("Ada", ("rain",), "quite sure", False), ("Bo", ("rain", "high_wind"), "", True)],
    [("Ada", (), "", False)],
    [("Bo", None, "not a paragraph", False)],
    [],
    [("Ada", ("high_wind", "snow"), "", False)],
]


def test_label_studio_gives_back_what_it_imported_and_what_was_labelled_in_it() -> None:
    tasks, notes = read(CASES / "label-studio-1.23.2.json")
    new = [
        [("1", ("rain",), "", True)],
        [("2", (), "", False)],
        [],
        [("2", ("rain", "snow"), "both fell", False)],
        [("2", None, "", False)],
    ]
    assert [said(task) for task in tasks] == [old + more for old, more in zip(EXPORTED, new, strict=True)]
    assert [task.decision and task.decision.topics for task in tasks] == [None, None, ("snow",), None, None]
    assert (tasks[0].title, tasks[0].article, tasks[0].paragraph) == ("A wet day", "a1", 1)
    assert tasks[4].scores == {"rain": 0.1, "high_wind": 0.9, "snow": 0.7}
    assert tasks[3].annotations[0].time == "2026-11-29T07:53:36.185045Z"
    assert tasks[3].meta["label-studio"]["inner_id"] == 4
    assert notes == []


def test_label_studio_without_what_it_carried_is_read_by_its_own_fields(tmp_path: Path) -> None:
    rows = json.loads((CASES / "label-studio-1.23.2.json").read_text(encoding="utf-8"))
    file = tmp_path / "foreign.json"
    file.write_text(json.dumps([{**row, "meta": {}} for row in rows]), encoding="utf-8")
    tasks, _ = read(file)
    assert said(tasks[0]) == [("1", ("rain",), "", True), ("1", ("rain", "high_wind"), "", True)]
    assert said(tasks[2]) == [("1", None, "not a paragraph", False)]
    assert [len(task.annotations) for task in tasks] == [2, 2, 1, 1, 2]
    file.write_bytes(write(tasks, Writing(LABELS), "label-studio").content)
    again = json.loads(file.read_text(encoding="utf-8"))
    first, theirs = again[0]["annotations"][0], rows[0]["annotations"][0]
    kept = ("id", "completed_by", "created_at", "updated_at", "unique_id", "lead_time")
    assert [first[name] for name in kept] == [theirs[name] for name in kept]
    assert [again[0][name] for name in ("id", "inner_id", "project")] == [1, 1, 1]
    assert read(file)[0] == tasks


def test_a_choice_made_from_a_prediction_has_it_as_suggestion(tmp_path: Path) -> None:
    def result(*names: str) -> list[dict[str, Any]]:
        return [{"from_name": "kind", "to_name": "t", "type": "choices", "value": {"choices": list(names)}}]

    row = {
        "data": {"text": "It snowed."},
        "predictions": [{"id": 9, "model_version": "m1", "result": result("Snow & ice", "rain")}],
        "annotations": [{"id": 3, "parent_prediction": 9, "completed_by": {"id": 4, "email": "ann@example.org"}}],
    }
    row["annotations"][0]["result"] = result("Snow & ice")
    (found,) = read(lines(tmp_path / "a.jsonl", row))[0]
    (annotation,) = found.annotations
    assert (annotation.annotator, annotation.topics) == ("ann@example.org", ("snow",))
    assert (annotation.suggested, annotation.model) == (("snow", "rain"), "m1")
    again = json.loads(write([found], Writing(LABELS), "label-studio").content)[0]
    assert again["predictions"] == row["predictions"]
    assert again["annotations"][0]["result"][0]["from_name"] == "kind"
    assert again["annotations"][0]["completed_by"] == {"id": 4, "email": "ann@example.org"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b"], "choices of several controls, a, b; call that of the topics `topics`"),
        ([], "no annotation has choices, found labels"),
    ],
)
def test_label_studio_with_other_questions_is_refused(names: list[str], message: str, tmp_path: Path) -> None:
    value = {"choices": ["rain"]}
    result = [{"from_name": name, "type": "choices", "value": value} for name in names]
    result += [] if names else [{"from_name": "ner", "type": "labels", "value": {}}]
    file = lines(tmp_path / "a.jsonl", {"data": {"text": "x"}, "annotations": [{"result": result}]})
    with pytest.raises(DataError, match=message):
        read(file)


def test_the_labelling_config_shows_titles_and_writes_ids() -> None:
    written = write([], Writing(Labels([Topic("a", "A & B", 'Of "A"')])), "label-studio")
    config = written.beside[".config.xml"].decode()
    assert '<Choice value="A &amp; B" alias="a" hint=\'Of "A"\'/>' in config
    by_title = write([], Writing(Labels([Topic("a", "A")], written="title")), "label-studio")
    assert '<Choice value="A"/>' in by_title.beside[".config.xml"].decode()


def test_doccano_gives_back_what_it_imported_and_adds_what_each_person_labelled() -> None:
    tasks, notes = read(CASES / "doccano-1.8.4.zip")
    new = [
        [("ben", ("high_wind",), "", False)],
        [],
        [("ann", ("snow",), "", False)],
        [("ben", ("high_wind", "snow"), "both fell", False)],
        [("ann", ("high_wind", "snow"), "", False)],
    ]
    assert [said(task) for task in tasks] == [old + more for old, more in zip(EXPORTED, new, strict=True)]
    assert [note.partition(": ")[2][:40] for note in notes] == [
        "2 texts without a label are read as not ",
        "2 labels are those that were exported: d",
        "2 texts without a label are read as not ",
    ]


def test_an_empty_list_of_doccano_is_none_where_all_texts_were_looked_at() -> None:
    file = CASES / "doccano-1.8.4-approved.zip"
    assert said(read(file, empty_is_none=True)[0][1]) == [("Ada", (), "", False), ("ben", (), "", False)]
    assert said(read(file)[0][1]) == [("Ada", (), "", False)]


def test_every_row_for_doccano_has_all_columns() -> None:
    tasks = [Task("a", title="A"), Task("b", annotations=(Annotation("x", ()),), meta={"doccano": {"id": 7}})]
    rows = [json.loads(line) for line in write(tasks, Writing(LABELS), "doccano").content.splitlines()]
    assert [set(row) for row in rows] == [{"text", "label", "title", "paragraph", "id", "topics_task"}] * 2
    assert None not in [value for row in rows for value in row.values()]


def test_a_text_that_was_changed_in_the_tool_loses_what_was_said_of_the_other(tmp_path: Path) -> None:
    task = Task("old", annotations=(Annotation("Ada", ("rain",)),))
    row = json.loads(write([task], Writing(LABELS), "doccano").content)
    tasks, notes = read(lines(tmp_path / "cy.jsonl", {**row, "text": "new", "label": ["snow"]}))
    assert [(found.text, said(found)) for found in tasks] == [("new", [("cy", ("snow",), "", False)])]
    assert notes[0].endswith(
        "1 texts were changed since they were exported: what was said of them before is left out"
    )


def test_spacy_labels_are_read_as_it_writes_them(tmp_path: Path) -> None:
    tasks, _ = read(CASES / "spacy-3.8.jsonl", annotator="nlp")
    expected = [None, (), ("snow",), None, ("high_wind", "snow")]
    assert [task.latest["nlp"].topics if task.annotations else None for task in tasks] == expected
    assert tasks[1].meta["spacy"]["tokens"][0] == {"id": 0, "start": 0, "end": 3}
    file = lines(tmp_path / "a.jsonl", {"text": "x", "cats": {"rain": 0.25, "SNOW": 1}})
    assert read(file)[0] == [Task("x", scores={"rain": 0.25, "snow": 1.0})]


PRODIGY: dict[str, Any] = {  # https://prodi.gy/docs/api-interfaces#choice
    "text": "It rained.",
    "_input_hash": 17,
    "_task_hash": 18,
    "options": [{"id": 1, "text": "Rain"}, {"id": "high_wind", "text": "Wind"}],
    "_view_id": "choice",
    "config": {"choice_style": "multiple"},
    "_session_id": "news-ada",
    "_annotator_id": "news-ada",
    "_timestamp": 1767323045,
    "meta": {"source": "wire"},
}


def test_prodigys_answers_are_joined_by_text(tmp_path: Path) -> None:
    other = {**PRODIGY, "_annotator_id": "news-bo", "_session_id": "news-bo"}
    file = lines(
        tmp_path / "a.jsonl",
        {**PRODIGY, "accept": [1, "high_wind"], "answer": "accept", "flagged": True, "comment": "why not"},
        {**other, "accept": [], "answer": "accept"},
        {**other, "_annotator_id": "news-cy", "accept": [1], "answer": "ignore"},
        {**other, "_annotator_id": "news-di", "accept": [1], "answer": "reject"},
        {"text": "Not yet.", "options": PRODIGY["options"]},
    )
    tasks, notes = read(file)
    assert [said(task) for task in tasks] == [
        [
            ("news-ada", ("rain", "high_wind"), "why not", True),
            ("news-bo", (), "", False),
            ("news-cy", None, "", False),
            ("news-di", None, "", False),
        ],
        [],
    ]
    assert (tasks[0].annotations[0].time, notes) == ("2026-01-02T03:04:05+00:00", [])
    written = write(tasks, Writing(LABELS), "prodigy").content.splitlines()
    rows = [json.loads(line) for line in written]
    assert [row.get("answer") for row in rows] == ["accept", "accept", "ignore", "reject", None]
    assert [rows[0][name] for name in ("_input_hash", "_timestamp", "meta")] == [
        17,
        1767323045,
        {"source": "wire"},
    ]
    assert rows[0]["accept"] == ["rain", "high_wind"]


def test_a_binary_answer_of_prodigy_is_refused(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"text": "x", "label": "rain", "answer": "accept"})
    with pytest.raises(DataError, match=r"a.jsonl:1: no `accept`: expected answers of the choice interface"):
        read(file)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.lists(tasks, min_size=1, max_size=4, unique_by=lambda task: task.id))
def test_tables_with_a_column_for_each_topic_come_back_as_well(
    form: str, found: list[Task], there_and_back: Callable[..., tuple[list[Task], list[str]]]
) -> None:
    assert there_and_back(found, form, TITLES, columns=True)[0] == found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text,topics\na,rain\nb,none\nc,\n", [("rain",), (), None]),
        (
            "text;label\na;Rain, High wind\nb;Snow & ice\nc;rain|snow\n",
            [("rain", "high_wind"), ("snow",), ("rain", "snow")],
        ),
        ('text,labels\na,"[""rain""]"\nb,[]\nc,rain#snow\n', [("rain",), (), ("rain", "snow")]),
        (
            "text,Rain,snow,High wind\na,1,0,0\nb,0,0,0\nc,,,\nd,x,,x\n",
            [("rain",), (), None, ("rain", "high_wind")],
        ),
    ],
)
def test_labelled_none_and_not_labelled_stay_apart_in_tables(
    content: str, expected: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "ada.csv"
    file.write_text(content, encoding="utf-8")
    tasks, _ = read(file)
    assert [task.latest["ada"].topics if task.annotations else None for task in tasks] == expected


def test_a_cell_that_a_spreadsheet_would_run_is_text() -> None:
    texts = ["=1+1", "+49 30", "-5 degrees", "@home", "'=quoted", "'tis", "plain"]
    found = [Task(text) for text in texts]
    content = write(found, Writing(LABELS), "csv").content.decode("utf-8-sig")
    cells = [row["text"] for row in csv.DictReader(content.splitlines())]
    assert cells == ["'=1+1", "'+49 30", "'-5 degrees", "'@home", "''=quoted", "'tis", "plain"]


def test_a_formula_in_a_workbook_is_typed_as_text(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(write([Task("=1+1")], Writing(LABELS), "xlsx").content)
    cell = load_workbook(file).worksheets[0]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_an_apostrophe_in_somebody_elses_table_is_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,topics\n'-5 degrees,none\n", encoding="utf-8")
    assert read(file)[0][0].text == "'-5 degrees"


@pytest.mark.parametrize("text", ["a\ud800", "x" * 32_768])
def test_what_a_workbook_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(OutputError, match=r"row 2: .*XLSX"):
        write([Task(text)], Writing(LABELS), "xlsx")


def test_half_a_character_is_refused_for_csv_and_kept_in_json(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="CSV cannot hold half a character"):
        write([Task("a\ud800")], Writing(LABELS), "csv")
    file = tmp_path / "a.json"
    file.write_bytes(write([Task("a\ud800")], Writing(LABELS), "label-studio").content)
    assert read(file)[0] == [Task("a\ud800")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            '{"text": "a", "label": ["rain"]}\n{"text": "b", "label": ["Rein"]}',
            r"a.jsonl:2: unknown label 'Rein', did you mean rain\? expected one of rain, high_wind, snow",
        ),
        ("a.csv", "text,topics\nx,rain\ny,fog\n", "a.csv: row 2: unknown label 'fog', expected one of rain"),
        ("a.csv", "text,rain\nx,maybe\n", "a.csv: row 1: rain: 'maybe', expected 1 or 0"),
        ("a.csv", "text,status,topics\nx,labelled,\n", "a.csv: row 1: no topics, but status is labelled"),
        ("a.csv", "text,status,topics\nx,done,rain\n", "a.csv: row 1: status: 'done', expected one of labelled"),
        ("a.jsonl", '{"text": "a", "label": ["rain"]}\n{"text": ', "a.jsonl:2: not JSON"),
        (
            "a.jsonl",
            '{"text": "a", "label": [[0, 1, "rain"]]}',
            "a.jsonl:1: label: expected a list of labels, as of a project of text classification",
        ),
        ("a.jsonl", '{"text": " ", "label": []}', "a.jsonl:1: text: expected a text that is not empty"),
        (
            "a.jsonl",
            '{"data": {"body": "a"}, "annotations": []}',
            "a.jsonl:1: no text in 'text', found body; see --text-column",
        ),
        ("a.jsonl", '{"body": "a"}', "a.jsonl: no format that is known, found body; see --format"),
        ("a.jsonl", "", "a.jsonl: it is empty"),
        ("a.yaml", "topics: []", "a.yaml: neither JSON nor a table with a header; see --format"),
        (
            "a.jsonl",
            '{"text": "a", "annotations": [{"annotator": "x", "topics": ["Rain"]}]}',
            "a.jsonl:1: unknown topic 'Rain', expected an id",
        ),
        ("a.jsonl", '{"text": "a", "label": [], "topics_task": "{"}', "a.jsonl:1: topics_task: not JSON"),
        ("a.jsonl", '{"text": "a", "cats": {"rain": "yes"}}', "a.jsonl:1: cats: rain: expected a number"),
        (
            "a.jsonl",
            '{"text": "a", "answer": "maybe", "accept": []}',
            "a.jsonl:1: answer: 'maybe', expected one of accept",
        ),
        ("a.zip", "PK\x03\x04", "a.zip: damaged archive"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_a_table_without_topics_is_read_as_not_labelled_and_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,kind\nx,rain\n", encoding="utf-8")
    tasks, notes = read(file)
    assert tasks == [Task("x", meta={"table": {"kind": "rain"}})]
    assert notes == [f"{file}: 1 tables have no column of topics: their texts are read as not labelled"]


def test_what_a_tool_does_not_show_is_counted() -> None:
    task = Task("x", annotations=(Annotation("Ada", ("rain",), comment="c"), Annotation("Bo", (), doubtful=True)))
    assert write([task], Writing(LABELS), "doccano").notes == (
        "not shown by doccano, carried in topics_task: 2 annotators, 1 comments, 1 doubts",
        "1 texts are written without a label: people disagree, or they are dropped",
    )
    assert write([task], Writing(LABELS), "csv").notes == ()


def test_formats_are_told_by_their_content(tmp_path: Path) -> None:
    found = [Task("a", annotations=(Annotation("Ada", ("rain",)),))]
    for form in WRITTEN:
        file = tmp_path / f"x.{'csv' if form == 'csv' else 'xlsx' if form == 'xlsx' else 'data'}"
        file.write_bytes(write(found, Writing(LABELS), form).content)
        assert recognise(file) == form
    assert (
        recognise(lines(tmp_path / "b", {"article": "a", "paragraph": 1, "text": "x", "topics": []})) == "labelled"
    )
    (tmp_path / "c").write_text("text,topics\na,rain\nb,none\n", encoding="utf-8")
    assert recognise(tmp_path / "c") == "csv"


def test_labelled_data_is_two_annotations_and_what_was_settled(tmp_path: Path) -> None:
    row = {"article": "a", "paragraph": 1, "text": "x", "topics": ["rain"], "genre": "wire"}
    read_twice = {**row, "text": "y", "paragraph": 2, "writer_topics": ["rain"], "reader_topics": []}
    tasks, _ = read(lines(tmp_path / "n1.jsonl", row, read_twice))
    assert [said(task) for task in tasks] == [
        [("n1", ("rain",), "", False)],
        [("writer", ("rain",), "", False), ("reader", (), "", False)],
    ]
    assert tasks[1].decision == Decision("", ("rain",))
    assert tasks[0].meta == {"labelled": {"genre": "wire"}}


def test_the_labels_of_one_text_in_several_files_are_one_task(tmp_path: Path) -> None:
    first = lines(tmp_path / "ada.jsonl", {"text": "It  rained.", "label": ["rain"], "id": 1})
    second = lines(tmp_path / "bo.jsonl", {"text": "It rained.", "label": [], "id": 2})
    tasks, notes = read_files([first, second], Reading(LABELS, empty_is_none=True))
    assert [said(task) for task in tasks] == [[("ada", ("rain",), "", False), ("bo", (), "", False)]]
    assert notes == ["1 texts repeat: their labels are joined, and what else the tool keeps is that of the first"]


def test_titles_that_are_not_told_apart_are_refused() -> None:
    twice = Labels([Topic("a", "Same"), Topic("b", "Same")], written="title")
    with pytest.raises(DataError, match="two topics are called 'Same': write ids instead of titles"):
        write([Task("x", annotations=(Annotation("Ada", ("a",)),))], Writing(twice), "prodigy")
    with pytest.raises(DataError, match="unknown label 'Same'"):
        twice.find("Same", "here")
    alike = Labels([Topic("same", "Other"), Topic("b", "Same")])
    assert [alike.find(name, "here") for name in ("same", "Same", "OTHER")] == ["same", "b", "same"]
    with pytest.raises(DataError, match="unknown label 'SAME'"):
        alike.find("SAME", "here")


def test_a_label_that_left_the_label_set_is_not_written() -> None:
    task = replace(Task("x"), annotations=(Annotation("Ada", ("hail",)),))
    with pytest.raises(DataError, match="unknown label 'hail'"):
        write([task], Writing(LABELS), "csv")
