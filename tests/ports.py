"""Ports for servers that cannot choose one themselves, and that bind theirs only seconds later."""

import itertools
import os
import socket
from collections.abc import Iterator


def _ports() -> Iterator[int]:
    """Yield ports below those that the kernel hands out: other ones to each worker, and mostly to each run."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in itertools.count(os.getpid()):
        yield 10_000 + worker % 20 * 1_000 + number % 1_000


_PORTS = _ports()


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that was not returned before."""
    for port in _PORTS:
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
