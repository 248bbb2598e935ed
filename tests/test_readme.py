"""Every command of the README and the guide is run, in order, in a copy of the project with less data."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import support
import yaml
from ports import free_port

ROOT = Path(__file__).parents[1]
PAGES = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/guide.md"))
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGES, re.DOTALL)
LINES = (line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines())
COMMANDS = list(dict.fromkeys(line for line in LINES if line))
SERVERS = {  # how each is told its port, and what it answers to
    "make serve": (' SERVE="--port {port}"', "/healthz"),
    "make ui": (' UI="--port {port}"', "/health"),
    "mlflow models serve": (" --port {port}", "/ping"),
}
RUNS_THIS = "make test"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git tracks, with the small corpus of the tests, a short search and this environment."""
    copy = tmp_path_factory.mktemp("readme") / "project"
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        if not name.startswith(("data/", "tests/")) and (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    write_small_experiment(copy)
    (copy / ".venv").mkdir()
    (copy / ".venv/bin").symlink_to(Path(sys.executable).parent)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run([*git, *command], cwd=copy, check=True)
    (copy / ".venv/.ready").touch()
    return copy


def write_small_experiment(copy: Path) -> None:
    """Put the small corpus where the shipped one lies, under the shipped names."""
    for name, writer in {"w1": "a", "t1": "t"}.items():
        rows = [row for row in support.rows() if row["writer"] == writer]
        support.write_rows(copy / f"data/articles/{name}.jsonl", rows)
    made = support.write_experiment(copy / "configs")
    shutil.rmtree(copy / "configs/articles")
    shipped = yaml.safe_load((ROOT / "configs/default.yaml").read_text(encoding="utf-8"))
    content = yaml.safe_load(made.config_file.read_text(encoding="utf-8"))
    content["data"] |= {"topics": "configs/topics.yaml", "train": ["data/articles"]}
    content |= {"tracking": shipped["tracking"], "output": shipped["output"]}
    made.config_file.rename(copy / "configs/default.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    search = yaml.safe_load((ROOT / "configs/search.yaml").read_text(encoding="utf-8"))
    (copy / "configs/search.yaml").write_text(yaml.safe_dump({**search, "trials": 1}), encoding="utf-8")


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    alone = {"LOKY_MAX_CPU_COUNT": "1"}  # starting workers takes longer than these folds
    return {**support.ENVIRONMENT, "PATH": path, "PYTHONPATH": str(ROOT), **alone}


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            time.sleep(0.3)
    return False


def serve(command: str, port_option: str, path: str, project: Path) -> None:
    port = free_port()
    command = f"{command}{port_option.format(port=port)}"
    process = subprocess.Popen(["bash", "-c", command], cwd=project, env=environment(), start_new_session=True)
    try:
        assert answers(f"http://127.0.0.1:{port}{path}", process), command
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def run(command: str, project: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=project, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr  # what only keeps or sends says so on standard error


def test_every_command_of_the_readme_and_the_guide_works(project: Path) -> None:
    assert COMMANDS[:2] == ["make train", RUNS_THIS]
    told = {}
    for command in COMMANDS:
        server = next((how for name, how in SERVERS.items() if name in command), None)
        if server:
            serve(command, *server, project)
        elif command != RUNS_THIS:
            told[command] = run(command, project)
    assert all(out or "--output" in command for command, out in told.items())
    assert all("metrics are equal" in out for command, out in told.items() if "reproduce" in command)
    assert (project / "models/champion.safetensors").exists()
