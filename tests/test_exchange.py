"""`topics import` and `topics export`, from one store to every tool and back, by the real command line."""

import json
import shutil
from pathlib import Path

import pytest
import support

from pipeline.labelling import store
from pipeline.labelling.json_lines import read_tasks
from pipeline.labelling.task import Annotation, Decision, Task

CASES = Path(__file__).parent / "cases/exchange"
TOPICS = "topics: [{id: rain, title: Rain}, {id: high_wind, title: High wind}, {id: snow, title: Snow & ice}]"
TASKS = [
    Task(
        "It rained on.", "a", 1, (Annotation("Ada", ("rain",), comment="wet"), Annotation("Bo", (), doubtful=True))
    ),
    Task("=2+3, he said.", "a", 2, (Annotation("Ada", None),), Decision("Cy", ("snow",)), title="A title"),
    Task("Nobody has read this."),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a label set, its experiment and a file of annotations beside the model."""
    made = support.write_experiment(tmp_path)
    (tmp_path / "configs").mkdir()
    made.config_file.rename(tmp_path / "configs/default.yaml")
    (tmp_path / "topics.yaml").write_text(TOPICS, encoding="utf-8")
    store.add(tmp_path / "models/annotations.sqlite3", TASKS)
    return tmp_path


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("label-studio", "a.json"),
        ("doccano", "a.jsonl"),
        ("prodigy", "a.jsonl"),
        ("spacy", "a.jsonl"),
        ("tasks", "a.jsonl"),
        (None, "a.csv"),
        (None, "a.xlsx"),
    ],
)
def test_what_is_exported_is_imported_without_loss(form: str | None, name: str, folder: Path) -> None:
    choice = ["--format", form] if form else []
    done = support.run("export", *choice, "--output", name, cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("3 texts, 3 annotations by 2 people, 1 texts not labelled\n")
    done = support.run("import", name, "--annotations", "new.sqlite3", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert store.tasks(folder / "new.sqlite3") == TASKS
    done = support.run("import", name, "--output", "back.jsonl", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [task for _, task in read_tasks([folder / "back.jsonl"])] == TASKS


def test_what_is_known_is_not_added_twice_and_what_is_new_is_kept(folder: Path) -> None:
    for name in ("label-studio-1.23.2.json", "doccano-1.8.4.zip"):
        shutil.copy(CASES / name, folder)
    first = support.run("import", "label-studio-1.23.2.json", cwd=folder)
    assert first.stderr.splitlines()[-1] == (
        "models/annotations.sqlite3: 5 texts added, 0 known, 9 annotations added"
    )
    again = support.run("import", "doccano-1.8.4.zip", "label-studio-1.23.2.json", cwd=folder)
    assert again.stderr.splitlines()[-1] == (
        "models/annotations.sqlite3: 0 texts added, 5 known, 4 annotations added"
    )
    assert len(store.tasks(folder / "models/annotations.sqlite3")) == 8


def test_a_blind_export_has_texts_alone_and_the_labelling_config_lies_beside(folder: Path) -> None:
    done = support.run("export", "--format", "label-studio", "--blind", "--output", "blind.json", cwd=folder)
    assert done.stderr.splitlines()[0] == "blind.config.xml: belongs to it"
    rows = json.loads((folder / "blind.json").read_text(encoding="utf-8"))
    assert rows[0] == {"data": {"text": "It rained on.", "article": "a", "paragraph": 1}, "annotations": []}
    assert "Ada" not in (folder / "blind.json").read_text(encoding="utf-8")
    assert '<Choice value="High wind" alias="high_wind"/>' in (folder / "blind.config.xml").read_text("utf-8")


def test_the_export_goes_to_standard_output_and_takes_tasks_of_files(folder: Path) -> None:
    support.write_rows(folder / "rows.jsonl", [{"text": "It snowed.", "label": ["snow"]}])
    done = support.run("export", "rows.jsonl", "--format", "spacy", "--names", "title", cwd=folder)
    row = json.loads(done.stdout)
    assert row["cats"] == {"Rain": 0.0, "High wind": 0.0, "Snow & ice": 1.0}


def test_only_those_that_people_disagree_on_are_exported(folder: Path) -> None:
    done = support.run("export", "--state", "disagreeing", "--topic-columns", "--format", "csv", cwd=folder)
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == [
        "\ufefftext",
        "It rained on.",
        "It rained on.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["import", "bad.jsonl"],
            "error: bad.jsonl:2: unknown label 'fog', expected one of rain, high_wind, snow\n",
        ),
        (["import", "missing.jsonl"], "error: missing.jsonl: no such file\n"),
        (
            ["export", "bad.jsonl", "--format", "csv", "--output", "bad.jsonl"],
            "error: bad.jsonl: is the same file as the source bad.jsonl; write to another one\n",
        ),
        (
            ["export", "--format", "csv", "--annotations", "none.db"],
            "error: none.db: no annotations; name FILES, or label on the pages of `topics serve`\n",
        ),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(arguments: list[str], message: str, folder: Path) -> None:
    rows = [{"text": "a", "label": ["rain"]}, {"text": "b", "label": ["fog"]}]
    content = support.write_rows(folder / "bad.jsonl", rows).read_bytes()
    done = support.run(*arguments, cwd=folder)
    assert (done.returncode, done.stderr, done.stdout) == (1, message, "")
    assert (folder / "bad.jsonl").read_bytes() == content
    assert store.tasks(folder / "models/annotations.sqlite3") == TASKS
    assert not (folder / "none.db").exists()


def test_the_format_is_named_where_no_ending_tells_it(folder: Path) -> None:
    done = support.run("export", "--output", "a.jsonl", cwd=folder)
    assert done.returncode == 2
    assert "--format: expected one of label-studio, doccano, prodigy" in done.stderr
