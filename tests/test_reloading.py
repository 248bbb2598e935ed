import threading
import time
from pathlib import Path

from serving import ARTICLE, make_model, serving


def test_a_new_champion_is_loaded_without_a_failed_request(tmp_path: Path) -> None:
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
