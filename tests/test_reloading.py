import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import support
from serving import ARTICLE, make_model, serving
from stack import Registry, mlflow_on_sqlite

from pipeline.errors import OutputError
from pipeline.files import atomic_path
from pipeline.serve.reloading import ReloadingModel

ENDLESS = """
import sys, time
from pathlib import Path
from pipeline.serve.reloading import ReloadingModel

with ReloadingModel(Path(sys.argv[1])).following(lambda: time.sleep(60), 0.01):
    time.sleep(0.1)
"""
WATCHES = 1.3  # seconds in which the service looks at the file twice


def test_a_new_champion_is_loaded_without_a_failed_request(tmp_path: Path) -> None:
    make_model(tmp_path / "champion.safetensors")
    with serving(tmp_path, tmp_path) as running:
        statuses, runs, stop = set(), [], threading.Event()

        def ask() -> str:
            reply = running.ask("/v1/predict", {"article": ARTICLE})
            run = reply.json()["model"]["run_id"]
            statuses.add(reply.status)
            runs.append((run, reply.json()["predictions"][0]["scores"]["mine_action"]))
            return run

        def ask_on() -> None:
            while not stop.is_set():
                ask()

        assert ask() == "run-one"
        asking = [threading.Thread(target=ask_on) for _ in range(3)]
        for thread in asking:
            thread.start()
        make_model(tmp_path / "champion.safetensors", run_id="run-two", turn=3)
        running.wait_for("model reloaded: run run-two")
        (tmp_path / "champion.safetensors").write_bytes(b"damaged")
        running.wait_for("the model in use stays")
        last = ask()
        stop.set()
        for thread in asking:
            thread.join()
    assert statuses == {200}
    assert last == "run-two"
    assert {run for run, _ in runs} == {"run-one", "run-two"}
    assert len(set(runs)) == 2, "each model's answers are its own"


def test_a_lasting_fault_is_one_line_at_its_begin_and_one_at_its_end(tmp_path: Path) -> None:
    model = make_model(tmp_path / "champion.safetensors")
    whole = model.read_bytes()
    with serving(tmp_path, tmp_path) as running:
        put(model, b"damaged")
        running.wait_for("the model in use stays")
        model.unlink()
        time.sleep(WATCHES)
        put(model, whole)
        running.wait_for("as it should be again")
        model.rename(tmp_path / "away")
        running.wait_for("the model in use stays", times=2)
        (tmp_path / "away").rename(model)
        lines = running.wait_for("as it should be again", times=2)
        said = [line.partition(" ")[2] for line in lines[1:]]
    damaged = "not a readable model bundle, damaged or cut short: the header is longer than the file"
    missing = "no trained model here; run `make train` first"
    assert said == [
        f"error: {model}: {damaged}; the model in use stays",
        "model reloaded: run run-one",
        "the model's file is as it should be again",
        f"error: {tmp_path}/candidate.safetensors: {missing}; the model in use stays",
        "the model's file is as it should be again",
    ]


def put(path: Path, content: bytes) -> None:
    """Write a file in one step, as training does."""
    with atomic_path(path) as part:
        part.write_bytes(content)


def test_a_fault_that_was_mended_without_a_change_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_model(tmp_path / "champion.safetensors")
    model = ReloadingModel(tmp_path)
    make_model(path, run_id="run-two", turn=3)
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
        for _ in range(3):
            model.refresh()
    assert (model.current.run_id, len(caplog.records)) == ("run-one", 1)
    assert "cannot copy the model: No such file or directory; the model in use stays" in caplog.text
    model.refresh()
    assert model.current.run_id == "run-two"


@pytest.fixture(scope="module")
def registry(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with mlflow_on_sqlite(empty_store, tmp_path_factory.mktemp("registry")) as found:
        yield found


def test_the_champion_of_the_registry_is_followed_without_a_failed_request(
    registry: Registry, tmp_path: Path
) -> None:
    first = registry.register("followed", make_model(tmp_path / "a" / "model.safetensors"))
    registry.promote("followed", first)
    environment = registry.environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    address = "models:/followed@champion"
    with serving(address, tmp_path, "--refresh", "0.2", "--log", "off", **environment) as running:
        assert running.ask("/readyz").json()["run_id"] == "run-one"
        statuses, stop = set(), threading.Event()

        def ask() -> None:
            while not stop.is_set():
                statuses.add(running.ask("/v1/predict", {"article": ARTICLE}).status)

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()
        second = make_model(tmp_path / "b" / "model.safetensors", run_id="run-two", turn=3)
        registry.promote("followed", registry.register("followed", second))
        running.wait_for("model reloaded: run run-two")
        registry.client.delete_registered_model_alias("followed", "champion")
        running.wait_for("the model in use stays")
        time.sleep(1)
        assert running.ask("/readyz").json()["run_id"] == "run-two"
        registry.promote("followed", first)
        lines = running.wait_for("model reloaded: run run-one", "the registry answers again")
        stop.set()
        for thread in asking:
            thread.join()
    assert statuses == {200}
    (failure,) = [line for line in lines if "the model in use stays" in line]
    assert re.search(rf" error: {registry.uri}: cannot be used for tracking: .*champion", failure)
    assert [line.partition(" ")[2] for line in lines if "reloaded" in line] == [
        "model reloaded: run run-two",
        "model reloaded: run run-one",
    ]


def test_a_registry_that_hangs_holds_up_neither_requests_nor_the_end(registry: Registry, tmp_path: Path) -> None:
    registry.promote("hanging", registry.register("hanging", make_model(tmp_path / "a" / "model.safetensors")))
    environment = registry.environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    with serving("models:/hanging@champion", tmp_path, "--refresh", "0.1", **environment) as running:
        assert running.ask("/v1/predict", {"article": ARTICLE}).status == 200
        with registry.stopped():
            time.sleep(1)
            assert running.ask("/v1/predict", {"article": ARTICLE}).status == 200
            running.process.terminate()
            assert running.process.wait(timeout=30) == 0
        assert "Traceback" not in "".join(running.lines())


def test_an_endless_look_at_the_registry_does_not_hold_up_the_end(tmp_path: Path) -> None:
    make_model(tmp_path / "champion.safetensors")
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", ENDLESS, str(tmp_path)], check=True, timeout=50)
    assert time.monotonic() - started < 30


def test_a_version_that_the_registry_does_not_have_is_one_line(registry: Registry, tmp_path: Path) -> None:
    done = support.run("serve", "--model", "models:/nothing@champion", env=registry.environment, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"error: {registry.uri}: cannot be used for tracking: ")
    assert list(tmp_path.iterdir()) == []


def test_the_copy_of_a_model_lives_as_long_as_the_model_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = make_model(tmp_path / "champion.safetensors")
    model = ReloadingModel(tmp_path)
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
        ReloadingModel(tmp_path)


def test_a_service_leaves_no_copy_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    make_model(tmp_path / "champion.safetensors")
    with serving(tmp_path, tmp_path) as running:
        assert running.ask("/v1/predict", {"texts": [ARTICLE]}).status == 200
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
