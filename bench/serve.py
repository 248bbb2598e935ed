"""Load the running service, or one started for it, on loopback: requests a second, times and errors.

Each client keeps its connection and sends the next request when it has the answer to the last. A request is an
article of ten paragraphs. Run by `make bench-serve`.
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PARAGRAPHS = (
    "Clearance teams removed more than 400 anti-personnel mines from farmland along the line last year.",
    "The ministers met for a third round of peace talks and agreed to go on with the border's delimitation.",
    "Hackers broke into the network of the grid operator in January, and 30,000 households were without power.",
    "A year after COP29 the climate finance goal agreed in Baku has hardly been paid into, campaigners say.",
    "Lunch was served in the garden of the residence. Neither minister took questions, and both left before four.",
)
ARTICLE = "\n\n".join(PARAGRAPHS * 2)


async def client(host: str, port: int, end: float, times: list[float], errors: list[str]) -> None:
    """Ask until the time is up."""
    body = json.dumps({"article": ARTICLE}).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < end:
        started = time.perf_counter()
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        rows = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        if not answer.startswith(b"HTTP/1.1 200 ") or len(rows["predictions"]) != 10:  # noqa: PLR2004
            errors.append(answer.decode())
        times.append(time.perf_counter() - started)
    writer.close()
    await writer.wait_closed()


async def measure(host: str, port: int, clients: int, seconds: float) -> str:
    """Load the service for a while and sum up."""
    times: list[float] = []
    errors: list[str] = []
    started = time.perf_counter()
    asking = [client(host, port, started + seconds, times, errors) for _ in range(clients)]
    failed = [str(found) for found in await asyncio.gather(*asking, return_exceptions=True) if found]
    took = time.perf_counter() - started
    cuts = statistics.quantiles(times, n=100)
    figures = f"{len(times) / took:9.0f}  {statistics.median(times) * 1000:9.1f}  {cuts[98] * 1000:9.1f}"
    return f"{clients:7}  {figures}  {len(errors) + len(failed):6}"


@contextmanager
def service(model: str) -> Iterator[tuple[str, int]]:
    """Start a service of its own and give its address."""
    command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--log", "off", "--model", model]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline() if process.stderr else ""
        found = re.search(r"http://([^:]+):(\d+)", line)
        if not found:
            sys.exit(line)
        try:
            yield found[1], int(found[2])
        finally:
            process.terminate()


def main() -> None:
    """Measure with 1, 8 and 64 clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="models", help="a bundle file or output folder")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long to measure with each number of clients"
    )
    chosen = parser.parse_args()
    lines = ["clients  requests/s  median ms  99 % ms  errors"]
    with service(chosen.model) as (host, port):
        asyncio.run(measure(host, port, 2, 1.0))  # what is made at first use is made before
        lines += [asyncio.run(measure(host, port, clients, chosen.seconds)) for clients in (1, 8, 64)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
