"""The embedded tracking store: what it does when its folder is copied or moved, or a run's process dies."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import support
from conftest import TrainedExperiment

from pipeline.config import TrackingSettings
from pipeline.errors import TrackingError
from pipeline.store import is_abandoned, rebase
from pipeline.tracking import CANDIDATE, Tracker, original_name, tracked_name

SETTINGS = TrackingSettings(experiment="tests", model_name="tests")
ADDRESSES = [
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
]

pytestmark = pytest.mark.usefixtures("embedded")


def content(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def addresses(folder: Path) -> list[str]:
    """Return the addresses of all artifacts, without those of MLflow's own, empty experiment."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        found = [row[0] for t, c in ADDRESSES for row in database.execute(f"SELECT {c} FROM {t}")]
    return [address for address in found if not address.endswith("/mlruns/0")]


def copied(trained: TrainedExperiment, folder: Path) -> support.Experiment:
    """Copy a trained experiment as `cp -r` does, with the paths of its settings set to the copy."""
    shutil.copytree(trained.experiment.folder, folder)
    file = folder / "config.yaml"
    text = file.read_text(encoding="utf-8").replace(str(trained.experiment.folder), str(folder))
    file.write_text(text, encoding="utf-8")
    return support.Experiment(folder, file)


def test_training_in_a_copy_leaves_the_original_as_it_is(trained: TrainedExperiment, tmp_path: Path) -> None:
    original = copied(trained, tmp_path / "original")
    Tracker(SETTINGS, original.output)  # the original's own addresses are right before it is copied
    before = content(original.folder)
    copy = copied(TrainedExperiment(original, "", ""), tmp_path / "the copy é")
    for command in ("train", "evaluate"):
        done = support.run(command, "--config", copy.config_file, env={"LOKY_MAX_CPU_COUNT": "1"})
        assert done.returncode == 0, done.stderr
    assert content(original.folder) == before
    place = (copy.output / "artifacts").as_uri()
    found = addresses(copy.output)
    assert len(found) == 9  # of the experiment, of two runs, models and versions, and of two promotions
    assert all(address == place or address.startswith(f"{place}/") for address in found)
    run = Tracker(SETTINGS, copy.output).find(CANDIDATE)
    assert run is not None
    assert (copy.output / "artifacts" / run.run_id / "artifacts/report.html").exists()


def test_a_moved_project_is_used_as_before(trained: TrainedExperiment, tmp_path: Path) -> None:
    first = copied(trained, tmp_path / "first")
    Tracker(SETTINGS, first.output)
    first.folder.rename(tmp_path / "second")
    text = (tmp_path / "second/config.yaml").read_text(encoding="utf-8").replace("/first", "/second")
    (tmp_path / "second/config.yaml").write_text(text, encoding="utf-8")
    for command in (["compare", "champion", "candidate"], ["evaluate"]):
        done = support.run(*command, "--config", tmp_path / "second/config.yaml")
        assert done.returncode == 0, done.stderr
    assert not first.folder.exists()


def made_store(folder: Path, *places: str) -> Path:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("CREATE TABLE experiments (artifact_location TEXT)")
        database.execute("CREATE TABLE runs (run_uuid TEXT, artifact_uri TEXT)")
        for place in places:
            database.execute("INSERT INTO experiments VALUES (?)", (place,))
            database.execute("INSERT INTO runs VALUES ('r1', ?)", (f"{place}/r1/artifacts",))
    return folder


def locations(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        found = database.execute(
            "SELECT artifact_location FROM experiments UNION ALL SELECT artifact_uri FROM runs"
        )
        return [row[0] for row in found]


def test_addresses_of_several_former_places_are_set_and_others_are_left(tmp_path: Path) -> None:
    here = (tmp_path / "models/artifacts").as_uri()
    folder = made_store(
        tmp_path / "models", "file:///a/models/artifacts", "file:///b/artifacts", "s3://bucket/artifacts", here
    )
    rebase(folder)
    assert locations(folder) == [
        *[here, here, "s3://bucket/artifacts", here],
        *[
            f"{here}/r1/artifacts",
            f"{here}/r1/artifacts",
            "s3://bucket/artifacts/r1/artifacts",
            f"{here}/r1/artifacts",
        ],
    ]


def test_a_place_that_another_begins_with_is_not_mistaken(tmp_path: Path) -> None:
    folder = made_store(tmp_path / "models", "file:///a/artifacts", "file:///a/artifacts2/artifacts")
    rebase(folder)
    assert {place.removeprefix((folder / "artifacts").as_uri()) for place in locations(folder)} == {
        "",
        "/r1/artifacts",
    }


def test_a_store_in_its_place_is_not_written_to(trained: TrainedExperiment, tmp_path: Path) -> None:
    made = copied(trained, tmp_path / "made")
    rebase(made.output)
    file = made.output / "mlflow.db"
    file.chmod(0o400)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    rebase(made.output)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    rebase(tmp_path / "none")


def test_all_addresses_change_or_none(trained: TrainedExperiment, tmp_path: Path) -> None:
    made = copied(trained, tmp_path / "made")
    before = addresses(made.output)
    with closing(sqlite3.connect(made.output / "mlflow.db")) as database, database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON model_versions BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    with pytest.raises(TrackingError, match="cannot be used for tracking: disk full"):
        Tracker(SETTINGS, made.output)
    assert addresses(made.output) == before


HOLD = (
    "import sys, time; from pathlib import Path; from pipeline.config import TrackingSettings;"
    "from pipeline.tracking import Tracker;"
    "tracker = Tracker(TrackingSettings(experiment='tests', model_name='tests'), Path(sys.argv[1]))\n"
    "with tracker.run() as run_id:\n    print(run_id, flush=True)\n    time.sleep(300)"
)


def test_a_killed_run_is_closed_by_the_next_command_and_a_living_one_is_not(
    tracked: Callable[..., support.Experiment],
) -> None:
    made = tracked()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(made.output)], env=support.ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        living = Tracker(SETTINGS, made.output).client.get_run(run_id).info
        assert (living.status, is_abandoned(made.output, run_id)) == ("RUNNING", False)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    killed = Tracker(SETTINGS, made.output).client.get_run(run_id).info
    assert (killed.status, killed.end_time is not None) == ("KILLED", True)
    assert [path.name for path in (made.output / "artifacts/.runs").iterdir()] == ["all.lock"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("test/мир/f1", "test/мир/f1"),
        ("test/shore-line_2.b/f1", "test/shore-line_2.b/f1"),
        ("cv/शांति/recall", "cv/श:93E::902:त:93F:/recall"),
        ("a:b", "a:3A:b"),
        ("gate.day.cafe\u0301/f1", "gate.day.cafe:301:/f1"),
    ],
)
def test_a_name_is_written_so_that_it_can_be_read_back(name: str, written: str) -> None:
    assert (tracked_name(name), original_name(written)) == (written, name)


def test_topics_of_any_script_keep_a_metric_each(tracked: Callable[..., support.Experiment]) -> None:
    made = tracked()
    tracker = Tracker(SETTINGS, made.output)
    metrics = {"cv/мир/f1": 0.25, "cv/газ/f1": 0.5, "cv/शांति/f1": 0.75, "cv/शाति/f1": 0.125}
    with tracker.run() as run_id:
        tracker.log(metrics=metrics, params={"gate.day.शांति/f1": "0.5"}, texts={"config.yaml": "{}"})
        tracker.log_fold({"शांति/f1": 0.5}, 0)
    assert tracker.facts(run_id)[1] == {**metrics, "fold/शांति/f1": 0.5}
