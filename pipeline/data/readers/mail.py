"""Read mail: a message (.eml) or a mailbox of them (.mbox), by the standard library's parser."""

import mailbox
import tempfile
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.schema import Article

_BROKEN = (
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    KeyError,
    LookupError,
)  # of the standard library's parser
_MOST_NAMED = 5


def read_mail(content: bytes, name: str) -> list[Article]:
    """Read the text of a message, with its subject as the title, its date, and who sent it as origin and outlet.

    Of a text in plain and in HTML, the plain one is read unless it has less than half the words: then it says no
    more than that the mail is in HTML. Attachments are noted, not read.

    Parameters
    ----------
    content : bytes
    name : str

    Returns
    -------
    list of Article
        One.

    Raises
    ------
    SourceError
        Where there is no text.

    """
    return [_article(_parsed(content), name)]


def read_mailbox(content: bytes, name: str) -> list[Article | SourceError]:
    """Read each message of a mailbox as an article; one without a text is an error in its place.

    Parameters
    ----------
    content : bytes
    name : str

    Returns
    -------
    list of Article or SourceError

    """
    found: list[Article | SourceError] = []
    for number, message in enumerate(_messages(content), 1):
        try:
            found.append(_article(_parsed(message), f"{name}#{number}"))
        except SourceError as error:
            found.append(error)
    if not found:
        raise SourceError(f"{name}: not a mailbox: no line begins with From and a blank")
    return found


def _messages(content: bytes) -> Iterator[bytes]:
    with tempfile.NamedTemporaryFile(suffix=".mbox") as file:
        Path(file.name).write_bytes(content)
        box = mailbox.mbox(file.name, create=False)
        try:
            yield from (box.get_bytes(key) for key in box.keys())  # noqa: SIM118  # a mailbox iterates over messages
        finally:
            box.close()


def _parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def _article(message: EmailMessage, name: str) -> Article:
    text = _body(message)
    if not text.strip():
        raise SourceError(f"{name}: no text in this mail{_attached(message, '; attached are ')}")
    attached = _attached(message, "attachments are not read: ")
    notes = (attached,) if attached else ()
    title, sender = _header(message, "subject"), _header(message, "from")
    return Article(name, text, title, _date(message), sender, notes, outlet=_outlet(sender))


def _outlet(sender: str | None) -> str | None:
    """Return who sent it by name, else the domain of the address."""
    name, address = parseaddr(sender or "")
    return name or address.partition("@")[2] or None


def _body(message: EmailMessage) -> str:
    undivided = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(undivided, str):
        return undivided  # it does not say where its parts begin
    plain, html = (_text_of(message.get_body(preferencelist=(kind,))) for kind in ("plain", "html"))
    if not html.strip():
        return plain
    if plain.strip() and "<" not in html:
        return plain
    from pipeline.data.readers.feed import fragment_text

    shown = fragment_text(html)
    return plain if len(plain.split()) * 2 > len(shown.split()) else shown


def _text_of(part: object) -> str:
    if not isinstance(part, EmailMessage):
        return ""
    try:
        text = str(part.get_content())
    except _BROKEN:  # such as a charset that nobody knows
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return text.replace("\r\n", "\n").removeprefix("\ufeff")


def _header(message: EmailMessage, name: str) -> str | None:
    try:
        return " ".join(str(message[name] or "").split()) or None
    except _BROKEN:
        return None


def _date(message: EmailMessage) -> str | None:
    try:
        found = getattr(message["date"], "datetime", None)
    except _BROKEN:
        return None
    return found.date().isoformat() if isinstance(found, datetime) else None


def _attached(message: EmailMessage, before: str) -> str:
    names = []
    for part in message.iter_attachments():
        try:
            names.append(" ".join((part.get_filename() or part.get_content_type()).split()))
        except _BROKEN:
            names.append("one without a name")
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{before}{', '.join(names[:_MOST_NAMED])}{more}"
