"""Commands that pass on what is new: digest, views, notify."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.archive import ARCHIVE, Duration, archive_of
from pipeline.cli.options import MODEL_ADDRESS, Command, FilePath, tell
from pipeline.errors import ArchiveError, DeliveryError

if TYPE_CHECKING:
    import sqlite3

    from pipeline.archive.delivery import Delivery
    from pipeline.archive.digest.rows import Digest
    from pipeline.archive.notices import Round
    from pipeline.archive.selection import Selection

TOPIC = click.option(
    "--topic", "topics", multiple=True, help="Only stories with this topic, by its id; repeatable."
)
OUTLET = click.option("--outlet", "outlets", multiple=True, help="Only this outlet; repeatable.")
WORDS = click.option(
    "--words", help='Words that occur in the paragraph; "a phrase" as it is, word* as a beginning.'
)
THRESHOLD = click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Least score, instead of the model's own threshold of a topic.",
)
SENDER = click.option(
    "--sender", envvar="TOPICS_SENDER", show_envvar=True, default="", help="Who mails are from: NAME@HOST."
)
NOTIFY = click.option(
    "--notify", multiple=True, metavar="ADDRESS", help="mailto: or web address to tell of new stories; repeatable."
)


class Since(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A day, or how long ago."""

    name = "day"

    def __init__(self, *, durations: bool) -> None:
        self.durations = durations

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `today`, `yesterday`, a date or a timedelta."""
        found = self._read(value, param, ctx)
        if found is None:
            more = " or such as 24h" if self.durations else ""
            self.fail(f"{value!r}: expected today, yesterday, a date such as 2026-03-05{more}", param, ctx)
        return found

    def _read(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in ("today", "yesterday"):
            return value
        with suppress(ValueError):
            return date.fromisoformat(value)
        with suppress(click.BadParameter):
            return timedelta(seconds=Duration().convert(value, param, ctx)) if self.durations else None
        return None


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic only for the type checker
    """A time of a day; without a time zone, that of this machine."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a datetime with a time zone."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r}: expected such as 2026-03-05T09:00+01:00", param, ctx)
        return found if found.tzinfo else found.astimezone()


@click.command(
    "digest",
    short_help="Write a brief of what is new, each story once.",
    cls=Command,
    extra="digest",
    examples=[
        "topics digest --since yesterday",
        "topics digest --view mines --since 24h --output brief.docx",
        "topics digest --topic mines --topic aid --since 2026-03-01 --until 2026-03-07 --output week.xlsx",
        "topics digest --words kharkiv --sender news@example.org --output brief.eml",
    ],
)
@MODEL_ADDRESS
@ARCHIVE
@click.option("--view", "slug", help="A saved view, by its slug; see `topics views list`.")
@TOPIC
@OUTLET
@WORDS
@click.option(
    "--since",
    type=Since(durations=True),
    help="First day of the articles: today, yesterday, a date; or such as 24h for those collected since then. "
    "[default: yesterday]",
)
@click.option("--until", type=Since(durations=False), help="Last day of the articles: today, yesterday, a date.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "html", "docx", "xlsx", "csv", "json", "eml", "atom"]),
    help="Output format. [default: by the ending of --output, else text]",
)
@click.option("--title", help="Title of the digest. [default: the view's name]")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Most stories.")
@click.option(
    "--quotations", type=click.IntRange(0, 1000), default=3, show_default=True, help="Most paragraphs of a story."
)
@SENDER
@click.option("--now", type=Moment(), help="Take this for the present: the same archive makes the same digest.")
@click.option("--output", type=FilePath(output=True), help="Write atomically to this file.")
def digest_command(form: str | None, output: Path | None, **options: Any) -> None:
    """Make a digest of what is new: each story once, under its topic, with its outlets, quotations and sources.

    DOCX has a footnote for each source, XLSX filters, CSV a byte-order mark for Excel, and HTML and EML are made
    for mail programs. In CSV, an apostrophe stands before text that a spreadsheet would take for a formula.
    """
    from pipeline.archive.digest.formats import FORMATS, format_of_file
    from pipeline.files import atomic_file, refuse_overwriting

    if form is None:
        try:
            form = (format_of_file(output) if output else None) or "text"
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    if output is None and FORMATS[form].binary and sys.stdout.isatty():
        raise click.UsageError(f"--format {form} is not for a terminal; add --output")
    with _archive(options["model"], options["archive"]) as (database, path):
        refuse_overwriting(output, (path,))
        made = _digest(database, options)
    content = _mail(made, options["sender"]) if form == "eml" else FORMATS[form].write(made)
    if output is None:
        click.echo(content, nl=False)
    else:
        with atomic_file(output) as file:
            file.write(content)
    tell(made.summary)


def _mail(made: "Digest", sender: str) -> bytes:
    from pipeline.archive.delivery import check_sender
    from pipeline.archive.digest.mail import SENDER as NOBODY
    from pipeline.archive.digest.mail import as_eml

    return as_eml(made, sender=check_sender(sender) if sender else NOBODY)


