import threading
import time
from pathlib import Path

import pytest
from serving import ARTICLE, make_model, serving

from pipeline.errors import OutputError
from pipeline.serve.reloading import ReloadingModel


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


def test_the_copy_of_a_model_lives_as_long_as_the_model_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = make_model(tmp_path / "champion.safetensors")
    model = ReloadingModel(tmp_path, print)
    in_use = model.current
    assert in_use.path.read_bytes() == path.read_bytes()
    make_model(path, run_id="run-two", turn=3)
    model.refresh()
    assert model.current.run_id == "run-two"
    assert in_use.path.exists(), "a request may still use it"
    del in_use
    assert list(temporary.iterdir()) == [model.current.path]
    model.current.path.unlink()  # as whoever tidies temporary folders does
    model.refresh()
    assert model.current.path.read_bytes() == path.read_bytes()


def test_a_model_that_cannot_be_copied_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path / "champion.safetensors")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match="cannot copy the model: No such file or directory"):
        ReloadingModel(tmp_path, print)


def test_a_service_leaves_no_copy_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    make_model(tmp_path / "champion.safetensors")
    with serving(tmp_path, tmp_path) as running:
        assert running.ask("/v1/predict", {"texts": [ARTICLE]}).status == 200
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
