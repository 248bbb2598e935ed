"""Promote: give a model version the alias champion in one order for all, keep the history, and roll back.

The history is an append-only log in the tracking store, which numbers its entries. An entry counts if the version
that it replaces is the champion after the entries before it; of two that promote at once, the first entry counts.
"""

import getpass
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from pipeline.config import Config
from pipeline.errors import GateError
from pipeline.files import atomic_path
from pipeline.model.bundle import reference_path
from pipeline.tracking import CHAMPION, REFERENCE, LogEntry, ModelVersion, Tracker

_NONE = ""


@dataclass(frozen=True)
class Promotion:
    """An entry of the history.

    Parameters
    ----------
    number : int
        From 1, in the order in which the tracking store received them.
    before, after : str
        Versions of the registered model: the champion that was replaced, empty for none, and the new one.
    run_id : str
        The run that made the new champion.
    by : str
        Who promoted it, as user@host.
    at : datetime
        When, by the clock of the tracking store, in UTC.
    reason : str
        What the gate said, or why there was none.
    counts : bool
        False if another promotion came first.

    """

    number: int
    before: str
    after: str
    run_id: str
    by: str
    at: datetime
    reason: str
    counts: bool


def promotions(tracker: Tracker) -> list[Promotion]:
    """Read the history of promotions.

    Parameters
    ----------
    tracker : Tracker

    Returns
    -------
    list of Promotion
        In their order.

    """
    found: list[Promotion] = []
    champion: str | None = None  # what came before the history began is what its first entry says
    for entry in tracker.promotion_log():
        counts = champion is None or entry.tags["before"] == champion
        champion = entry.tags["after"] if counts else champion
        found.append(_promotion(entry, counts=counts))
    return found


def promote(tracker: Tracker, model: ModelVersion, *, replacing: ModelVersion | None, reason: str) -> Promotion:
    """Make a model version the champion, in place of the one that it was compared with.

    Parameters
    ----------
    tracker : Tracker
    model : ModelVersion
    replacing : ModelVersion or None
        The champion that the decision was made against.
    reason : str
        What the gate said, for the history.

    Returns
    -------
    Promotion

    Raises
    ------
    GateError
        Where another promotion came first; the message says which.

    """
    _settle(tracker, by_hand=True)
    before = replacing.number if replacing else _NONE
    number = _append(tracker, before, model, reason)
    _settle(tracker)
    mine = next(entry for entry in promotions(tracker) if entry.number == number)
    if not mine.counts:
        raise GateError(_overtaken(tracker, mine))
    return mine


def rollback(config: Config) -> Promotion:
    """Make the champion's predecessor champion again, and put its bundle in the output folder.

    Parameters
    ----------
    config : Config

    Returns
    -------
    Promotion

    Raises
    ------
    GateError
        Where the history has no predecessor, or another promotion came first.
    TrackingError, OutputError

    """
    tracker = Tracker(config.tracking, Path(config.output))
    _settle(tracker, by_hand=True)
    counting = [entry for entry in promotions(tracker) if entry.counts]
    current = counting[-1] if counting else None
    if current is None or not current.before:
        raise GateError(f"{tracker.uri}: no promotion has replaced a champion, so there is none to return to")
    previous = tracker.version(current.before)
    replaced = ModelVersion(current.after, current.run_id)
    model = Path(config.output) / f"{CHAMPION}.safetensors"
    with atomic_path(model) as file, _reference_of(tracker, previous, reference_path(model)):
        file.write_bytes(tracker.read_bundle(previous.run_id))
        made = promote(tracker, previous, replacing=replaced, reason=f"rollback of version {current.after}")
    tracker.describe_model(previous)
    return made


@contextmanager
def _reference_of(tracker: Tracker, version: ModelVersion, path: Path) -> Iterator[None]:
    """Put the reference of a version there when the block succeeds; take another's away where it has none."""
    reference = tracker.read_text(version.run_id, REFERENCE)
    if reference is None:
        yield
        path.unlink(missing_ok=True)
        return
    with atomic_path(path) as file:
        file.write_text(reference, encoding="utf-8")
        yield


def as_frame(history: Sequence[Promotion]) -> pd.DataFrame:
    """Return a row a promotion, the latest last, as `topics history` shows it.

    Parameters
    ----------
    history : sequence of Promotion

    Returns
    -------
    DataFrame
        Columns `when`, `who`, `from`, `to`, `gate` and `result`.

    """
    return pd.DataFrame(
        {
            "when": [entry.at.strftime("%Y-%m-%d %H:%M:%S") for entry in history],
            "who": [entry.by for entry in history],
            "from": [entry.before or "-" for entry in history],
            "to": [entry.after for entry in history],
            "gate": [entry.reason for entry in history],
            "result": ["promoted" if entry.counts else "another came first" for entry in history],
        }
    )


def _promotion(entry: LogEntry, *, counts: bool) -> Promotion:
    tags = entry.tags
    return Promotion(
        entry.number, tags["before"], tags["after"], tags["run_id"], tags["by"], entry.at, tags["reason"], counts
    )


def _append(tracker: Tracker, before: str, model: ModelVersion | None, reason: str, *, by: str = "") -> int:
    tags = {
        "before": before,
        "after": model.number if model else _NONE,
        "run_id": model.run_id if model else _NONE,
        "by": by or f"{getpass.getuser()}@{socket.gethostname()}",
        "reason": reason,
    }
    return tracker.log_promotion(tags)


def _settle(tracker: Tracker, *, by_hand: bool = False) -> None:
    """Make alias and history agree: finish a promotion that was cut short, or note what was set by hand."""
    while (last := _last(tracker)) is not None:
        champion = tracker.find(CHAMPION)
        if (champion.number if champion else _NONE) == last.after:
            tracker.mark_applied(last.number)
            return
        if by_hand and tracker.is_applied(last.number):
            _append(tracker, last.after, champion, "alias set in the tracking store, without a gate", by="unknown")
        else:
            tracker.set_alias(CHAMPION, tracker.version(last.after))


def _last(tracker: Tracker) -> Promotion | None:
    return next((entry for entry in reversed(promotions(tracker)) if entry.counts), None)


def _overtaken(tracker: Tracker, mine: Promotion) -> str:
    first = next(entry for entry in reversed(promotions(tracker)) if entry.counts and entry.number < mine.number)
    return (
        f"version {mine.after} was compared with version {mine.before or 'none'}, but {first.by} has promoted "
        f"version {first.after} meanwhile: not promoted; evaluate again"
    )
