"""The services of compose.yaml without containers: PostgreSQL, and MLflow by the very command line there."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import support
import yaml

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
PASSWORD = "a'pass word%40"


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server that listens on a socket in a folder, and asks for PASSWORD."""

    folder: Path
    programs: Path


@dataclass(frozen=True)
class MlflowServer:
    """MLflow's server, as compose.yaml starts it."""

    uri: str
    log: Path
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]


def postgres_programs() -> Path | None:
    """Find PostgreSQL's programs, which Debian keeps off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return debian[-1] if debian else Path(found).parent if found else None


@contextmanager
def postgres(programs: Path) -> Iterator[Database]:
    """Run PostgreSQL with an empty database `mlflow`; root lends it to the user postgres, as it refuses root."""
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: the name of a socket has at most 107 bytes
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user:
            owner = pwd.getpwnam(user)
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        login = ["--username", "mlflow", "--auth", "scram-sha-256", "--pwfile", str(folder / "password")]
        make = [str(programs / "initdb"), "--no-sync", "--no-locale", "-E", "UTF8", *login, str(folder / "data")]
        subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)
        start = [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", ""]
        with subprocess.Popen(start, user=user, cwd=folder, stderr=subprocess.DEVNULL) as server:
            try:
                _wait_for([str(programs / "pg_isready"), "-h", str(folder)])
                create = [str(programs / "createdb"), "-h", str(folder), "-U", "mlflow", "mlflow"]
                subprocess.run(create, check=True, env={**support.ENVIRONMENT, "PGPASSWORD": PASSWORD})
                yield Database(folder, programs)
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder)


@contextmanager
def mlflow_server(database: Database, folder: Path) -> Iterator[MlflowServer]:
    """Run MLflow by the command line, entry point and environment of compose.yaml, on a free port of loopback."""
    service, port = COMPOSE["mlflow"], free_port()
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    here = {
        "PGHOST": str(database.folder),
        "POSTGRES_PASSWORD_FILE": str(folder / "password"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(port),
    }
    assert here.keys() <= service["environment"].keys()
    environment = {**support.ENVIRONMENT, **service["environment"], **here}
    log = folder / "mlflow.log"
    command = ["sh", str(ROOT / "docker/mlflow-entrypoint"), *service["command"]]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=folder) as server,
    ):
        try:
            _wait_for(health_check(), environment, log)
            yield MlflowServer(f"http://127.0.0.1:{port}", log, server, environment)
        finally:
            server.terminate()


def health_check() -> list[str]:
    """Return the health check of MLflow's container, with this Python."""
    kind, program, *arguments = COMPOSE["mlflow"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    return [sys.executable, *arguments]


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(address: str) -> bool:
    """Tell whether an address answers with status 200."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return bool(answer.status == 200)


def _wait_for(command: list[str], environment: dict[str, str] | None = None, log: Path | None = None) -> None:
    end = time.monotonic() + 120
    while subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < end, log.read_text(encoding="utf-8") if log else command
        time.sleep(0.2)
