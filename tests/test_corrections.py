import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
import support
from serving import serving

TEXT = "Sappers cleared landmines from the field."


def test_a_correction_is_saved_listed_and_taken_back(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        kept = running.ask("/v1/corrections", {"text": TEXT, "topics": ["peace_process"], "annotator": " Ada "})
        row = kept.json()
        assert (kept.status, row["model_topics"], row["annotator"]) == (201, ["mine_action"], "Ada")
        other = running.ask("/v1/corrections", {"text": TEXT, "topics": []}).json()
        assert other["annotator"] == "anonymous"
        assert running.ask("/v1/corrections").json() == [other, row]
        page = running.ask("/corrections").body.decode()
        assert (TEXT in page, "Ada" in page) == (True, True)
        assert running.ask("/v1/corrections/undo", {"id": other["id"]}).status == 204
        assert running.ask("/v1/corrections").json() == [row]
        again = running.ask("/v1/corrections/undo", {"id": other["id"]})
        assert (again.status, "taken back already" in again.json()["detail"]) == (409, True)
        refused = running.ask("/v1/corrections", {"text": TEXT, "topics": ["nothing"]})
        assert (refused.status, "no topic 'nothing'" in refused.json()["detail"]) == (409, True)


def test_nothing_is_exported_that_nobody_decided_on(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        running.ask("/v1/corrections", {"text": TEXT, "topics": ["peace_process"], "annotator": "Ada"})
    database = tmp_path / "annotations.sqlite3"
    done = support.run("annotations", "export", "--corrections", database)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 labelled paragraphs\n")


def test_the_topics_of_the_model_are_those_at_the_point_that_the_person_saw(
    small_model: Path, tmp_path: Path
) -> None:
    with serving(small_model, tmp_path) as running:
        text = "Talks about talks near the village field."
        for point in ("precision", "recall"):
            asked = {"texts": [text], "threshold": point}
            expected = running.ask("/v1/predict", asked).json()["predictions"][0]["topics"]
            sent = {"text": text, "topics": [], "threshold": point}
            assert running.ask("/v1/corrections", sent).json()["model_topics"] == expected
        seen = [row["model_topics"] for row in running.ask("/v1/corrections").json()]
        assert seen[0] != seen[1]
        refused = running.ask("/v1/corrections", {"text": text, "topics": [], "threshold": "best"})
        assert refused.status == 409


@pytest.mark.parametrize("name", ["a" * 81, "line\nbreak", "\x00"])
def test_what_is_no_name_is_refused(small_model: Path, tmp_path: Path, name: str) -> None:
    with serving(small_model, tmp_path) as running:
        sent = {"text": TEXT, "topics": [], "annotator": name}
        assert running.ask("/v1/corrections", sent).status == 422
    assert not (tmp_path / "annotations.sqlite3").exists()


def test_corrections_of_a_label_set_are_kept_beside_its_model(small_model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "models" / "mine"
    mine.mkdir(parents=True)
    for folder in (mine.parent, mine):
        shutil.copy(small_model / "champion.safetensors", folder)
    with serving(mine, None) as running:
        assert running.ask("/v1/corrections", {"text": TEXT, "topics": []}).status == 201
    assert [path.relative_to(mine) for path in mine.parent.rglob("*.sqlite3")] == [Path("annotations.sqlite3")]
    done = support.run("annotations", "list", "--model", mine)
    assert (done.returncode, TEXT in done.stdout) == (0, True)
    other = support.run("annotations", "list", "--model", mine.parent)
    assert (other.returncode, "no annotations" in other.stderr) == (1, True)


def test_a_service_takes_over_what_an_earlier_version_kept_and_says_so(small_model: Path, tmp_path: Path) -> None:
    from test_labelling_store import write_former

    write_former(tmp_path / "corrections.sqlite3")
    for taken in (True, False):
        with serving(small_model, tmp_path) as running:
            said = any("3 corrections of an earlier version taken over" in line for line in running.lines())
            assert said == taken
            assert len(running.ask("/v1/corrections").json()) == 3


def test_corrections_that_cannot_be_saved_are_no_server_error(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        (tmp_path / "annotations.sqlite3").write_bytes(b"not a database " * 100)
        reply = running.ask("/v1/corrections", {"text": "a", "topics": []})
    assert reply.status == 503
    assert "cannot save annotations" in reply.json()["detail"]


def test_corrections_that_cannot_be_saved_are_logged_once_until_they_can(
    small_model: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "annotations.sqlite3"
    sent = {"text": "a", "topics": []}
    with serving(small_model, tmp_path) as running:
        kept.mkdir()
        assert [running.ask("/v1/corrections", sent).status for _ in range(3)] == [503] * 3
        kept.rmdir()
        assert [running.ask("/v1/corrections", sent).status for _ in range(2)] == [201] * 2
        lines = running.wait_for("can be saved again")
    assert [line.partition(" ")[2] for line in lines[1:] if "/v1/corrections" not in line] == [
        f"error: {kept}: cannot save annotations: unable to open database file",
        "annotations can be saved again",
    ]


def test_a_locked_database_does_not_lose_a_correction(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        running.ask("/v1/corrections", {"text": "a", "topics": []})
        other = sqlite3.connect(tmp_path / "annotations.sqlite3", check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.5, lambda: (other.rollback(), other.close())).start()
        assert running.ask("/v1/corrections", {"text": "b", "topics": []}).status == 201
