"""Saved views of the service: forms, feeds and JSON, over HTTP."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import feedparser
import pytest
from lxml import html
from reading import ENTRIES, FIELD, fill, reading
from serving import Reply, Service, serving

from pipeline.archive.database import open_archive
from pipeline.archive.selection import Selection
from pipeline.archive.views import add_view, get_view
from pipeline.serve.schemas import ViewResponse

FORM = "application/x-www-form-urlencoded"


def post(service: Service, path: str, **fields: object) -> Reply:
    return service.ask(path, urlencode(fields, doseq=True).encode(), content_type=FORM)


@pytest.fixture
def served(small_model: Path, tmp_path: Path) -> Iterator[Service]:
    with reading(small_model, tmp_path) as running:
        yield running


def kept(service: Service, slug: str) -> Selection:
    with open_archive(service.folder / "archive.sqlite3") as database:
        return get_view(database, slug).selection


def test_a_view_is_saved_changed_and_deleted_by_forms(served: Service) -> None:
    saved = post(
        served,
        "/views",
        name="Mines & fields",
        topic=["mine_action"],
        outlet=["Courier"],
        words='"landmines"',
        threshold="0.5",
    )
    page = html.fromstring(saved.body.decode())  # it led to the view's page
    assert page.xpath("string(//h1)").startswith("Mines & fields")
    assert [found.text_content().strip() for found in page.xpath("//h3")] == ["A field is cleared"]
    assert kept(served, "mines-fields") == Selection(
        topics=("mine_action",), outlets=("Courier",), words='"landmines"', threshold=0.5
    )
    post(served, "/view/mines-fields", name="Peace", topic=["peace_process"])
    assert kept(served, "mines-fields") == Selection(topics=("peace_process",))
    page = html.fromstring(served.ask("/view/mines-fields").body.decode())
    assert [found.text_content().strip() for found in page.xpath("//h3")] == ["Talks in the capital"]
    listed = html.fromstring(post(served, "/view/mines-fields/delete").body.decode())
    assert listed.xpath("string(//h1)") == "Saved views"
    assert served.ask("/view/mines-fields").status == 404


def test_forms_begin_with_what_was_selected(served: Service) -> None:
    page = html.fromstring(
        served.ask("/views?topic=mine_action&words=field&outlet=Courier&threshold=0.7").body.decode()
    )
    form = dict(page.forms[0].form_values())
    assert form == {
        "name": "",
        "words": "field",
        "topic": "mine_action",
        "since": "",
        "until": "",
        "threshold": "0.7",
        "outlet": "Courier",
    }
    (link,) = html.fromstring(served.ask("/today?topic=mine_action").body.decode()).xpath(
        "//a[text()='Save as a view']/@href"
    )
    assert link == "/views?since=&until=&topic=mine_action"  # of all days: a view of one day would soon be old


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "a view needs a name"),
        ({"name": "x" * 101}, "a view's name has at most 100 characters, this one has 101"),
        ({"name": "Taken"}, "there is a view 'Taken' already, taken"),
        ({"name": "A", "words": '"'}, "words: a quotation mark is not closed"),
        ({"name": "A", "threshold": "high"}, "threshold: 'high' is no score"),
        ({"name": "A", "since": "soon"}, "since: 'soon' is no day"),
    ],
)
def test_what_cannot_be_saved_is_told(served: Service, fields: dict[str, str], said: str) -> None:
    assert post(served, "/views", name="Taken").status == 200
    reply = post(served, "/views", **fields)
    assert (reply.status, said in reply.json()["detail"]) == (422, True)
    assert post(served, "/view/none", name="A").status == 404
    assert post(served, "/view/none/delete").status == 404


def test_pages_of_other_sites_can_not_change_views(served: Service) -> None:
    post(served, "/views", name="Mines")
    for path in ("/views", "/view/mines", "/view/mines/delete"):
        body = urlencode({"name": "Theirs"}).encode()
        for headers in ({"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}):
            assert served.ask(path, body, content_type=FORM, **headers).status == 403
    assert kept(served, "mines") == Selection()
    assert served.send("GET", "/view/mines/delete").status in (404, 405)


def test_names_of_every_script_have_addresses(served: Service) -> None:
    page = post(served, "/views", name="Мины и поля / 地雷 100 %")
    assert page.status == 200
    slug = quote("мины-и-поля-地雷-100")
    assert served.ask(f"/view/{slug}").status == 200
    assert feedparser.parse(served.ask(f"/view/{slug}/atom").body)["bozo"] is False
    assert served.ask(f"/view/{slug}.json").json()["view"]["slug"] == "мины-и-поля-地雷-100"


def test_a_view_keeps_outlets_and_topics_that_are_gone(served: Service) -> None:
    with open_archive(served.folder / "archive.sqlite3") as database:
        add_view(database, "Old", Selection(topics=("mine_action", "sport"), outlets=("Courier", "Gone Times")))
        add_view(database, "Lost", Selection(topics=("sport",)))
    page = served.ask("/view/old").body.decode()
    assert "The model of this archive has no topic sport" in page
    assert 'value="Gone Times" checked' in page
    assert "A field is cleared" in page
    assert "Nothing matches" in served.ask("/view/lost").body.decode()
    assert served.ask("/view/lost.json").json()["total"] == 0
    assert served.ask("/view/lost/atom").status == 422


def test_a_feed_is_valid_atom_with_ids_that_stay(served: Service, small_model: Path) -> None:
    post(served, "/views", name="Everything")
    reply = served.ask("/view/everything/atom")
    assert reply.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = feedparser.parse(reply.body)
    assert (feed["bozo"], feed["version"], feed["feed"]["title"]) == (False, "atom10", "Everything")
    assert feed["feed"]["updated"] == "2026-03-04T06:00:00+00:00"
    (address,) = [link["href"] for link in feed["feed"]["links"] if link["rel"] == "self"]
    assert address == f"{served.url}/view/everything/atom"
    entries = {entry["title"]: entry for entry in feed["entries"]}
    assert set(entries) == {"Talks in the capital", "A field is cleared"}
    field = entries["A field is cleared"]
    assert field["link"] == "https://courier.example/field?a=1&b=2"
    assert FIELD.split("\n\n")[0] in field["content"][0]["value"]
    again = served.ask("/view/everything/atom")
    assert again.body == reply.body
    assert served.ask("/view/everything/atom", if_none_match=again.headers["etag"]).status == 304
    ids = {entry["id"] for entry in feed["entries"]}
    later = ENTRIES[3].__class__(ENTRIES[3].article, "9", "Gazette", "2026-03-09", dated=True)
    fill(small_model, served.folder / "archive.sqlite3", later)
    newer = feedparser.parse(served.ask("/view/everything/atom").body)
    assert ids <= {entry["id"] for entry in newer["entries"]}


def test_json_is_as_described_and_comes_in_pages(served: Service) -> None:
    post(served, "/views", name="Everything")
    answer = served.ask("/view/everything.json").json()
    ViewResponse.model_validate_json(json.dumps(answer))
    assert answer["total"] == 2
    (field,) = [story for story in answer["stories"] if story["title"] == "A field is cleared"]
    assert [article["outlet"] for article in field["articles"]] == ["Courier", "Evening Post"]
    assert field["quotations"][0]["page"] == f"{served.url}/article/1#p1"
    assert field["quotations"][1]["before"] == FIELD.split("\n\n")[0]
    pages = [served.ask(f"/view/everything.json?limit=1&offset={offset}").json()["stories"] for offset in range(3)]
    assert [[story["id"] for story in page] for page in pages] == [
        [story["id"]] for story in answer["stories"]
    ] + [[]]
    for query in ("limit=0", "limit=101", "offset=-1", f"offset={10**30}", "limit=x"):
        assert served.ask(f"/view/everything.json?{query}").status == 422, query


def test_feed_readers_send_the_token_as_a_password(small_model: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    with reading(small_model, tmp_path, options=("--token-file", str(tmp_path / "token"))) as running:
        basic = "Basic " + base64.b64encode(b"reader:secret").decode()
        saved = running.ask("/views", b"name=All", content_type=FORM, authorization=basic)
        assert saved.status in (200, 401)  # urllib does not send the token to where it is led
        assert running.ask("/view/all/atom").status == 401
        assert feedparser.parse(running.ask("/view/all/atom", authorization=basic).body)["bozo"] is False
        assert running.ask("/view/all.json", authorization="Bearer secret").status == 200


def test_views_work_below_a_path(small_model: Path, tmp_path: Path) -> None:
    with reading(small_model, tmp_path, options=("--root-path", "/topics")) as running:
        page = post(running, "/views", name="All")
        assert page.status == 200
        hrefs = html.fromstring(page.body.decode()).xpath(
            "//a/@href | //form/@action | //link/@href | //script/@src"
        )
        assert [href for href in hrefs if href.startswith("/") and not href.startswith("/topics/")] == []
        answer = running.ask("/view/all.json").json()
        assert answer["view"]["page"] == f"{running.url}/view/all"
        assert running.ask(answer["stories"][0]["articles"][0]["page"].removeprefix(running.url)).status == 200


@pytest.mark.parametrize("path", ["/view/x.json", "/view/x/atom"])
def test_without_an_archive_there_is_no_view(service: Service, path: str) -> None:
    reply = service.ask(path)
    assert (reply.status, reply.json()["detail"]) == (404, "no archive yet: `topics collect` makes one")
    assert post(service, "/views", name="A").status == 404


def test_the_described_address_keeps_to_its_description(small_model: Path, tmp_path: Path) -> None:
    path = fill(small_model, tmp_path / "archive.sqlite3")
    with open_archive(path) as database:
        add_view(database, "Mines", Selection())  # the slug of the description's example
    with serving(small_model, tmp_path, "--archive", str(path)) as running:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{running.url}/openapi.json"]
        command += ["--include-path-regex", "^/view", "--max-examples", "60", "--generation-deterministic"]
        env = {**os.environ, "NO_COLOR": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert "Operations:       1 selected" in done.stdout
