"""A digest as a mail (RFC 5322): plain text and HTML, of which a mail program shows the better one it can."""

import hashlib
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pipeline.archive.digest.html import as_html
from pipeline.archive.digest.rows import Digest
from pipeline.archive.digest.text import as_text

SENDER = "topics@localhost"


def as_eml(digest: Digest, *, sender: str = SENDER) -> bytes:
    """Write a digest as a mail to nobody yet, which mail programs open as a draft.

    Parameters
    ----------
    digest : Digest
    sender : str, default "topics@localhost"
        Who it is from.

    Returns
    -------
    bytes

    """
    message = as_mail(digest, sender=sender, recipients=())
    message["X-Unsent"] = "1"
    return message.as_bytes()


def as_mail(
    digest: Digest, *, sender: str, recipients: Sequence[str], message_id: str | None = None
) -> EmailMessage:
    """Make a mail of a digest.

    Parameters
    ----------
    digest : Digest
    sender : str
        A mail address, or a name with one in angle brackets.
    recipients : sequence of str
        Mail addresses.
    message_id : str or None
        With angle brackets; None for one that the content determines.

    Returns
    -------
    EmailMessage
        The same bytes for the same digest.

    """
    text, page = as_text(digest), as_html(digest)
    mark = hashlib.sha256(text + page).hexdigest()[:32]
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    if recipients:
        message["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    message["Subject"] = f"{digest.title}: {digest.period}"
    message["Date"] = format_datetime(digest.made)
    message["Message-ID"] = message_id or f"<{mark}@paragraph-topics.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.decode(), cte="quoted-printable")
    message.add_alternative(page.decode(), subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{mark}")
    return message
