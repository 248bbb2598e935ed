"""What the pages take on a large archive, compared with a small one."""

import hashlib
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest
from serving import Service, serving
from small_archive import BOTH, MINES, NONE, PEACE, Kept, fill

SMALL, LARGE, DAYS = 100, 10_000, 50
REQUESTS, LEAST_SECONDS = 20, 0.3  # processor time is counted in steps of 0.01 s
SENTENCES = {
    MINES: "Sappers cleared landmines from the field near the village of {n}, and demining goes on there.",
    PEACE: "The two sides of {n} met for peace talks and agreed on a ceasefire before the long winter.",
    BOTH: "The ceasefire of {n} would let sappers clear landmines along the border by the next winter.",
    NONE: "Lunch was served in garden {n}, and the orchestra of the town played on until late.",
}


def composed(number: int) -> Iterator[Kept]:
    chance = random.Random(1)
    for place in range(number):
        day = (date(2026, 1, 1) + timedelta(days=place * DAYS // number)).isoformat()
        kinds = chance.choices([MINES, PEACE, BOTH, NONE], [1, 1, 0.5, 4], k=5)
        paragraphs = tuple((SENTENCES[kind].format(n=place), kind) for kind in kinds)
        yield Kept(f"Report {place - place % 4 // 3}", f"Outlet {chance.randrange(20)}", day, paragraphs)


@pytest.fixture(scope="module")
def two(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """Serve a small and a large archive, as if the model in use had labelled them."""
    folder = tmp_path_factory.mktemp("speed")
    sha256 = hashlib.sha256((small_model / "champion.safetensors").read_bytes()).hexdigest()
    paths = [fill(folder / f"{size}.sqlite3", composed(size), sha256=sha256) for size in (SMALL, LARGE)]
    with (
        serving(small_model, folder, "--archive", str(paths[0])) as small,
        serving(small_model, folder, "--archive", str(paths[1])) as large,
    ):
        yield small, large


def computing_time(service: Service, path: str) -> float:
    """Return the processor time of a page, which does not depend on what else the machine does."""
    process = psutil.Process(service.process.pid)
    used = [process, *process.children(recursive=True)]

    def seconds() -> float:
        return sum(sum(one.cpu_times()[:2]) for one in used)

    started, asked, took = seconds(), 0, 0.0
    while asked < REQUESTS or took < LEAST_SECONDS:
        assert service.ask(path).status == 200
        asked, took = asked + 1, seconds() - started
    return took / asked


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/today?since=2026-01-20&until=2026-01-20", 6),
        ("/today?since=&until=", 15),
        ("/today?since=&until=&topic=mine_action&page=2", 15),
        ("/search?words=ceasefire", 20),
        ("/timeline", 8),
        ("/article/50", 5),
    ],
)
def test_a_hundred_times_the_articles_take_not_nearly_as_many_times_as_long(
    two: tuple[Service, Service], path: str, most: float
) -> None:
    small, large = (computing_time(service, path) for service in two)
    assert large / small < most
