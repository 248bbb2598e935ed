import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pipeline.serve.rows import PredictionRow
from serving import ARTICLE, Service

SCHEMA = Path(__file__).parents[1] / "docs" / "prediction.schema.json"
HOSTILE = "<script>alert(1)</script> Sappers cleared landmines \"'><img src=x onerror=alert(2)> {{ 7 * 7 }}"


def predict_with_topics(topics_command: Callable, model: Path, text: str, *options: str) -> list[dict]:
    done = topics_command("predict", "-", "--model", model, "--format", "jsonl", *options, stdin=text)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_an_article_gets_the_rows_of_the_command_line(
    service: Service, small_model: Path, topics_command: Callable
) -> None:
    said = service.ask("/v1/predict", {"article": ARTICLE, "explain": True}).json()["predictions"]
    meant = predict_with_topics(topics_command, small_model, ARTICLE, "--explain")
    assert [row | {"source": "-"} for row in said] == meant
    assert [row["topics"] for row in said] == [["mine_action"], ["peace_process"], []]


def test_texts_are_scored_as_they_are_and_in_order(service: Service) -> None:
    article = service.ask("/v1/predict", {"article": ARTICLE}).json()["predictions"]
    answer = service.ask("/v1/predict", {"texts": [*ARTICLE.split("\n\n"), "", ARTICLE]}).json()
    rows = answer["predictions"]
    assert [row["scores"] for row in rows[:3]] == [row["scores"] for row in article]
    assert [row["source"] for row in rows] == [f"texts/{i}" for i in range(5)]
    assert rows[3]["topics"] == []
    assert rows[4]["text"] == ARTICLE
    assert answer["model"]["run_id"] == "run-one"


def test_the_schema_in_docs_is_that_of_the_rows(service: Service) -> None:
    assert json.loads(SCHEMA.read_text()) == PredictionRow.model_json_schema()
    for row in service.ask("/v1/predict", {"article": ARTICLE, "explain": True}).json()["predictions"]:
        PredictionRow.model_validate_json(json.dumps(row))


def test_topics_health_and_metrics(service: Service) -> None:
    topics = service.ask("/v1/topics").json()["topics"]
    assert [topic["id"] for topic in topics] == ["mine_action", "peace_process"]
    assert service.ask("/healthz").json() == {"status": "ok"}
    assert service.ask("/readyz").json()["run_id"] == "run-one"
    figures = service.ask("/metrics").body.decode()
    assert 'topics_requests_total{path="/v1/topics",status="200"}' in figures
    assert 'topics_model_info{run_id="run-one"' in figures


@pytest.mark.parametrize("path", ["/", "/?example=0", "/?example=99", "/model", "/corrections", "/docs"])
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


def upload(name: str, content: bytes) -> tuple[bytes, str]:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--x--\r\n'
    return body % (name.encode(), content), "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.txt", ARTICLE.encode(), 200),
        ("a.txt", b"caf\xe9", 422),
        ("a.exe", b"MZ", 415),
        ("a.html", b"<html></html>", 422),
    ],
)
def test_a_file_is_read_or_refused_in_one_line(service: Service, name: str, content: bytes, status: int) -> None:
    body, kind = upload(name, content)
    reply = service.ask("/fragment", body, content_type=kind)
    assert reply.status == status
    assert (b"Sappers" in reply.body) if status == 200 else reply.json()["detail"].startswith(name)


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


@pytest.mark.parametrize(
    ("options", "status", "problem"),
    [
        (["--model", "missing"], 1, "no trained model here"),
        (["--host", "192.0.2.1"], 1, "cannot be listened on"),
        (["--token-file", "missing"], 1, "no token can be read"),
        (["--port", "99999"], 2, "99999"),
    ],
)
def test_a_service_that_cannot_start_says_why(
    small_model: Path, topics_command: Callable, options: list[str], status: int, problem: str
) -> None:
    done = topics_command("serve", "--model", small_model, "--port", "0", *options)
    assert (done.returncode, problem in done.stderr, "Traceback" in done.stderr) == (status, True, False)
