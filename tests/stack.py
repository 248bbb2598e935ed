"""The services of compose.yaml without containers: PostgreSQL, and MLflow by the very command line there."""

import os
import pwd
import shutil
import signal
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
from ports import free_port

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


@dataclass(frozen=True)
class Registry:
    """MLflow's server with a store in SQLite, for a team of one machine."""

    uri: str
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]

    @property
    def client(self) -> Any:
        """A client of it."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def register(self, name: str, bundle: Path) -> str:
        """Log a bundle as training does, register its run, and return the version."""
        client = self.client
        found = client.get_experiment_by_name(name)  # the store's own experiment keeps its files in this folder
        if found is None:
            client.create_registered_model(name)
        run = client.create_run(found.experiment_id if found else client.create_experiment(name))
        client.log_artifact(run.info.run_id, str(bundle), "bundle")
        return str(client.create_model_version(name, f"{run.info.artifact_uri}/bundle", run.info.run_id).version)

    def promote(self, name: str, version: str) -> None:
        """Make a version champion."""
        self.client.set_registered_model_alias(name, "champion", version)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it accept connections and answer nothing until the block ends."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)


@contextmanager
def mlflow_on_sqlite(store: Path, folder: Path) -> Iterator[Registry]:
    """Run `mlflow server` on a copy of a store without runs, on a free port of loopback."""
    shutil.copy(store, folder / "mlflow.db")
    port = free_port()
    command = ["mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**support.ENVIRONMENT, "MLFLOW_PORT": str(port), "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = folder / "mlflow.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            command, env=environment, stdout=out, stderr=out, cwd=folder, start_new_session=True
        ) as server,
    ):
        try:
            _wait_for(health_check(), environment, log)
            uri = f"http://127.0.0.1:{port}"
            yield Registry(uri, server, {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"})
        finally:
            server.terminate()


def health_check() -> list[str]:
    """Return the health check of MLflow's container, with this Python."""
    kind, program, *arguments = COMPOSE["mlflow"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    return [sys.executable, *arguments]


def answers(address: str) -> bool:
    """Tell whether an address answers with status 200."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return bool(answer.status == 200)


def _wait_for(command: list[str], environment: dict[str, str] | None = None, log: Path | None = None) -> None:
    end = time.monotonic() + 120
    while subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < end, log.read_text(encoding="utf-8") if log else command
        time.sleep(0.2)
