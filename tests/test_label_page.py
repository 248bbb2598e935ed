import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from serving import Reply, Service, serving

from pipeline.labelling import store
from pipeline.labelling.task import Task

MINES = "Sappers cleared landmines from the field near the village, and demining goes on."
TALKS = "The two sides met for peace talks and agreed on a ceasefire."
LUNCH = "Lunch was served in the garden, and the orchestra played."
HOSTILE = "<script>alert(1)</script> {{ 7 * 7 }} \"'><img src=x>"
CODEBOOK = (
    "## mine_action · Mine action\n\nHazards of war.\n\n## Rulings\n\n- Landmines in a field: mine_action.\n"
)


@dataclass
class Person:
    """Somebody who labels with forms alone, without JavaScript."""

    service: Service
    name: str

    def look(self, path: str) -> str:
        """Open a page."""
        return self.service.ask(path, cookie=f"annotator={self.name}").body.decode()

    def send(self, path: str, **fields: object) -> Reply:
        """Send a form, and follow where it leads."""
        content = urlencode({"annotator": self.name, **fields}, doseq=True).encode()
        kind = "application/x-www-form-urlencoded"
        return self.service.ask(path, content, cookie=f"annotator={self.name}", content_type=kind)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tasks = [Task(text, "x", place, title="A title") for place, text in enumerate((MINES, TALKS, LUNCH))]
    store.add(tmp_path / "annotations.sqlite3", tasks)
    (tmp_path / "CODEBOOK.md").write_text(CODEBOOK)
    return tmp_path


@pytest.fixture
def ada(small_model: Path, folder: Path) -> Iterator[Person]:
    with serving(small_model, folder, "--codebook", str(folder / "CODEBOOK.md")) as running:
        yield Person(running, "Ada")


def annotations(person: Person) -> Path:
    return person.service.folder / "annotations.sqlite3"


def said(person: Person, text: str) -> tuple[object, ...]:
    task = store.find(annotations(person), Task(text).id)
    assert task
    found = task.latest[person.name]
    return found.topics, found.doubtful, found.comment, found.suggested, found.model, found.origin


def test_without_a_name_the_page_asks_for_it_and_remembers(ada: Person) -> None:
    page = ada.service.ask("/label").body.decode()
    assert MINES not in page
    assert 'name="annotator"' in page
    for name in ("", " ", "x" * 81, "a\nb"):
        assert ada.send("/label", annotator=name, action="start").status == 422
    assert ada.send("/label", annotator=" Zoë ; D ", action="start").status == 200
    again = ada.service.ask("/label", cookie="annotator=Zo%C3%AB%20%3B%20D")
    assert "0 of 3 by Zoë ; D" in again.body.decode()


def test_one_paragraph_at_a_time_with_its_context_and_rulings_and_no_word_of_the_model(ada: Person) -> None:
    page = ada.look("/label")
    assert (MINES in page, TALKS in page, LUNCH in page) == (True, True, False)
    assert "Landmines in a field: mine_action." in page
    assert "Hazards of war." in page
    assert "Landmines and their clearance." in page
    assert "0 of 3 by Ada" in page
    assert "The model suggests" not in page
    assert re.search(r"\d\.\d\d", page) is None
    assert "default-src 'none'" in ada.service.ask("/label").headers["content-security-policy"]


def test_a_label_with_doubt_and_comment_is_saved_and_the_next_paragraph_comes(ada: Person) -> None:
    page = ada.send("/label", task=Task(MINES).id, topic=["mine_action"], doubtful=1, comment=" why ")
    assert said(ada, MINES) == (("mine_action",), True, "why", None, "", "page")
    assert ("Saved." in page.body.decode(), TALKS in page.body.decode()) == (True, True)
    ada.send("/label", task=Task(TALKS).id, none=1)
    assert said(ada, TALKS)[0] == ()
    ada.send("/label", task=Task(LUNCH).id, action="skip", topic=["mine_action"])
    assert said(ada, LUNCH)[0] is None
    page = ada.look("/label")
    assert ("Nothing waits for you." in page, "3 of 3 by Ada" in page) == (True, True)
    assert LUNCH in ada.look("/label?skipped=true")


def test_what_was_said_last_can_be_taken_back_and_is_asked_again(ada: Person) -> None:
    ada.send("/label", task=Task(MINES).id, none=1)
    page = ada.send("/label", action="undo").body.decode()
    assert ("Taken back." in page, f'value="{Task(MINES).id}"' in page) == (True, True)
    assert "nothing to take back" in ada.send("/label", action="undo").body.decode()
    assert len(store.tasks(annotations(ada), "unlabelled")) == 3


