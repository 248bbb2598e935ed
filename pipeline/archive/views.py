"""Views kept in the archive: selections with a name, for the page, digests and alerts."""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline.archive.database import transaction
from pipeline.archive.selection import Selection, View
from pipeline.errors import ArchiveError

LONGEST_NAME = 100
_LONGEST_SLUG = 60
_TUPLES = ("topics", "outlets")  # which JSON reads as lists
_MAIL = re.compile(r"[\w!#$%&'*+./=^`{|}~-]+", re.ASCII)  # before the @; others need what few servers offer
_HOST = re.compile(r"\w[\w.-]*")


def add_view(
    database: sqlite3.Connection,
    name: str,
    selection: Selection,
    notify: Sequence[str] = (),
    *,
    now: datetime | None = None,
) -> View:
    """Keep a selection under a name.

    Parameters
    ----------
    database : sqlite3.Connection
    name : str
        As people read it; the slug is made from it.
    selection : Selection
    notify : sequence of str
        `mailto:` and web addresses to tell of new matches: of articles that are collected from now on.
    now : datetime or None
        In UTC; None for the clock's.

    Returns
    -------
    View

    Raises
    ------
    ArchiveError
        Where the name is empty, too long or taken, or an address is none.

    """
    name, told = checked_name(name), checked_addresses(notify)
    with transaction(database):
        _refuse_taken(database, name)
        view = View(name, _free_slug(database, slug_of(name)), selection, told)
        database.execute(
            "INSERT INTO views (name, slug, selection, notify, notify_since) VALUES (?, ?, ?, ?, ?)",
            (view.name, view.slug, _as_json(selection), json.dumps(told), _stamp(now)),
        )
    return view


def update_view(
    database: sqlite3.Connection,
    slug: str,
    *,
    name: str | None = None,
    selection: Selection | None = None,
    notify: Sequence[str] | None = None,
    now: datetime | None = None,
) -> View:
    """Change a view; its slug stays, so that links to it do.

    Parameters
    ----------
    database : sqlite3.Connection
    slug : str
    name, selection, notify
        As of `add_view`; None to leave it as it is. Under another selection, and where nobody was told before,
        those told hear of articles that are collected from now on.
    now : datetime or None
        In UTC; None for the clock's.

    Returns
    -------
    View

    Raises
    ------
    ArchiveError
        Where there is no such view, or a value is none that `add_view` takes.

    """
    with transaction(database):
        old = get_view(database, slug)
        new = View(
            old.name if name is None else checked_name(name),
            old.slug,
            selection or old.selection,
            old.notify if notify is None else checked_addresses(notify),
        )
        if new.name != old.name:
            _refuse_taken(database, new.name)
        database.execute(
            "UPDATE views SET name = ?, selection = ?, notify = ? WHERE slug = ?",
            (new.name, _as_json(new.selection), json.dumps(new.notify), old.slug),
        )
        if new.selection != old.selection or (new.notify and not old.notify):
            database.execute("UPDATE views SET notify_since = ? WHERE slug = ?", (_stamp(now), old.slug))
    return new


def remove_view(database: sqlite3.Connection, slug: str) -> View:
    """Remove a view, and what is known of whom it told.

    Parameters
    ----------
    database : sqlite3.Connection
    slug : str

    Returns
    -------
    View
        As it was.

    Raises
    ------
    ArchiveError
        Where there is no such view.

    """
    with transaction(database):
        view = get_view(database, slug)
        database.execute("DELETE FROM views WHERE slug = ?", (view.slug,))
    return view


def list_views(database: sqlite3.Connection) -> list[View]:
    """Return all views, by name.

    Parameters
    ----------
    database : sqlite3.Connection

    Returns
    -------
    list of View

    """
    rows = database.execute("SELECT name, slug, selection, notify FROM views").fetchall()
    return sorted(map(_view, rows), key=lambda view: (view.name.casefold(), view.name))


def get_view(database: sqlite3.Connection, slug: str) -> View:
    """Return the view of a slug.

    Parameters
    ----------
    database : sqlite3.Connection
    slug : str

    Returns
    -------
    View

    Raises
    ------
    ArchiveError
        Where there is none; the message names those that there are.

    """
    wanted = unicodedata.normalize("NFC", slug)
    row = database.execute("SELECT name, slug, selection, notify FROM views WHERE slug = ?", (wanted,)).fetchone()
    if row is None:
        there = ", ".join(view.slug for view in list_views(database)) or "none yet"
        raise ArchiveError(f"no view {slug!r}; there are: {there}")
    return _view(row)


