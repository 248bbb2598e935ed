"""What changes while the service runs: corrections, a new model, its end."""

import json
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving import ARTICLE, make_model, serving


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


def test_the_page_of_the_model_shows_its_figures_once_it_is_evaluated(tmp_path: Path) -> None:
    make_model(tmp_path / "champion.safetensors")
    figures = {"mine_action/f1": {"value": 0.87, "low": 0.77, "high": 0.93}, "macro_f1": {"value": None}}
    found = {"rows": 10, "support": {"mine_action": 4}, "figures": figures}
    with serving(tmp_path, tmp_path) as running:
        assert "No figures yet" in running.ask("/model").body.decode()
        (tmp_path / "report.json").write_text(json.dumps({"trained_on": 0, "models": {"model": found}}))
        page = running.ask("/model").body.decode()
        assert "<strong>0.870</strong>" in page
        assert "0.770\u20130.930" in page
        (tmp_path / "report.json").write_text("{cut")
        assert running.ask("/model").status == 200


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