def _digest(database: "sqlite3.Connection", options: dict[str, Any]) -> "Digest":
    from pipeline.archive.digest.read import read_digest
    from pipeline.archive.digest.rows import words_of_period
    from pipeline.archive.views import get_view

    now: datetime = options["now"] or datetime.now().astimezone()
    view = get_view(database, options["slug"]) if options["slug"] is not None else None
    selection = _selection(options, view.selection if view else None)
    since = options["since"] or ("yesterday" if selection.since is None else None)
    collected = now - since if isinstance(since, timedelta) else None
    if collected is not None:
        selection = replace(selection, since=None)
    elif since is not None:
        selection = replace(selection, since=_day(since, now))
    if options["until"] is not None:
        selection = replace(selection, until=_day(options["until"], now))
    if selection.since and selection.until and selection.since > selection.until:
        raise click.UsageError(f"--since {selection.since} is after --until {selection.until}")
    period = words_of_period(selection.since, selection.until)
    return read_digest(
        database,
        selection,
        title=options["title"] or (view.name if view else "News digest"),
        period=period if collected is None else f"collected since {collected:%Y-%m-%d %H:%M} {collected.tzname()}",
        made=now,
        key=view.slug if view else json.dumps([selection.topics, selection.outlets, selection.words]),
        collected_since=None if collected is None else collected.astimezone(UTC).isoformat(),
        most=options["most"],
        quotations=options["quotations"],
    )


def _day(day: str | date, now: datetime) -> str:
    if isinstance(day, str):
        day = now.date() - timedelta(days=day == "yesterday")
    return day.isoformat()


def _selection(options: dict[str, Any], base: "Selection | None" = None) -> "Selection":
    """Change what is given of a selection."""
    from pipeline.archive.selection import Selection

    names = ("topics", "outlets", "words", "threshold")
    given: dict[str, Any] = {name: options[name] for name in names if options.get(name) not in (None, ())}
    return replace(base or Selection(), **given)


@contextmanager
def _archive(model: Path | str, archive: Path | None) -> Iterator[tuple["sqlite3.Connection", Path]]:
    from pipeline.archive.database import open_archive

    path = archive_of(model, archive)
    with open_archive(path) as database:
        yield database, path


@click.group("views", short_help="Save selections of stories under a name.")
def views_group() -> None:
    """Keep selections of stories under a name: for the page, digests and alerts."""


@views_group.command(
    "add",
    short_help="Save a selection under a name.",
    cls=Command,
    examples=[
        "topics views add Kharkiv --topic mines --words kharkiv --notify mailto:desk@example.org",
        "topics views add Aid --topic aid --notify https://chat.example.org/hooks/news",
    ],
)
@click.argument("name")
@MODEL_ADDRESS
@ARCHIVE
@TOPIC
@OUTLET
@WORDS
@THRESHOLD
@NOTIFY
def add_view_command(name: str, model: Path | str, archive: Path | None, notify: Any, **options: Any) -> None:
    """Keep a selection under NAME, and print its slug, which addresses and options use.

    Whoever is notified hears of what is collected from now on, by `topics notify`.
    """
    from pipeline.archive.views import add_view

    with _archive(model, archive) as (database, _):
        selection = _selection(options)
        _try(database, selection)
        click.echo(add_view(database, name, selection, notify).slug)


@views_group.command(
    "update",
    short_help="Change a view.",
    cls=Command,
    examples=["topics views update aid --notify mailto:desk@example.org"],
)
@click.argument("slug")
@MODEL_ADDRESS
@ARCHIVE
@click.option("--name", help="New name; the slug stays.")
@TOPIC
@OUTLET
@WORDS
@THRESHOLD
@NOTIFY
@click.option("--no-notify", is_flag=True, help="Notify nobody.")
def update_view_command(
    slug: str, model: Path | str, archive: Path | None, name: str | None, notify: Any, **options: Any
) -> None:
    """Change the view of a SLUG: what is given replaces what it was, the rest stays."""
    if notify and options["no_notify"]:
        raise click.UsageError("--notify and --no-notify do not go together")
    from pipeline.archive.views import get_view, update_view

    with _archive(model, archive) as (database, _):
        selection = _selection(options, get_view(database, slug).selection)
        _try(database, selection)
        told = notify if notify or options["no_notify"] else None
        update_view(database, slug, name=name, selection=selection, notify=told)


@views_group.command("list", cls=Command, examples=["topics views list", "topics views list --format json"])
@MODEL_ADDRESS
@ARCHIVE
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
def list_views_command(model: Path | str, archive: Path | None, form: str) -> None:
    """List the views."""
    from dataclasses import asdict

    from pipeline.archive.delivery import shown_address
    from pipeline.archive.views import list_views
    from pipeline.text.display import one_line

    with _archive(model, archive) as (database, _):
        found = list_views(database)
    if form == "json":
        click.echo(json.dumps([asdict(view) for view in found], ensure_ascii=False, indent=1))
        return
    width = max((len(view.slug) for view in found), default=0)
    for view in found:
        asked = view.selection
        parts = [*asked.topics, *asked.outlets, *([repr(asked.words)] if asked.words else [])]
        told = f" -> {', '.join(map(shown_address, view.notify))}" if view.notify else ""
        click.echo(one_line(f"{view.slug:<{width}}  {view.name}: {', '.join(parts) or 'everything'}{told}"))


