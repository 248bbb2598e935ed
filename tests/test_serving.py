import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import support
from conftest import TrainedExperiment
from ports import free_port

TEXTS = [
    "The bridge has a new pier and arch.",
    "",
    "Apple and pear: the orchard harvest.",
    "Read more.",
    "qqq www",
    "A knight and a bishop crossed the viaduct.",
    "The bridge has a new pier and arch.",
]
SERVE = ["mlflow", "models", "serve", "-m", "models:/tests@candidate", "--env-manager", "local", "--port"]


@pytest.fixture(scope="module")
def server(trained: TrainedExperiment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    log = tmp_path_factory.mktemp("serving") / "log.txt"
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{trained.experiment.output / 'mlflow.db'}"}
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*SERVE, str(port)],
            env={**support.ENVIRONMENT, **store, "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=told,
            stderr=told,
            cwd=log.parent,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/ping", process, log)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            urlopen(address, timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))


def answers(server: str, texts: list[str | None]) -> list[dict[str, Any]]:
    body = json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text] for text in texts]}}).encode()
    return sent(server, body, "application/json")


def sent(server: str, body: bytes, kind: str) -> list[dict[str, Any]]:
    with urlopen(Request(server, body, {"Content-Type": kind}), timeout=60) as answer:
        found: list[dict[str, Any]] = json.load(answer, parse_constant=_no_json)["predictions"]
    return found


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_as_many_rows_come_out_as_go_in(server: str, rows: int) -> None:
    assert len(answers(server, TEXTS[:rows])) == rows


def test_scores_and_topics_equal_the_command_lines(server: str, trained: TrainedExperiment) -> None:
    texts = [text for text in TEXTS if text]
    served = answers(server, texts)
    done = support.run("predict", "-", "--model", trained.experiment.candidate, stdin="\n\n".join(texts).encode())
    rows = support.json_lines(done.stdout)
    assert [row["text"] for row in rows] == texts
    for row, answer in zip(rows, served, strict=True):
        assert answer["topics"] == row["topics"]
        assert {topic: answer[topic] for topic in support.TOPICS} == pytest.approx(row["scores"], abs=1e-9)


def test_an_empty_text_has_no_topic_and_keeps_its_place(server: str) -> None:
    served = answers(server, TEXTS)
    assert (served[1]["topics"], served[4]["topics"]) == ([], [])
    assert served[0] == served[-1]
    assert served[0]["topics"] == ["bridge"]


def test_a_missing_text_is_an_error_in_its_row(server: str) -> None:
    nothing = {"topics": None, **dict.fromkeys(support.TOPICS), "error": "no text in column 'text'"}
    first, second, third = answers(server, [TEXTS[0], None, TEXTS[0]])
    assert (first, second) == (third, nothing)
    assert (first["topics"], first["error"]) == (["bridge"], None)
    rows = sent(server, b"text,other\nThe bridge has a new pier and arch.,1\n,2\nNA,3\n", "text/csv")
    assert rows == [first, nothing, nothing]
