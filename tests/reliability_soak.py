"""Ask the service without a pause while its model is replaced every second: no failed request, and no growth.

python tests/reliability_soak.py [--requests 20000] [--clients 8]
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from serving import ARTICLE, Service, make_model, serving

MOST_GROWTH = 48  # MB, of all processes of the service together, once a fifth of the requests is answered
SWAP_SECONDS = 1.0
ASKED = json.dumps({"article": ARTICLE}), {"content-type": "application/json"}


class Load:
    """Clients that share a number of requests, each with a connection of its own, and what came back.

    They go on until they have heard from two models, for a minute at most.
    """

    def __init__(self, service: Service, requests: int, clients: int) -> None:
        self.address = urlsplit(service.url)
        self.left = iter(range(requests))
        self.models, self.end = 2, time.monotonic() + 60
        self.answers: set[str] = set()
        self.answered, self.failed = 0, list[str]()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client) for _ in range(clients)]

    def wait_for(self, answered: int) -> None:
        """Return once so many requests are answered, or none is left."""
        while self.answered < answered and any(thread.is_alive() for thread in self.threads):
            self.threads[0].join(timeout=0.05)

    def _client(self) -> None:
        connection = http.client.HTTPConnection(str(self.address.hostname), self.address.port, timeout=30)
        while self._take():
            answer, problem = "", ""
            try:
                connection.request("POST", "/v1/predict", *ASKED)
                reply = connection.getresponse()
                answer = reply.read().decode()
                problem = "" if reply.status == http.client.OK else answer
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                problem = repr(error)
            self._note(answer, problem)
        connection.close()

    def _take(self) -> bool:
        with self.lock:
            waiting = len(self.answers) < self.models and time.monotonic() < self.end
            return next(self.left, None) is not None or waiting

    def _note(self, answer: str, problem: str) -> None:
        with self.lock:
            self.answered += 1
            self.failed += [problem] if problem else []
            self.answers |= set() if problem else {scored(answer)}


def scored(answer: str) -> str:
    """Return the run and the scores of an answer: what differs between two models."""
    found = json.loads(answer)
    return json.dumps([found["model"]["run_id"], [row["scores"] for row in found["predictions"]]])


def memory(service: Service) -> float:
    """Return the memory of a service's processes that is theirs alone, in MB."""
    parent = psutil.Process(service.process.pid)
    return sum(process.memory_full_info().uss for process in (parent, *parent.children(recursive=True))) / 2**20


def swap(folder: Path, stop: threading.Event, swaps: list[int]) -> None:
    """Put one of two models in the place of the other, every second."""
    while not stop.wait(SWAP_SECONDS):
        swaps[0] += 1
        os.link(folder / f"model-{swaps[0] % 2}", folder / "next")
        (folder / "next").replace(folder / "champion.safetensors")


def soak(requests: int, clients: int) -> str:
    """Send so many requests, and return what held in a line."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, stop, swaps = Path(temporary), threading.Event(), [0]
        for turn in range(2):
            make_model(folder / f"model-{turn}", run_id=f"run-{turn}", turn=3 * turn)
        make_model(folder / "champion.safetensors", run_id="run-0")
        with serving(folder, folder) as service:
            load = Load(service, requests, clients)
            swapping = threading.Thread(target=swap, args=(folder, stop, swaps))
            for thread in (*load.threads, swapping):
                thread.start()
            load.wait_for(requests // 5)
            before = memory(service)
            for thread in load.threads:
                thread.join()
            growth = memory(service) - before
            stop.set()
            swapping.join()
    assert not load.failed, load.failed[:3]
    assert load.answered >= requests
    assert len(load.answers) == load.models, "each model's answers are its own"
    assert growth < MOST_GROWTH, f"{growth:.1f} MB more"
    return f"{load.answered:,} requests, {swaps[0]} swaps, 0 failed, {before:.0f} MB {growth:+.1f} MB"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    print(soak(options.requests, options.clients))