@pytest.mark.parametrize("fields", [{}, {"topic": ["mine_action"], "none": 1}])
def test_a_form_without_a_label_is_not_saved_and_keeps_what_was_typed(
    ada: Person, fields: dict[str, object]
) -> None:
    reply = ada.send("/label", task=Task(MINES).id, comment="typed", **fields)
    assert (reply.status, "Not saved" in reply.body.decode(), 'value="typed"' in reply.body.decode()) == (
        422,
        True,
        True,
    )
    assert len(store.tasks(annotations(ada), "unlabelled")) == 3


def test_the_suggestion_is_shown_when_asked_for_and_kept_with_the_label(ada: Person) -> None:
    page = ada.send("/label", task=Task(MINES).id, action="suggest", topic=["peace_process"], comment="typed")
    text = page.body.decode()
    assert ("The model suggests" in text, "landmines" in text, 'value="typed"' in text) == (True, True, True)
    assert re.search(r'value="peace_process" data-key="2" checked', text)
    shown = {"suggested": '["mine_action"]', "model": "run-one"}
    assert 'name="suggested" value="[&#34;mine_action&#34;]"' in text
    ada.send("/label", task=Task(MINES).id, topic=["peace_process"], **shown)
    assert said(ada, MINES) == (("peace_process",), False, "", ("mine_action",), "run-one", "page")


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"task": "none", "none": 1}, 409, "no such task"),
        ({"topic": ["other"]}, 409, "no topic 'other'"),
        ({"none": 1, "suggested": "["}, 422, "suggested: expected a JSON list"),
        ({"none": 1, "suggested": '{"a": 1}'}, 422, "suggested: expected a JSON list"),
        ({"none": 1, "comment": "x" * 2001}, 422, "comment: expected at most 2000 characters"),
        ({"action": "other"}, 422, "action"),
        ({"none": 1, "annotator": ""}, 422, "your name"),
    ],
)
def test_a_form_that_is_wrong_is_refused_in_one_sentence(
    ada: Person, fields: dict[str, object], status: int, detail: str
) -> None:
    reply = ada.send("/label", **{"task": Task(MINES).id, **fields})
    assert (reply.status, detail in reply.json()["detail"]) == (status, True), reply.body
    assert len(store.tasks(annotations(ada), "unlabelled")) == 3


def test_people_do_not_see_what_others_say(ada: Person) -> None:
    ada.send("/label", task=Task(MINES).id, topic=["mine_action"], comment="a secret of Ada's")
    bo = Person(ada.service, "Bo")
    page = bo.look(f"/label?task={Task(MINES).id}")
    assert (MINES in page, "a secret" in page, " checked" in page.replace('single-keys" checked', "")) == (
        True,
        False,
        False,
    )
    assert "1 by Ada" in page
    assert "a secret" in ada.look(f"/label?task={Task(MINES).id}")


def test_what_a_paragraph_or_a_person_says_is_escaped(ada: Person) -> None:
    store.add(annotations(ada), [Task(HOSTILE, "y", title=HOSTILE)])
    ada.send("/label", task=Task(HOSTILE).id, none=1, comment=HOSTILE)
    bo = Person(ada.service, "Bo")
    for page in (bo.look(f"/label?task={Task(HOSTILE).id}"), bo.look("/review"), bo.look("/corrections")):
        assert "<script>alert" not in page
        assert "<img" not in page


def test_pages_of_other_sites_cannot_label(ada: Person) -> None:
    content = urlencode({"annotator": "Eve", "task": Task(MINES).id, "none": 1}).encode()
    for path in ("/label", "/review", "/corrections/undo"):
        reply = ada.service.ask(path, content, sec_fetch_site="cross-site")
        assert reply.status == 403
    assert len(store.tasks(annotations(ada), "unlabelled")) == 3


def test_an_empty_queue_says_how_to_fill_it(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        assert "topics annotations add FILE" in Person(running, "Ada").look("/label")


def test_a_correction_is_shown_again_with_its_name(ada: Person) -> None:
    ada.service.ask("/v1/corrections", {"text": MINES, "topics": ["peace_process"], "annotator": "Bo"})
    page = ada.send("/fragment", article=f"{MINES}\n\n{LUNCH}").body.decode()
    assert page.count("corrected by Bo") == 1
    assert page.count('data-person="on"') == 1
    assert re.search(r'data-topic="peace_process"[^>]*data-person="on" aria-pressed="true"', page)
