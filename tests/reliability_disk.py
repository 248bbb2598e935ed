"""Fill a disk, or make it read-only, below each folder that is written to: one line, and what was there is there.

python tests/reliability_disk.py, on Linux where `unshare` may make mounts of its own
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import archiving
import support
from serving import make_model, serving

from pipeline.archive.database import open_archive
from pipeline.model.bundle import load_bundle

ROOMS = (8, 300)  # kB that are left on the disk
FULL = (
    'cp -a "$PLACE" "$KEPT" && mount -t tmpfs -o size=32m none "$PLACE" && cp -a "$KEPT"/. "$PLACE" && '
    'head -c $(($(df --output=avail -k "$PLACE" | tail -1) - ROOM))k /dev/zero > "$PLACE"/.filler'
)
READ_ONLY = 'mount --bind "$PLACE" "$PLACE" && mount -o remount,ro,bind "$PLACE"'
AFTER = (
    '; "$@"; code=$?; rm -f "$PLACE"/.filler; mkdir "$AFTER" && cp -a "$PLACE"/. "$AFTER" || exit 9; exit $code'
)
UNSHARE = ("unshare", "--map-root-user", "--mount", "sh", "-c")


@dataclass(frozen=True)
class Case:
    """A command, and the folder whose disk fails it."""

    name: str
    place: Path
    arguments: Sequence[object]
    env: dict[str, str] = field(default_factory=dict)


def available() -> bool:
    """Tell whether this machine lets a process make mounts of its own."""
    try:
        tried = [*UNSHARE, "mount -t tmpfs none /mnt"]
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run_on_a_bad_disk(case: Case, folder: Path, room: int | None) -> str:
    """Run a command with so much room in kB, on a read-only disk with None; hold it to its promise and tell."""
    kept, after = folder / "kept", folder / "after"
    before = visible(case.place)
    script = (READ_ONLY if room is None else FULL) + AFTER
    names = {
        "PLACE": str(case.place),
        "KEPT": str(kept),
        "AFTER": str(after),
        "ROOM": str(room),
    }
    done = subprocess.run(
        [*UNSHARE, script, "sh", *support.command(*case.arguments)],
        env={**support.ENVIRONMENT, **names, **case.env, "LOKY_MAX_CPU_COUNT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = visible(after)
    shutil.rmtree(after)
    shutil.rmtree(kept, ignore_errors=True)
    where = f"{case.name}, {room} kB: {done.returncode}: {done.stderr}"
    for path in (path for path in found if path.endswith(".safetensors")):
        (folder / "bundle").write_bytes(found[path])
        load_bundle(folder / "bundle")
    if done.returncode == 0:
        return "completed"
    assert done.returncode == 1, where
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, where
    assert "Traceback" not in done.stderr, where
    assert found == before, (
        f"{where}: {sorted(name for name in {*found, *before} if found.get(name) != before.get(name))}"
    )
    return "refused in one line"


def run_on_bad_disks(case: Case, folder: Path, rooms: Sequence[int]) -> str:
    """Run a command on a read-only disk and with so much room, and tell how each ended."""
    held = [f"read-only {run_on_a_bad_disk(case, folder, None)}"]
    return ", ".join([*held, *(f"{room} kB {run_on_a_bad_disk(case, folder, room)}" for room in rooms)])


def visible(folder: Path) -> dict[str, bytes]:
    """Return the files that a user sees; those of the tracking store are its own affair."""
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "mlflow.db")))
    return {path.name: path.read_bytes() for path in files}


def model_cases(folder: Path) -> Iterator[Case]:
    """Yield what writes models: into the output folder and into the temporary one."""
    made = support.write_experiment(folder / "experiment")
    config = ("--config", made.config_file)
    for step in ("train", "evaluate", "train"):
        done = support.run(step, *config, env={"LOKY_MAX_CPU_COUNT": "1"})
        assert done.returncode == 0, done.stderr
    (folder / "temporary").mkdir()
    for step in ("train", "evaluate"):
        yield Case(f"models: {step}", made.output, (step, *config))
        temporary = {"TMPDIR": str(folder / "temporary")}
        yield Case(f"temporary folder: {step}", folder / "temporary", (step, *config), temporary)


def output_cases(folder: Path) -> Iterator[Case]:
    """Yield what writes predictions, over a file that is there already."""
    model, out = make_model(folder / "model.safetensors"), folder / "out"
    rows = [{"text": f"Sappers cleared {row} mines near the village."} for row in range(20_000)]
    table = support.write_rows(folder / "rows.jsonl", rows)
    article = folder / "article.txt"
    article.write_text("Sappers cleared mines.\n\n" * 4000, encoding="utf-8")
    out.mkdir()
    for form, source in (("jsonl", table), ("csv", table), ("parquet", table), ("html", article)):
        output = out / f"predicted.{form}"
        output.write_text("what was there", encoding="utf-8")
        yield Case(f"output: {form}", out, ("predict", source, "--model", model, "--output", output))


def corrections_on_a_full_disk(folder: Path) -> str:
    """Send corrections until the disk is full: those acknowledged are kept, and with room again it goes on."""
    model, place = make_model(folder / "model.safetensors"), folder / "corrections"
    place.mkdir()
    script = 'mount -t tmpfs -o size=1m none "$0" && head -c 600000 /dev/zero > "$0/filler"; exec "$@"'
    acknowledged = []
    with serving(model, place, within=(*UNSHARE, script, str(place))) as service:
        for number in range(1000):
            correction = {"text": f"{number} {'mines ' * 300}", "topics": []}
            reply = service.ask("/v1/corrections", correction)
            if reply.status != 201:
                break
            acknowledged.append(number)
        assert (reply.status, "cannot save annotations" in reply.json()["detail"]) == (503, True), reply
        assert service.ask("/v1/predict", {"texts": ["Mines."]}).status == 200
        Path(f"/proc/{service.process.pid}/root{place}/filler").unlink()
        assert service.ask("/v1/corrections", correction).status == 201
        kept = [int(row["text"].partition(" ")[0]) for row in service.ask("/v1/corrections").json()]
    assert kept[::-1] == [*acknowledged, number]
    return f"{len(acknowledged)} acknowledged, 0 lost"


def corrections_on_a_read_only_disk(folder: Path) -> str:
    """Start a service whose database cannot be written: it says so and ends, and the corrections there stay."""
    model, place = make_model(folder / "model.safetensors"), folder / "written"
    place.mkdir()
    with serving(model, place) as service:
        assert service.ask("/v1/corrections", {"text": "Mines.", "topics": []}).status == 201
    script = READ_ONLY.replace("$PLACE", "$0") + '; exec "$@"'
    file = place / "annotations.sqlite3"
    start = support.command("serve", "--port", "0", "--model", model, "--annotations", file)
    done = subprocess.run(
        [*UNSHARE, script, str(place), *start],
        env=support.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.startswith(f"error: {file}: cannot save annotations: "), done.stderr
    with serving(model, place) as service:
        assert [row["text"] for row in service.ask("/v1/corrections").json()] == ["Mines."]
    return "refused, 1 kept"


def collect_on_a_full_disk(folder: Path) -> str:
    """Collect until the disk is full: what was kept is whole, and with room the rest is added."""
    model, place, after = make_model(folder / "model.safetensors"), folder / "archive", folder / "after"
    news = folder / "news"
    for made in (place, news):
        made.mkdir()
    for number in range(300):
        text = "\n\n".join(f"{line} {number * n}" for n in range(8) for line in (archiving.MINES, archiving.LUNCH))
        (news / f"{number:03}.txt").write_text(text, encoding="utf-8")
    script = 'mount -t tmpfs -o size=2m none "$PLACE"; "$@"; code=$?; cp -a "$PLACE" "$AFTER" && exit $code'
    arguments = ("collect", news, "--model", model, "--archive", place / "a.sqlite3")
    done = subprocess.run(
        [*UNSHARE, script, "sh", *support.command(*arguments)],
        env={**support.ENVIRONMENT, "PLACE": str(place), "AFTER": str(after)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr == f"error: {place / 'a.sqlite3'}: cannot use this archive: disk full\n", done.stderr
    kept = articles_in(after / "a.sqlite3")
    assert 0 < kept < 300
    done = support.run("collect", news, "--model", model, "--archive", after / "a.sqlite3")
    assert (done.returncode, articles_in(after / "a.sqlite3")) == (0, 300), done.stderr
    return f"{kept} kept until full, 300 with room"


def collect_on_a_read_only_disk(folder: Path) -> str:
    """Collect into an archive that cannot be written: it says so, and the articles there stay."""
    model, place = make_model(folder / "model.safetensors"), folder / "read-only"
    place.mkdir()
    for number in range(2):
        (folder / f"{number}.txt").write_text(f"{archiving.MINES} {number}", encoding="utf-8")
    into = ("--model", model, "--archive", place / "a.sqlite3")
    assert support.run("collect", folder / "0.txt", *into).returncode == 0
    script = READ_ONLY.replace("$PLACE", "$0") + '; exec "$@"'
    done = subprocess.run(
        [*UNSHARE, script, str(place), *support.command("collect", folder / "1.txt", *into)],
        env=support.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert done.stderr.startswith(f"error: {place / 'a.sqlite3'}: cannot use this archive: it "), done.stderr
    return f"refused, {articles_in(place / 'a.sqlite3')} kept"


def articles_in(archive: Path) -> int:
    """Count the articles of an archive that is whole."""
    with open_archive(archive) as database:
        archiving.check(database)
        return int(database.execute("SELECT count(*) FROM articles").fetchone()[0])


def run(rooms: Sequence[int] = ROOMS) -> Iterator[str]:
    """Try every case on a read-only disk and with so much room, and yield a line for each that held."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for case in (*output_cases(folder), *model_cases(folder)):
            yield f"{case.name}: {run_on_bad_disks(case, folder, rooms)}"
        yield f"corrections: full {corrections_on_a_full_disk(folder)}"
        yield f"corrections: read-only {corrections_on_a_read_only_disk(folder)}"
        yield f"archive: full {collect_on_a_full_disk(folder)}"
        yield f"archive: read-only {collect_on_a_read_only_disk(folder)}"


if __name__ == "__main__":
    if not available():
        raise SystemExit("skipped: this machine does not let `unshare` make mounts")
    for line in run():
        print(line, flush=True)