def slug_of(name: str) -> str:
    """Make what addresses and options call a view.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Its letters, with their marks, and digits in lower case, whatever the script; a hyphen for all else between
        them. At most 60 characters; `view` where nothing is left.

    """
    kept = "".join(_slug_character(character) for character in unicodedata.normalize("NFKC", name).casefold())
    slug = unicodedata.normalize("NFC", re.sub("-+", "-", kept)).strip("-")
    return slug[:_LONGEST_SLUG].rstrip("-") or "view"


def checked_name(name: str) -> str:
    """Return a view's name in one line, without blanks around.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Raises
    ------
    ArchiveError
        Where it is empty, longer than 100 characters, or has characters that are not shown.

    """
    kept = " ".join(unicodedata.normalize("NFC", name).split())
    if not kept:
        raise ArchiveError("a view needs a name")
    if len(kept) > LONGEST_NAME:
        raise ArchiveError(f"a view's name has at most {LONGEST_NAME} characters, this one has {len(kept)}")
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") for character in kept):
        raise ArchiveError(f"a view's name has letters, digits and signs, found {kept!r}")
    return kept


def checked_addresses(notify: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses to tell, each once.

    Parameters
    ----------
    notify : sequence of str

    Returns
    -------
    tuple of str

    Raises
    ------
    ArchiveError
        Where one is neither `mailto:` and one mail address nor a web address, or has a user or password in it:
        whoever may read the archive would read that.

    """
    if isinstance(notify, str):
        raise TypeError("expected a sequence of addresses, not one")
    return tuple(dict.fromkeys(_checked_address(address.strip()) for address in notify))


def mail_address(address: str) -> str:
    """Return the mail address in a `mailto:` address.

    Parameters
    ----------
    address : str

    Returns
    -------
    str
        Its host in ASCII.

    Raises
    ------
    ValueError
        Where it is not one mail address.

    """
    user, _, host = unquote(address[len("mailto:") :]).rpartition("@")
    if not _MAIL.fullmatch(user) or not _HOST.fullmatch(host):
        raise ValueError("not a mail address")
    return f"{user}@{host.encode('idna').decode()}"


def _checked_address(address: str) -> str:
    if not address.lower().startswith("mailto:"):
        return _checked_web_address(address)
    try:
        mail_address(address)
    except ValueError:
        raise ArchiveError(f"cannot notify {address!r}: expected such as mailto:desk@example.org") from None
    return f"mailto:{address[len('mailto:') :]}"


def _checked_web_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        login = "@" in parts.netloc
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        login = valid = False
    if login:
        shown = address.rpartition("@")[2]
        raise ArchiveError(f"cannot notify {shown!r}: user and password in it would be kept in the archive")
    if not valid or not address.isprintable() or " " in address:
        raise ArchiveError(f"cannot notify {address!r}: expected mailto:NAME@HOST, or an http or https address")
    return address


def _slug_character(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return character
    return "" if category == "Cf" else "-"  # joiners are within words


def _free_slug(database: sqlite3.Connection, slug: str) -> str:
    taken = {row["slug"] for row in database.execute("SELECT slug FROM views")}
    number, free = 1, slug
    while free in taken:
        number += 1
        free = f"{slug}-{number}"
    return free


def _refuse_taken(database: sqlite3.Connection, name: str) -> None:
    row = database.execute("SELECT slug FROM views WHERE name = ?", (name,)).fetchone()
    if row is not None:
        raise ArchiveError(f"there is a view {name!r} already, {row['slug']}")


def _as_json(selection: Selection) -> str:
    return json.dumps(asdict(selection), ensure_ascii=False)


def _view(row: sqlite3.Row) -> View:
    try:
        fields: dict[str, Any] = json.loads(row["selection"])
        selection = Selection(**fields | {name: tuple(fields[name]) for name in _TUPLES if name in fields})
    except (ValueError, TypeError) as error:
        raise ArchiveError(f"view {row['slug']}: not a selection of this program: {error}") from None
    return View(row["name"], row["slug"], selection, tuple(json.loads(row["notify"])))


def _stamp(now: datetime | None) -> str:
    """Return the second, as of articles: what is collected later in it is new, too."""
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
