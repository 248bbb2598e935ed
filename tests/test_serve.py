import json
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from conftest import ARTICLE, Service, make_model, serving

from pipeline.serve.rows import PredictionRow

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


def test_a_correction_is_kept_listed_exported_and_learnt_from(
    small_model: Path, tmp_path: Path, topics_command: Callable
) -> None:
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
    done = topics_command("corrections", "export", "--corrections", database)
    row = json.loads(done.stdout)
    assert (row["text"], row["topics"], done.stderr) == (text, ["peace_process"], "1 corrected paragraphs\n")


def test_corrections_that_cannot_be_kept_are_no_server_error(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        (tmp_path / "corrections.sqlite3").write_bytes(b"not a database " * 100)
        reply = running.ask("/v1/corrections", {"text": "a", "topics": []})
    assert reply.status == 503
    assert "cannot be kept here" in reply.json()["detail"]


def test_a_locked_database_does_not_lose_a_correction(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        running.ask("/v1/corrections", {"text": "a", "topics": []})
        other = sqlite3.connect(tmp_path / "corrections.sqlite3", check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.5, lambda: (other.rollback(), other.close())).start()
        assert running.ask("/v1/corrections", {"text": "b", "topics": []}).status == 201


def test_a_new_champion_is_taken_up_without_a_failed_request(tmp_path: Path) -> None:
    make_model(tmp_path / "champion.safetensors")
    with serving(tmp_path, tmp_path) as running:
        statuses, runs, stop = set(), [], threading.Event()

        def ask() -> None:
            while not stop.is_set():
                reply = running.ask("/v1/predict", {"article": ARTICLE})
                statuses.add(reply.status)
                runs.append(
                    (reply.json()["model"]["run_id"], reply.json()["predictions"][0]["scores"]["mine_action"])
                )

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        make_model(tmp_path / "champion.safetensors", run_id="run-two", turn=3)
        end = time.monotonic() + 20
        while running.ask("/readyz").json()["run_id"] != "run-two" and time.monotonic() < end:
            time.sleep(0.05)
        (tmp_path / "champion.safetensors").write_bytes(b"damaged")
        time.sleep(1)
        last = running.ask("/v1/predict", {"article": ARTICLE}).json()["model"]["run_id"]
        stop.set()
        for thread in asking:
            thread.join()
    assert statuses == {200}
    assert last == "run-two"
    assert {run for run, _ in runs} == {"run-one", "run-two"}
    assert len(set(runs)) == 2, "each model's answers are its own"


def test_sigterm_finishes_what_is_in_flight(small_model: Path, tmp_path: Path) -> None:
    with serving(small_model, tmp_path) as running:
        replies: list[int] = []
        text = " ".join(f"word{i} landmines" for i in range(20_000))
        asking = threading.Thread(
            target=lambda: replies.append(running.ask("/v1/predict", {"texts": [text], "explain": True}).status)
        )
        asking.start()
        end = time.monotonic() + 10
        while (
            "topics_requests_running 2.0" not in running.ask("/metrics").body.decode() and time.monotonic() < end
        ):
            pass
        running.process.send_signal(signal.SIGTERM)
        asking.join()
        assert running.process.wait(timeout=20) == 0
    assert replies == [200]


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
