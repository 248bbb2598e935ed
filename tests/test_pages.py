import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from serving import ARTICLE, Service, make_model, serving
from small_pdf import pdf, shown
from test_documents import RSS

from pipeline.model.bundle import load_bundle, save_bundle

HOSTILE = "<script>alert(1)</script> Sappers cleared landmines \"'><img src=x onerror=alert(2)> {{ 7 * 7 }}"


@pytest.mark.parametrize(
    "path", ["/", "/?example=0", "/?example=99", "/label", "/review", "/model", "/corrections", "/docs"]
)
def test_pages_come_with_a_strict_policy(service: Service, path: str) -> None:
    reply = service.ask(path)
    assert reply.status == 200
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert b"http://" not in reply.body
    assert b"https://" not in reply.body


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize("path", ["/", "/fragment", "/download?form=html"])
def test_what_an_article_says_is_escaped(service: Service, path: str) -> None:
    page = service.ask(path, form(article=HOSTILE)).body.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(("kind", "start"), [("jsonl", b'{"source": "article"'), ("csv", b"source,paragraph")])
def test_answers_can_be_downloaded_without_a_script(service: Service, kind: str, start: bytes) -> None:
    reply = service.ask(f"/download?form={kind}", form(article=ARTICLE))
    assert reply.body.startswith(start)
    assert reply.headers["content-disposition"] == f'attachment; filename="topics.{kind}"'


def upload(*files: tuple[str, bytes], **fields: str) -> tuple[bytes, str]:
    part = b'--x\r\nContent-Disposition: form-data; name="%s"'
    body = [part % name.encode() + b"\r\n\r\n%s\r\n" % text.encode() for name, text in fields.items()]
    body += [part % b"file" + b'; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), held) for name, held in files]
    return b"".join([*body, b"--x--\r\n"]), "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.txt", ARTICLE.encode(), 200),
        ("a.txt", b"caf\xe9", 422),
        ("a.exe", b"MZ\0", 422),
        ("a.html", b"<html></html>", 422),
        ("a.pdf", pdf(shown(["Sappers cleared landmines."])), 200),
        ("a.pdf", b"%PDF-1.4 cut", 422),
        ("\U0001f3de.txt", ARTICLE.encode(), 200),
    ],
)
def test_a_file_is_read_or_refused_in_one_line(service: Service, name: str, content: bytes, status: int) -> None:
    body, kind = upload((name, content))
    reply = service.ask("/fragment", body, content_type=kind)
    assert reply.status == status
    assert (b"Sappers" in reply.body) if status == 200 else reply.json()["detail"].startswith(name)


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "html"])
def test_a_file_can_be_downloaded_without_a_script(service: Service, kind: str) -> None:
    body, type_ = upload(("a.txt", ARTICLE.encode()), article="", threshold="balanced")
    reply = service.ask(f"/download?form={kind}", body, content_type=type_)
    assert (reply.status, b"a.txt" in reply.body, b"Sappers" in reply.body) == (200, True, True)
    assert reply.headers["content-disposition"] == f'attachment; filename="topics.{kind}"'


def test_an_empty_form_is_not_downloaded_as_an_empty_file(service: Service) -> None:
    body, kind = upload(("", b""), article="", threshold="balanced")
    reply = service.ask("/download?form=csv", body, content_type=kind)
    expected = "nothing to predict on: paste an article, or choose a file"
    assert (reply.status, reply.json()["detail"]) == (422, expected)


@pytest.mark.parametrize("path", ["/", "/fragment", "/download?form=html"])
def test_text_and_files_are_all_shown(service: Service, path: str) -> None:
    body, kind = upload(("a.txt", b"Peace talks."), ("b.rss", RSS.encode()), article="Sappers cleared landmines.")
    page = service.ask(path, body, content_type=kind).body.decode()
    assert page.count("<article") == 4
    assert [name in page for name in ("Sappers", "a.txt", "b.rss#1", "b.rss#3")] == [True] * 4


def test_offsets_are_those_of_the_api_whatever_browsers_do_to_lines(service: Service) -> None:
    expected = service.ask("/v1/predict", {"article": ARTICLE}).json()["predictions"]
    sent = form(article=ARTICLE.replace("\n", "\r\n"))
    for line, row in zip(service.ask("/download?form=jsonl", sent).body.splitlines(), expected, strict=True):
        assert {key: value for key, value in json.loads(line).items() if key != "explanation"} == row
    answer = service.ask("/download?form=json", sent).json()
    assert [(row["start"], row["end"]) for row in answer["predictions"]] == [
        (r["start"], r["end"]) for r in expected
    ]
    assert answer["model"]["threshold"] == "balanced"


