"""A service with an archive that the real writer filled, for the tests of the pages that read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import archiving
from archiving import LUNCH, MINES, PEACE, entry
from serving import Service, serving

from pipeline.archive.database import open_archive
from pipeline.archive.write import Entry, load_model

FIELD = "\n\n".join([MINES.format(place="field"), MINES.format(place="meadow"), LUNCH.format(place="garden")])
TALKS = "\n\n".join(
    [
        PEACE.format(place="capital"),
        LUNCH.format(place="palace"),
        "Neither minister took questions afterwards, and both left the long hall before four o'clock.",
        PEACE.format(place="mountains"),
        LUNCH.format(place="hotel"),
    ]
)
SEASON = "\n\n".join(
    [LUNCH.format(place="opera"), "A symphony opened the season for the city and its many guests."]
)


def article(key: str, text: str, title: str, outlet: str, day: str, address: str | None = None) -> Entry:
    """Make an entry with an address."""
    made = entry(key, text, title=title, outlet=outlet, day=day)
    return Entry(made.article, made.key, outlet, day, dated=True, address=address)


ENTRIES = (
    article("1", FIELD, "A field is cleared", "Courier", "2026-03-03", "https://courier.example/field?a=1&b=2"),
    article("2", FIELD, "Field cleared of mines", "Evening Post", "2026-03-04", "https://post.example/mines"),
    article("3", TALKS, "Talks in the capital", "Evening Post", "2026-03-04"),
    article("4", SEASON, "The season opens", "Courier", "2026-03-01"),
)


def fill(model: Path, path: Path, *entries: Entry, collected: str = "2026-03-04T06:00:00+00:00") -> Path:
    """Put entries into an archive, labelled by a model of `serving.make_model`."""
    used = load_model(model / "champion.safetensors")
    with open_archive(path, create=True) as database:
        archiving.add(database, used, *(entries or ENTRIES), time=collected)
    return path


@contextmanager
def reading(model: Path, folder: Path, *entries: Entry, options: tuple[str, ...] = ()) -> Iterator[Service]:
    """Serve an archive of these entries, or of the usual ones."""
    path = fill(model, folder / "archive.sqlite3", *entries)
    with serving(model, folder, "--archive", str(path), *options) as running:
        yield running
