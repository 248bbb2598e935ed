"""A service that loads another model labels its archive anew, beside the requests."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from archiving import LUNCH, MINES, PEACE, add, check, entry, made_archive, made_model
from serving import serving

from pipeline.archive.database import open_archive
from pipeline.archive.write import load_model


def models_of(archive: Path) -> list[tuple[str, int, int]]:
    with open_archive(archive) as database:
        query = "SELECT run_id, complete, (SELECT count(*) FROM predictions WHERE model = id) FROM models"
        return [tuple(row) for row in database.execute(query)]


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("did not happen within a minute")


def test_the_archive_is_labelled_anew_when_the_model_is_replaced(tmp_path: Path) -> None:
    models = tmp_path / "models"
    first = made_model(models / "champion.safetensors")
    archive = models / "archive.sqlite3"
    with made_archive(archive) as database:
        add(database, first, *(entry(f"{n}", text) for n, text in enumerate([MINES, PEACE, LUNCH, PEACE, MINES])))
    second = made_model(tmp_path / "second.safetensors", run_id="run-two", turn=2)
    with serving(models, tmp_path / "service") as service:
        assert models_of(archive) == [("run-one", 1, 5)]
        shutil.move(tmp_path / "second.safetensors", models / "champion.safetensors")
        wait_until(lambda: models_of(archive) == [("run-two", 1, 5)])
        assert service.ask("/healthz").status == 200
    with open_archive(archive) as database:
        check(database)
        assert database.execute("SELECT sha256 FROM models").fetchone()[0] == second.sha256
    assert load_model(models / "champion.safetensors").sha256 == second.sha256
