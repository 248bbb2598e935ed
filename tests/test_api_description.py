"""Requests made from the service's own description: none is answered with a server error or not as described."""

import os
import subprocess
import sys
from pathlib import Path

from serving import Service


def test_the_service_keeps_to_its_description(service: Service, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.url}/openapi.json"]
    command += ["--max-examples", "15", "--generation-deterministic"]
    env = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Operations:       9 selected / 9 total" in done.stdout
    assert service.ask("/healthz").status == 200
