import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
import support
from serving import serving

from pipeline.data import corpus
from pipeline.errors import OutputError
from pipeline.serve.corrections import Correction, add, beside, check, export, latest, of_registered


def correction(text: str, *topics: str, article: str = "a", paragraph: int = 0) -> Correction:
    return Correction(article, paragraph, text, ("b",), topics, "run", "2025-01-01T00:00:00+00:00")


def test_what_is_kept_comes_back_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.sqlite3"
    add(path, correction("one", "a"))
    add(path, correction("two"))
    assert latest(path) == [correction("two"), correction("one", "a")]
    assert latest(path, most=1) == [correction("two")]


def test_export_is_labelled_data_and_the_latest_word_counts(tmp_path: Path) -> None:
    path, out = tmp_path / "c.sqlite3", tmp_path / "c.jsonl"
    for found in (correction("one", "a"), correction("two", paragraph=1), correction("one  ", "b")):
        add(path, found)
    add(path, correction("another text at the same place", "a"))
    out.write_text("\n".join(export(path)))
    rows = corpus.read([out], ["a", "b"])
    assert {(row.text.strip(), row.topics) for row in rows} == {
        ("one", ("b",)),
        ("two", ()),
        ("another text at the same place", ("a",)),
    }
    assert len({(row.article, row.paragraph) for row in rows}) == 3


def test_no_file_is_an_error_on_export_and_nothing_to_list(tmp_path: Path) -> None:
    assert latest(tmp_path / "no.sqlite3") == []
    with pytest.raises(OutputError, match="no corrections; they are made on the page"):
        list(export(tmp_path / "no.sqlite3"))


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    path.write_text(json.dumps({"not": "a database"}) * 100)
    with pytest.raises(OutputError, match="cannot save corrections"):
        add(path, correction("one"))


def test_a_correction_is_saved_listed_and_exported(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        text = "Sappers cleared landmines from the field."
        kept = running.ask("/v1/corrections", {"text": text, "topics": ["peace_process"]})
        assert kept.status == 201
        assert kept.json()["model_topics"] == ["mine_action"]
        assert running.ask("/v1/corrections").json() == [kept.json()]
        assert text in running.ask("/corrections").body.decode()
        refused = running.ask("/v1/corrections", {"text": text, "topics": ["nothing"]})
        assert (refused.status, "no topic 'nothing'" in refused.json()["detail"]) == (409, True)
    database = tmp_path / "corrections.sqlite3"
    done = support.run("corrections", "export", "--corrections", database)
    row = json.loads(done.stdout)
    assert (row["text"], row["topics"], done.stderr) == (text, ["peace_process"], "1 corrected paragraphs\n")


@pytest.mark.parametrize(
    ("model", "corrections"),
    [
        ("models", "models/corrections.sqlite3"),
        ("models/mine", "models/mine/corrections.sqlite3"),
        ("models/champion.safetensors", "models/corrections.sqlite3"),
        ("models/candidate.safetensors", "models/corrections.sqlite3"),
        ("models/other.safetensors", "models/other.corrections.sqlite3"),
        ("missing", "missing/corrections.sqlite3"),
    ],
)
def test_each_model_has_corrections_of_its_own(tmp_path: Path, model: str, corrections: str) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("champion", "candidate", "other"):
        (tmp_path / "models" / f"{name}.safetensors").touch()
    assert beside(tmp_path / model) == tmp_path / corrections


def test_corrections_of_a_label_set_are_exported_from_beside_its_model(small_model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "models" / "mine"
    mine.mkdir(parents=True)
    for folder in (mine.parent, mine):
        shutil.copy(small_model / "champion.safetensors", folder)
    text = "Sappers cleared landmines from the field."
    with serving(mine, None) as running:
        assert running.ask("/v1/corrections", {"text": text, "topics": []}).status == 201
    assert sorted(path.name for path in mine.parent.rglob("*.sqlite3")) == ["corrections.sqlite3"]
    assert (mine / "corrections.sqlite3").exists()
    done = support.run("corrections", "export", "--model", mine)
    assert (done.returncode, json.loads(done.stdout)["text"]) == (0, text)
    other = support.run("corrections", "export", "--model", mine.parent)
    assert (other.returncode, "no corrections" in other.stderr) == (1, True)


def test_corrections_that_cannot_be_saved_are_no_server_error(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        (tmp_path / "corrections.sqlite3").write_bytes(b"not a database " * 100)
        reply = running.ask("/v1/corrections", {"text": "a", "topics": []})
    assert reply.status == 503
    assert "cannot save corrections" in reply.json()["detail"]


def test_corrections_that_cannot_be_saved_are_logged_once_until_they_can(
    small_model: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "corrections.sqlite3"
    sent = {"text": "a", "topics": []}
    with serving(small_model, tmp_path) as running:
        kept.mkdir()
        assert [running.ask("/v1/corrections", sent).status for _ in range(3)] == [503] * 3
        kept.rmdir()
        assert [running.ask("/v1/corrections", sent).status for _ in range(2)] == [201] * 2
        lines = running.wait_for("can be saved again")
    assert [line.partition(" ")[2] for line in lines[1:] if "/v1/corrections" not in line] == [
        f"error: {kept}: cannot save corrections: unable to open database file",
        "corrections can be saved again",
    ]


@pytest.mark.parametrize("there", [False, True])
def test_checking_the_file_changes_nothing(tmp_path: Path, *, there: bool) -> None:
    path = tmp_path / "c.sqlite3"
    if there:
        add(path, correction("one"))
    before = path.read_bytes() if there else None
    check(path)
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == there


def test_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "c.sqlite3")) as database:
        database.execute("CREATE TABLE corrections (id INTEGER)")
    with pytest.raises(OutputError, match="cannot save corrections: no such column: article"):
        check(tmp_path / "c.sqlite3")


@pytest.mark.parametrize("address", ["models:/news@champion", "models:/news/3", "models://news@champion"])
def test_versions_of_a_registered_model_share_their_corrections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    kept = tmp_path / "paragraph-topics" / "news.corrections.sqlite3"
    assert of_registered(address) == kept
    done = support.run("corrections", "export", "--model", address, env={"XDG_DATA_HOME": str(tmp_path)})
    assert done.stderr.startswith(f"error: {kept}: no corrections")


def test_a_locked_database_does_not_lose_a_correction(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        running.ask("/v1/corrections", {"text": "a", "topics": []})
        other = sqlite3.connect(tmp_path / "corrections.sqlite3", check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.5, lambda: (other.rollback(), other.close())).start()
        assert running.ask("/v1/corrections", {"text": "b", "topics": []}).status == 201
