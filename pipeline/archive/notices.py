"""Tell whoever a view notifies of new stories: each story once, and no message lost.

What is to be told is written down first, in the transaction that marks its stories as told. Each attempt to send
is counted before it is made. So whatever ends the process, no story is told in two messages, and no message is
lost. One that was handed over just before the process died, in the instant before that could be noted, is sent
again, with the same Message-ID or webhook-id, by which mail programs and webhooks drop the second one.
"""

import fcntl
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path

from pipeline.archive.database import transaction
from pipeline.archive.delivery import Delivery, shown_address
from pipeline.archive.digest.build import MOST_STORIES
from pipeline.archive.digest.mail import as_mail
from pipeline.archive.digest.payload import as_object
from pipeline.archive.digest.read import digest_of
from pipeline.archive.digest.rows import Digest, counted
from pipeline.archive.queries import Story, stories
from pipeline.archive.selection import View
from pipeline.archive.views import list_views, mail_address
from pipeline.errors import ArchiveError, DeliveryError
from pipeline.files import hidden

BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
GIVE_UP = timedelta(days=7)
_LOOK_BACK = timedelta(days=7)  # articles may become visible later than their time of collection says
_KEEP = timedelta(days=30)
_PAGE = 500  # stories that are looked at at once


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: messages that were written down, sent, and not sent."""

    made: int
    sent: int
    failed: int


def notify(
    database: sqlite3.Connection,
    delivery: Delivery,
    *,
    pause: timedelta,
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
) -> Round:
    """Write down what is new for each view, and send what is due.

    Parameters
    ----------
    database : sqlite3.Connection
    delivery : Delivery
    pause : timedelta
        The least time between two messages of one view.
    clock : callable
        Returns the time, in UTC.
    tell : callable
        Takes a line on each message.

    Returns
    -------
    Round

    Raises
    ------
    DeliveryError
        Where a view tells a mail address and there is no mail server.

    """
    views = [view for view in list_views(database) if view.notify]
    _check(views, delivery)
    now = clock()
    made = sum(write_down(database, view, delivery, pause=pause, now=now) for view in views)
    outcomes = [_attempt(database, row, delivery, clock, tell) for row in _due(database, clock())]
    return Round(made, outcomes.count(True), outcomes.count(False))


@contextmanager
def alone(archive: Path) -> Iterator[bool]:
    """Keep other processes from telling of the same archive meanwhile.

    Parameters
    ----------
    archive : Path

    Yields
    ------
    bool
        False where another process is at it. However a process ends, others can go on.

    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(hidden(archive, ".notify").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        except OSError as error:
            raise ArchiveError(f"{archive}: cannot lock beside this archive: {error.strerror or error}") from None
        else:
            is_alone = True
        yield is_alone


def write_down(
    database: sqlite3.Connection, view: View, delivery: Delivery, *, pause: timedelta, now: datetime
) -> int:
    """Write down what is new for a view, a message for each address, and mark its stories as told.

    Parameters
    ----------
    database : sqlite3.Connection
    view : View
    delivery : Delivery
        Says whom mails are from.
    pause : timedelta
    now : datetime

    Returns
    -------
    int
        How many messages.

    """
    with transaction(database):
        row = database.execute("SELECT id, notify_since FROM views WHERE slug = ?", (view.slug,)).fetchone()
        if row is None or _told_lately(database, row["id"], now - pause):
            return 0
        found = _new_stories(database, view, row["id"], row["notify_since"])
        if len(found) <= MOST_STORIES:  # all are told now, so the next round need not look at older ones
            since = max(row["notify_since"], _stamp(now - _LOOK_BACK))
            database.execute("UPDATE views SET notify_since = ? WHERE id = ?", (since, row["id"]))
        if not found:
            return 0
        told = [(row["id"], story.id, _stamp(now)) for story in found[:MOST_STORIES]]
        database.executemany("INSERT INTO told (view, story, time) VALUES (?, ?, ?)", told)
        digest = _digest(database, view, found, now)
        for address in view.notify:
            _write_notice(database, row["id"], address, digest, sender=delivery.sender)
    return len(view.notify)


def _check(views: Sequence[View], delivery: Delivery) -> None:
    for view in views:
        mails = [address for address in view.notify if address.startswith("mailto:")]
        if mails and (delivery.server is None or not delivery.sender):
            missing = "--smtp" if delivery.server is None else "--sender"
            raise DeliveryError(f"view {view.slug} notifies {mails[0]}: {missing} is needed")


def _told_lately(database: sqlite3.Connection, view: int, since: datetime) -> bool:
    query = "SELECT 1 FROM notices WHERE view = ? AND made > ? LIMIT 1"
    return database.execute(query, (view, _stamp(since))).fetchone() is not None


def _new_stories(database: sqlite3.Connection, view: View, number: int, since: str) -> list[Story]:
    """Return the stories that were not told, one more than a digest holds where there are more."""
    told = {row["story"] for row in database.execute("SELECT story FROM told WHERE view = ?", (number,))}
    found: list[Story] = []
    offset = 0
    while len(found) <= MOST_STORIES:
        page = stories(database, view.selection, limit=_PAGE, offset=offset, collected_since=since)
        found += [story for story in page if story.id not in told]
        offset += _PAGE
        if len(page) < _PAGE:
            break
    return found[: MOST_STORIES + 1]


def _digest(database: sqlite3.Connection, view: View, found: Sequence[Story], now: datetime) -> Digest:
    period = f"new on {now:%Y-%m-%d at %H:%M} UTC"
    return digest_of(
        database,
        view.selection,
        found,
        title=view.name,
        period=period,
        made=now,
        key=view.slug,
        most=MOST_STORIES,
    )


def _write_notice(database: sqlite3.Connection, view: int, address: str, digest: Digest, *, sender: str) -> None:
    mark, now = f"msg_{uuid.uuid4().hex}", _stamp(digest.made)
    if address.startswith("mailto:"):
        host = parseaddr(sender)[1].rpartition("@")[2]
        content = as_mail(
            digest, sender=sender, recipients=[mail_address(address)], message_id=f"<{mark}@{host}>"
        ).as_bytes()
    else:
        body = {"type": "stories.new", "timestamp": now, "data": as_object(digest)}
        content = json.dumps(body, ensure_ascii=False).encode()
    database.execute(
        "INSERT INTO notices (view, address, mark, content, made, due) VALUES (?, ?, ?, ?, ?, ?)",
        (view, address, mark, content, now, now),
    )


def _due(database: sqlite3.Connection, now: datetime) -> list[sqlite3.Row]:
    """Return what is to be sent, the oldest first; forget what was sent long ago."""
    with transaction(database):
        database.execute("DELETE FROM notices WHERE content IS NULL AND made < ?", (_stamp(now - _KEEP),))
    query = "SELECT * FROM notices WHERE content IS NOT NULL AND due <= ? ORDER BY id"
    return database.execute(query, (_stamp(now),)).fetchall()


def _attempt(
    database: sqlite3.Connection,
    notice: sqlite3.Row,
    delivery: Delivery,
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
) -> bool | None:
    """Send a message; None where nobody wants it any more, or it is not ours to send."""
    number = notice["attempts"]
    due = clock() + BACK_OFF[min(number, len(BACK_OFF) - 1)]
    with transaction(database):  # noted before it is tried: a crash then waits, too
        if notice["address"] not in _addresses(database, notice["view"]):
            database.execute("DELETE FROM notices WHERE id = ?", (notice["id"],))
            return None
        query = "UPDATE notices SET attempts = attempts + 1, due = ? WHERE id = ? AND attempts = ?"
        if not database.execute(query, (_stamp(due), notice["id"], number)).rowcount:
            return None  # another process, on a system whose locks do not hold, is sending it
    try:
        delivery.deliver(notice["address"], notice["content"], notice["mark"], now=clock())
    except DeliveryError as error:
        then = _note_failure(database, notice, str(error), due=due, now=clock())
        tell(f"{shown_address(notice['address'])}: {error}; {then}")
        return False
    with transaction(database):
        query = "UPDATE notices SET sent = ?, content = NULL, error = NULL WHERE id = ?"
        database.execute(query, (_stamp(clock()), notice["id"]))
    tell(f"told {shown_address(notice['address'])}")
    return True


def _note_failure(
    database: sqlite3.Connection, notice: sqlite3.Row, error: str, *, due: datetime, now: datetime
) -> str:
    """Note why a message was not sent; return what follows."""
    given_up = now - datetime.fromisoformat(notice["made"]) > GIVE_UP
    with transaction(database):
        query = "UPDATE notices SET error = ?, content = CASE WHEN ? THEN NULL ELSE content END WHERE id = ?"
        database.execute(query, (error, given_up, notice["id"]))
    attempts = counted(notice["attempts"] + 1, "attempt")
    return f"given up after {attempts}" if given_up else f"tried again after {due:%H:%M} UTC"


def _addresses(database: sqlite3.Connection, view: int) -> list[str]:
    row = database.execute("SELECT notify FROM views WHERE id = ?", (view,)).fetchone()
    return [] if row is None else json.loads(row["notify"])


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
