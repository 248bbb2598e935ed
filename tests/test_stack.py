"""The stack of compose.yaml, with real PostgreSQL and MLflow processes instead of containers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import mlflow
import pytest
import support
from stack import COMPOSE, PASSWORD, ROOT, MlflowServer, health_check, mlflow_server, postgres, postgres_programs

from pipeline.config import read_config
from pipeline.tracking import Tracker

PROMOTE = """
import sys
from pathlib import Path
from pipeline.config import read_config
from pipeline.steps.promote import promote
from pipeline.tracking import CHAMPION, Tracker

config = read_config(Path(sys.argv[1]))
tracker = Tracker(config.tracking, Path(config.output))
champion, mine = tracker.find(CHAMPION), tracker.version(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
print(promote(tracker, mine, replacing=champion, reason="test").after)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = tmp_path_factory.mktemp("stack")
    with postgres(programs) as database, mlflow_server(database, folder) as found:
        yield found


@pytest.fixture(scope="module")
def trained(server: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> support.Experiment:
    """Train, evaluate and promote against the server; versions 2 and 3 are the champion, version 1, once more."""
    made = support.write_experiment(tmp_path_factory.mktemp("team"))
    for command in ("train", "evaluate"):
        done = run(server, command, "--config", made.config_file)
        assert done.returncode == 0, done.stderr
    client = mlflow.MlflowClient(tracking_uri=server.uri, registry_uri=server.uri)
    first = client.get_model_version("tests", "1")
    for _ in range(2):
        client.create_model_version("tests", "models:/tests/1", run_id=first.run_id)
    return made


def run(server: MlflowServer, *arguments: object, **more: object) -> "subprocess.CompletedProcess[str]":
    settings = {"MLFLOW_TRACKING_URI": server.uri, "LOKY_MAX_CPU_COUNT": "1"}
    return support.run(*arguments, env=settings, **more)  # type: ignore[arg-type]  # cwd


def history(server: MlflowServer, made: support.Experiment) -> list[dict[str, str]]:
    done = run(server, "history", "--config", made.config_file, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_the_health_check_fails_where_no_server_listens(server: MlflowServer) -> None:
    dead = {**server.environment, "MLFLOW_PORT": "1"}
    assert subprocess.run(health_check(), env=dead, capture_output=True, check=False).returncode != 0


def test_the_password_stands_in_no_address_no_command_line_and_no_log(
    server: MlflowServer, trained: support.Experiment
) -> None:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert PASSWORD not in server.log.read_text(encoding="utf-8") + listing
    assert not re.search(r"://[^\s/]*:[^\s/]*@", compose)


def test_every_service_of_the_stack_starts_again_and_has_a_health_check() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for name, service in COMPOSE.items():
        assert service["restart"] == "unless-stopped"
        assert "healthcheck" in service or (name == "topics" and "HEALTHCHECK" in image)


def test_no_secret_lies_in_a_mounted_folder() -> None:
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    mounted = {volume.partition(":")[0] for service in COMPOSE.values() for volume in service.get("volumes", [])}
    files = re.findall(r"file: \./(\S+)", compose)
    assert sorted(files) == ["secrets/postgres_password", "secrets/topics_token"]
    assert not any(f"./{file}".startswith(f"{folder}/") for file in files for folder in mounted)


def test_the_champion_predicts_from_another_checkout(
    server: MlflowServer, trained: support.Experiment, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("The viaduct has a girder, and a pier.", encoding="utf-8")
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ["predict", "a.txt", "--model", "models:/tests@champion"]
    environment = {"MLFLOW_TRACKING_URI": server.uri, **cache}
    done = support.run(*arguments, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert support.json_lines(done.stdout)[0]["topics"] == ["bridge"]
    (kept,) = (tmp_path / "cache/paragraph-topics").glob("*.safetensors")
    assert kept.read_bytes() == (trained.output / "champion.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "cache"]


def test_of_two_who_promote_at_once_one_wins_and_both_are_told(
    server: MlflowServer, trained: support.Experiment
) -> None:
    before = history(server, trained)
    command = [sys.executable, "-c", PROMOTE, str(trained.config_file)]
    environment = {
        **support.ENVIRONMENT,
        "MLFLOW_TRACKING_URI": server.uri,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [
        subprocess.Popen([*command, version], env=environment, text=True, **pipes)  # type: ignore[call-overload]
        for version in ("2", "3")
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [(*process.communicate(timeout=120), process.returncode) for process in both]
    (winner,) = [out.strip() for out, _, code in told if code == 0]
    (loser,) = [error.splitlines()[-1] for _, error, code in told if code != 0]
    assert re.search(rf"has promoted version {winner} meanwhile: not promoted; evaluate again", loser)
    entries = history(server, trained)[len(before) :]
    assert [(entry["from"], entry["result"]) for entry in entries] == [
        ("1", "promoted"),
        ("1", "another came first"),
    ]
    assert entries[0]["to"] == winner


def test_what_two_do_at_the_same_moment_is_done(server: MlflowServer, trained: support.Experiment) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        config = read_config(trained.config_file)
        trackers = [Tracker(config.tracking, Path(config.output)) for _ in range(4)]
    first, number = trackers[0], trackers[0].promotion_log()[-1].number
    first.mark_applied(number)
    first.set_alias("checked", first.version("1"))
    for _ in range(10):
        first.client.delete_model_version_tag("tests.promotions", str(number), "applied")
        first.client.delete_registered_model_alias("tests", "checked")
        at_once = Barrier(len(trackers))

        def mark(tracker: Tracker, at_once: Barrier = at_once) -> None:
            at_once.wait()
            tracker.mark_applied(number)
            tracker.set_alias("checked", tracker.version("1"))

        with ThreadPoolExecutor(len(trackers)) as pool:
            list(pool.map(mark, trackers))
        assert first.is_applied(number)
        assert first.find("checked") == first.version("1")


def test_a_rollback_brings_the_previous_champion_back(server: MlflowServer, trained: support.Experiment) -> None:
    first = (trained.output / "champion.safetensors").read_bytes()
    last = [entry for entry in history(server, trained) if entry["result"] == "promoted"][-1]
    done = run(server, "rollback", "--config", trained.config_file)
    assert done.stdout == f"version 1 is champion again, in place of version {last['to']}\n", done.stderr
    assert (trained.output / "champion.safetensors").read_bytes() == first
    assert history(server, trained)[-1]["gate"] == f"rollback of version {last['to']}"
