"""Alerts: each story is told once, whatever fails, is killed or runs twice, and no message is lost."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import archiving
import pytest
import support
from test_delivery import Mailbox, mail_server, webhook

from pipeline.archive import notices
from pipeline.archive.database import open_archive
from pipeline.archive.delivery import Delivery, MailServer
from pipeline.archive.notices import Round, alone, notify
from pipeline.archive.selection import Selection
from pipeline.archive.views import add_view, remove_view, update_view
from pipeline.archive.write import ArchiveModel
from pipeline.errors import ArchiveError, DeliveryError

START = datetime(2026, 3, 5, 9, tzinfo=UTC)
DESK = "mailto:desk@example.org"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ArchiveModel:
    return archiving.made_model(tmp_path_factory.mktemp("model") / "champion.safetensors")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with archiving.made_archive(tmp_path / "archive.sqlite3") as database:
        yield database


class Desk:
    """An archive, those who are told of it, and a clock that is set by hand."""

    def __init__(self, database: sqlite3.Connection, model: ArchiveModel, delivery: Delivery) -> None:
        self.database, self.model, self.delivery = database, model, delivery
        self.now = START
        self.lines: list[str] = []

    def collect(self, key: str, *, after: float = 1, text: str = "") -> None:
        """Put an article of its own words into the archive, some minutes later."""
        self.now += timedelta(minutes=after)
        text = (
            text or f"{key} {archiving.MINES.format(place=key)} Of {key} nobody had heard in {key} before {key}."
        )
        entry = archiving.entry(key, text, title=f"Title {key}")
        archiving.add(self.database, self.model, entry, time=self.now.isoformat(timespec="seconds"))

    def notify(self, *, after: float = 30, pause: float = 10) -> Round:
        self.now += timedelta(minutes=after)
        return notify(
            self.database,
            self.delivery,
            pause=timedelta(minutes=pause),
            clock=lambda: self.now,
            tell=self.lines.append,
        )


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def desk(archive: sqlite3.Connection, model: ArchiveModel, mailbox: Mailbox) -> Iterator[Desk]:
    with mail_server(mailbox) as port:
        yield Desk(archive, model, Delivery(MailServer("smtp+plain", "127.0.0.1", port), "news@example.org"))


def titles(mailbox: Mailbox) -> list[list[str]]:
    """Return the titles that each mail tells of."""
    return [
        sorted(line[2:] for line in plain(mail).splitlines() if line.startswith("* Title"))
        for mail in mailbox.mails
    ]


def plain(mail: Any) -> str:
    body = message_from_bytes(mail.content, policy=default).get_body(("plain",))  # type: ignore[attr-defined]
    text: str = body.get_content()
    return text


def ids(mailbox: Mailbox) -> list[str]:
    return [message_from_bytes(mail.content)["Message-ID"] for mail in mailbox.mails]


def test_a_new_story_is_told_once(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    assert [desk.notify() for _ in range(3)] == [Round(1, 1, 0), Round(0, 0, 0), Round(0, 0, 0)]
    assert titles(mailbox) == [["Title alpha"]]
    assert (mailbox.mails[0].mail_from, mailbox.mails[0].rcpt_tos) == ("news@example.org", ["desk@example.org"])
    assert desk.lines == ["told mailto:desk@example.org"]
    message = message_from_bytes(mailbox.mails[0].content, policy=default)
    assert message["Subject"] == "Mines: new on 2026-03-05 at 09:31 UTC"


def test_what_was_there_before_the_view_is_not_new(desk: Desk, mailbox: Mailbox) -> None:
    desk.collect("alpha")
    add_view(desk.database, "Mines", Selection(), [DESK], now=START + timedelta(minutes=5))
    assert desk.notify() == Round(0, 0, 0)
    desk.collect("bravo")
    desk.notify()
    assert titles(mailbox) == [["Title bravo"]]


def test_what_comes_within_the_same_second_is_new(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START + timedelta(seconds=0.4))
    desk.collect("alpha", after=0.01)  # 0.2 s after the view
    desk.notify()
    assert titles(mailbox) == [["Title alpha"]]


def test_a_story_that_another_outlet_repeats_is_not_told_again(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    text = archiving.MINES.format(place="field") + " " + archiving.PEACE.format(place="hall")
    desk.collect("alpha", text=text)
    desk.notify()
    desk.collect("bravo", text=text)
    assert desk.database.execute("SELECT count(*) FROM stories").fetchone()[0] == 1
    assert desk.notify() == Round(0, 0, 0)
    assert len(mailbox.mails) == 1


def test_what_a_view_does_not_ask_for_is_not_told(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Bravo", Selection(words="bravo"), [DESK], now=START)
    desk.collect("alpha")
    desk.collect("bravo")
    desk.notify()
    assert titles(mailbox) == [["Title bravo"]]


def test_between_two_messages_of_a_view_is_a_pause(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    desk.notify()
    desk.collect("bravo")
    assert desk.notify(after=5, pause=60) == Round(0, 0, 0)
    desk.collect("charlie")
    assert desk.notify(after=60, pause=60) == Round(1, 1, 0)
    assert titles(mailbox) == [["Title alpha"], ["Title bravo", "Title charlie"]]


def test_rounds_as_far_apart_as_the_pause_all_tell(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    for key in ("alpha", "bravo", "charlie"):
        desk.collect(key, after=0)
        desk.notify(after=10, pause=10)
    assert len(mailbox.mails) == 3


def test_each_view_and_each_address_is_told_for_itself(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "All", Selection(), [DESK, "mailto:chief@example.org"], now=START)
    add_view(desk.database, "Alpha", Selection(words="alpha"), [DESK], now=START)
    desk.collect("alpha")
    assert desk.notify() == Round(3, 3, 0)
    assert sorted(mail.rcpt_tos[0] for mail in mailbox.mails) == [
        "chief@example.org",
        "desk@example.org",
        "desk@example.org",
    ]
    assert len(set(ids(mailbox))) == 3


def test_what_cannot_be_sent_is_tried_again_later_as_the_same_message(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    mailbox.refusal = "451 try later"
    assert desk.notify() == Round(1, 0, 1)
    assert desk.notify(after=0.5) == Round(0, 0, 0)
    assert desk.notify(after=1) == Round(0, 0, 1)
    assert desk.notify(after=4) == Round(0, 0, 0)
    mailbox.refusal = None
    assert desk.notify(after=2) == Round(0, 1, 0)
    assert desk.notify(after=600) == Round(0, 0, 0)
    assert titles(mailbox) == [["Title alpha"]]
    assert desk.lines[0].endswith("refused the address: 451 try later; tried again after 09:32 UTC")


def test_a_failure_keeps_no_other_message_back(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "A", Selection(), ["http://127.0.0.1:9/hook"], now=START)
    add_view(desk.database, "B", Selection(), [DESK], now=START)
    desk.collect("alpha")
    assert desk.notify() == Round(2, 1, 1)
    assert titles(mailbox) == [["Title alpha"]]
    assert desk.lines[0].startswith("http://127.0.0.1:9/…: 127.0.0.1 is not a public address; use --allow-private")


def test_after_a_week_a_message_is_given_up(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    mailbox.refusal = "550 gone"
    desk.notify()
    assert desk.notify(after=8 * 24 * 60) == Round(0, 0, 1)
    assert desk.lines[-1].endswith("550 gone; given up after 2 attempts")
    mailbox.refusal = None
    assert desk.notify(after=24 * 60) == Round(0, 0, 0)


def test_who_is_not_to_be_told_any_more_gets_nothing_that_waits(desk: Desk, mailbox: Mailbox) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK, "mailto:chief@example.org"], now=START)
    add_view(desk.database, "Aid", Selection(), [DESK], now=START)
    desk.collect("alpha")
    mailbox.refusal = "451 try later"
    desk.notify()
    mailbox.refusal = None
    update_view(desk.database, "mines", notify=["mailto:chief@example.org"])
    remove_view(desk.database, "aid")
    assert desk.notify() == Round(0, 1, 0)
    assert [mail.rcpt_tos for mail in mailbox.mails] == [["chief@example.org"]]


def test_more_stories_than_a_message_holds_are_told_in_the_next(
    desk: Desk, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST_STORIES", 2)
    monkeypatch.setattr(notices, "_PAGE", 2)
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    keys = ["alpha", "bravo", "charlie", "delta", "echo"]
    for key in keys:
        desk.collect(key)
    assert [desk.notify().sent for _ in range(4)] == [1, 1, 1, 0]
    told = titles(mailbox)
    assert sorted(len(found) for found in told) == [1, 2, 2]
    assert sorted(title for found in told for title in found) == [f"Title {key}" for key in keys]


def test_a_message_that_was_sent_is_not_kept(desk: Desk) -> None:
    add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    desk.notify()
    assert desk.database.execute("SELECT content FROM notices").fetchone()[0] is None
    desk.notify(after=31 * 24 * 60)
    assert desk.database.execute("SELECT count(*) FROM notices").fetchone()[0] == 0


def test_a_mail_address_needs_a_mail_server(archive: sqlite3.Connection, model: ArchiveModel) -> None:
    add_view(archive, "Mines", Selection(), [DESK], now=START)
    with pytest.raises(DeliveryError, match=r"view mines notifies mailto:desk@example.org: --smtp is needed"):
        Desk(archive, model, Delivery()).notify()


def test_a_webhook_gets_the_digest_as_json(archive: sqlite3.Connection, model: ArchiveModel) -> None:
    with webhook(500) as (failing, failed), webhook() as (address, got):
        add_view(archive, "Mines", Selection(), [failing, address], now=START)
        desk = Desk(archive, model, Delivery(secret=b"s", allow_private=True))
        desk.collect("alpha")
        desk.notify()
        desk.notify()
    [(headers, body)] = got
    told = json.loads(body)
    assert (told["type"], told["timestamp"]) == ("stories.new", "2026-03-05T09:31:00.000000+00:00")
    assert [story["title"] for story in told["data"]["stories"]] == ["Title alpha"]
    assert told["data"]["key"] == "mines"
    assert headers["webhook-signature"].startswith("v1,")
    assert len(failed) == 2
    assert failed[0][0]["webhook-id"] == failed[1][0]["webhook-id"] != headers["webhook-id"]


def test_what_was_written_down_is_sent_by_whoever_comes_next(desk: Desk, mailbox: Mailbox) -> None:
    view = add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    assert notices.write_down(desk.database, view, desk.delivery, pause=timedelta(0), now=desk.now) == 1
    assert mailbox.mails == []
    assert desk.notify() == Round(0, 1, 0)
    assert titles(mailbox) == [["Title alpha"]]


def test_a_message_that_another_process_took_is_left_to_it(
    desk: Desk, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = add_view(desk.database, "Mines", Selection(), [DESK], now=START)
    desk.collect("alpha")
    notices.write_down(desk.database, view, desk.delivery, pause=timedelta(0), now=desk.now)
    waiting = desk.database.execute("SELECT * FROM notices").fetchall()
    monkeypatch.setattr(notices, "_due", lambda *_: waiting)  # as both read it, before either took it
    assert [desk.notify(), desk.notify()] == [Round(0, 1, 0), Round(0, 0, 0)]
    assert len(mailbox.mails) == 1


def test_where_nothing_can_be_locked_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(ArchiveError, match="cannot lock beside this archive: No such file"),
        alone(tmp_path / "a/b"),
    ):
        pass


def test_only_one_process_tells_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "archive.sqlite3"
    with alone(archive) as first, alone(archive) as second:
        assert (first, second) == (True, False)
    with alone(archive) as third:
        assert third


class SlowMailbox(Mailbox):
    """A mailbox that takes its time, or ends the process whose mail it has just taken."""

    def __init__(self) -> None:
        super().__init__()
        self.victim: subprocess.Popen[bytes] | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if self.victim:
            os.kill(self.victim.pid, signal.SIGKILL)
            self.victim.wait()
        else:
            time.sleep(1)
        return answer


@pytest.fixture
def collected(tmp_path: Path, model: ArchiveModel) -> Path:
    """Make an archive with a view and two new stories, as the command line finds it."""
    path = tmp_path / "archive.sqlite3"
    with archiving.made_archive(path) as database:
        add_view(database, "Mines", Selection(), [DESK], now=START)
        desk = Desk(database, model, Delivery())
        desk.collect("alpha")
        desk.collect("bravo")
    return path


def notifier(archive: Path, port: int) -> "subprocess.Popen[bytes]":
    server = ["--smtp", f"smtp+plain://127.0.0.1:{port}", "--sender", "news@example.org"]
    command = support.command("notify", "--archive", archive, *server)
    return subprocess.Popen(command, env=support.ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_process_killed_between_sending_and_noting_tells_as_the_same_message(collected: Path) -> None:
    mailbox = SlowMailbox()
    with mail_server(mailbox) as port:
        mailbox.victim = killed = notifier(collected, port)
        assert (killed.communicate(timeout=60)[1], killed.returncode) == (b"", -signal.SIGKILL)
        mailbox.victim = None
        assert notifier(collected, port).communicate(timeout=60)[1] == b""  # not due yet
        with open_archive(collected) as database, database:
            database.execute("UPDATE notices SET due = '2026-01-01'")
        assert notifier(collected, port).communicate(timeout=60)[1] == b"told mailto:desk@example.org\n"
        assert notifier(collected, port).communicate(timeout=60)[1] == b""
    assert len(mailbox.mails) == 2
    assert len(set(ids(mailbox))) == 1
    assert titles(mailbox) == [["Title alpha", "Title bravo"]] * 2


def test_two_processes_at_once_tell_once(collected: Path) -> None:
    mailbox = SlowMailbox()
    with mail_server(mailbox) as port:
        running = [notifier(collected, port) for _ in range(3)]
        lines = sorted(process.communicate(timeout=60)[1].decode() for process in running)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(mailbox.mails) == 1
    assert lines[-1] == "told mailto:desk@example.org\n"
    assert set(lines[:-1]) <= {"another process tells of this archive just now\n", ""}


def test_a_message_that_is_not_sent_is_told_in_one_line(collected: Path) -> None:
    with mail_server(Mailbox()) as port:
        pass
    found = notifier(collected, port)
    lines = found.communicate(timeout=60)[1].decode().splitlines()
    assert found.returncode == 1
    assert lines[0].startswith(
        f"mailto:desk@example.org: 127.0.0.1:{port}: Connection refused; tried again after "
    )
    assert lines[1:] == ["error: 1 of 1 messages not sent; they are kept"]


def test_it_keeps_running_until_it_is_told_to_end(collected: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        server = ["--smtp", f"smtp+plain://127.0.0.1:{port}", "--sender", "news@example.org", "--every", "1m"]
        command = support.command("notify", "--archive", collected, *server)
        with subprocess.Popen(command, env=support.ENVIRONMENT, stderr=subprocess.PIPE) as process:
            assert process.stderr
            assert process.stderr.readline() == b"told mailto:desk@example.org\n"
            process.terminate()
            assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert len(mailbox.mails) == 1