@views_group.command("remove", cls=Command, examples=["topics views remove mines-kharkiv"])
@click.argument("slug")
@MODEL_ADDRESS
@ARCHIVE
def remove_view_command(slug: str, model: Path | str, archive: Path | None) -> None:
    """Remove the view of a SLUG; articles stay."""
    from pipeline.archive.views import remove_view

    with _archive(model, archive) as (database, _):
        remove_view(database, slug)


def _try(database: "sqlite3.Connection", selection: "Selection") -> None:
    """Raise ArchiveError where a topic or the words cannot be searched for: now, not when it is too late."""
    from pipeline.archive.digest.read import check_topics
    from pipeline.archive.queries import count_stories, shown_model

    model = shown_model(database)
    if model is None and selection.topics:
        raise ArchiveError("this archive has no labelled articles yet, so no topics are known; collect some first")
    if model is not None:
        check_topics(selection.topics, tuple(topic.id for topic in model.topics))
        count_stories(database, selection)


@click.command(
    "notify",
    short_help="Send alerts on the new stories of views.",
    cls=Command,
    extra="digest",
    examples=[
        "topics notify --smtp smtp://news@mail.example.org --smtp-password-file /run/secrets/smtp "
        "--sender news@example.org",
        "topics notify --smtp smtp+plain://localhost --sender news@example.org --every 10m",
        "topics notify --webhook-secret-file /run/secrets/webhook --pause 1h",
    ],
)
@MODEL_ADDRESS
@ARCHIVE
@click.option("--every", type=Duration(), help="Keep running, and look every so often: 10m, 1h.")
@click.option(
    "--pause",
    type=Duration(),
    default="10m",
    show_default=True,
    help="Least time between two messages of one view.",
)
@click.option(
    "--smtp",
    envvar="TOPICS_SMTP",
    show_envvar=True,
    metavar="ADDRESS",
    help="Mail server: smtp://USER@HOST:587 demands STARTTLS, smtps:// is TLS from the start, smtp+plain:// is "
    "without, for a relay on this machine.",
)
@click.option(
    "--smtp-password-file",
    type=FilePath(),
    envvar="TOPICS_SMTP_PASSWORD_FILE",
    show_envvar=True,
    help="File of the user's password; or the password in TOPICS_SMTP_PASSWORD.",
)
@SENDER
@click.option(
    "--webhook-secret-file",
    type=FilePath(),
    envvar="TOPICS_WEBHOOK_SECRET_FILE",
    show_envvar=True,
    help="File of the secret that signs what webhooks get.",
)
@click.option("--allow-private", is_flag=True, help="Let webhooks be in private networks and on this machine.")
def notify_command(model: Path | str, archive: Path | None, every: int | None, pause: int, **options: Any) -> None:
    """Tell whoever a view notifies of its new stories: each story once, in a mail or to a webhook.

    Messages that cannot be sent are kept, and tried again after 1, 5, 15 and 60 minutes, then 4 and 12 hours, for
    a week. A process that is killed loses none. Exits with status 1 where one was not sent.
    """
    delivery = _delivery(options)
    if every is None:
        found = _notify(model, archive, delivery, timedelta(seconds=pause))
        if found and found.failed:
            raise DeliveryError(f"{found.failed} of {found.failed + found.sent} messages not sent; they are kept")
        return
    while True:
        began = time.monotonic()
        try:
            _notify(model, archive, delivery, timedelta(seconds=pause))
        except ArchiveError as error:  # it may be busy, or restored meanwhile
            tell(f"error: {error}")
        time.sleep(max(began + every - time.monotonic(), 0))


def _notify(model: Path | str, archive: Path | None, delivery: "Delivery", pause: timedelta) -> "Round | None":
    from pipeline.archive.notices import alone, notify

    with _archive(model, archive) as (database, path), alone(path) as is_alone:
        if not is_alone:
            tell("another process tells of this archive just now")
            return None
        return notify(database, delivery, pause=pause, clock=lambda: datetime.now(UTC), tell=tell)


def _delivery(options: dict[str, Any]) -> "Delivery":
    import os

    from pipeline.archive.delivery import Delivery, check_sender, parse_server, read_secret, signing_secret

    file = options["smtp_password_file"]
    password = read_secret(file) if file else os.environ.get("TOPICS_SMTP_PASSWORD") or None
    signing = options["webhook_secret_file"]
    return Delivery(
        server=parse_server(options["smtp"], password) if options["smtp"] else None,
        sender=check_sender(options["sender"]) if options["sender"] else "",
        secret=signing_secret(read_secret(signing)) if signing else None,
        allow_private=options["allow_private"],
    )