@pytest.mark.parametrize(
    "path", ["/", "/model", "/corrections", "/docs", "/healthz", "/v1/topics", "/static/page.js"]
)
def test_head_is_answered_as_get_without_a_body(service: Service, path: str) -> None:
    reply = service.send("HEAD", path)
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/", b"x", "multipart/form-data", 400),
        ("/fragment", b"article=%00", "application/x-www-form-urlencoded", 422),
        ("/fragment", b"article=%ed%a0%80", "application/x-www-form-urlencoded", 200),
        ("/fragment", b"&".join(b"a%d=1" % i for i in range(3000)), "application/x-www-form-urlencoded", 400),
        ("/download?form=exe", b"article=a", "application/x-www-form-urlencoded", 422),
        ("/nowhere", b"", "application/x-www-form-urlencoded", 404),
        ("/docs", b"", "application/x-www-form-urlencoded", 405),
    ],
)
def test_forms_that_are_wrong_are_told_so(
    service: Service, path: str, body: bytes, kind: str, status: int
) -> None:
    assert service.ask(path, body, content_type=kind).status == status
    shown = service.ask(path, body, content_type=kind, accept="text/html")
    assert (shown.status, b"<main" in shown.body) == (status, status != 200)


def test_the_page_shows_the_operating_point_that_was_chosen(service: Service) -> None:
    page = service.ask("/", form(article=ARTICLE, threshold="recall")).body.decode()
    assert '<option value="recall"' in page
    (chosen,) = [option for option in page.split("<option")[1:] if " selected" in option.partition(">")[0]]
    assert 'value="recall"' in chosen
    thresholds = {t["id"]: t["thresholds"] for t in service.ask("/v1/topics").json()["topics"]}
    assert f'data-model="{thresholds["mine_action"]["recall"]}"' in page
    refused = service.ask("/fragment", form(article=ARTICLE, threshold="high"))
    assert (refused.status, "expected one of precision" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize("point", ["precision", "recall"])
def test_a_download_is_made_at_the_operating_point(service: Service, point: str) -> None:
    rows = service.ask("/download?form=csv", form(article=ARTICLE, threshold=point)).body.decode().splitlines()
    expected = service.ask("/v1/predict", {"article": ARTICLE, "threshold": point}).json()["predictions"]
    names = rows[0].split(",")
    margin = float(rows[-1].split(",")[names.index("mine_action_margin") + rows[-1].count(", ")])
    assert margin == pytest.approx(expected[-1]["margins"]["mine_action"], abs=1e-6)


def test_the_page_offers_the_examples_of_the_models_label_set(service: Service, tmp_path: Path) -> None:
    page = service.ask("/").body.decode()
    assert re.findall(r'href="/\?example=(\d)">([^<]+)<', page) == [("0", "A field"), ("1", "Lunch")]
    assert "Lunch is served.</textarea>" in service.ask("/?example=1").body.decode()
    for none in ("/?example=2", "/?example=-1"):
        assert "></textarea>" in service.ask(none).body.decode()
    file = make_model(tmp_path / "champion.safetensors")
    save_bundle(file, replace(load_bundle(file, mapped=False), examples=()))
    with serving(tmp_path, tmp_path) as running:
        assert "example=" not in running.ask("/").body.decode()
        assert "></textarea>" in running.ask("/?example=0").body.decode()


def test_the_page_of_the_model_shows_its_metrics_once_it_is_evaluated(tmp_path: Path) -> None:
    make_model(tmp_path / "champion.safetensors")
    figures = {"mine_action/f1": {"value": 0.87, "low": 0.77, "high": 0.93}, "macro_f1": {"value": None}}
    found = {"rows": 10, "support": {"mine_action": 4}, "figures": figures}
    with serving(tmp_path, tmp_path) as running:
        assert "No metrics yet" in running.ask("/model").body.decode()
        report: dict[str, Any] = {"trained_on": 0, "models": {"model": found}}
        report["origin"] = {"about": {"run_id": "of another model"}}
        (tmp_path / "report.json").write_text(json.dumps(report))
        assert "No metrics yet" in running.ask("/model").body.decode()
        report["origin"] = {"about": {"run_id": "run-one"}}
        (tmp_path / "report.json").write_text(json.dumps(report))
        page = running.ask("/model").body.decode()
        assert "<strong>0.870</strong>" in page
        assert "0.770\u20130.930" in page
        (tmp_path / "report.json").write_text("{cut")
        assert running.ask("/model").status == 200
