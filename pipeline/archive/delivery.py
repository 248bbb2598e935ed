"""Deliver a notice: by SMTP to a mail address, or to a webhook, signed as Standard Webhooks has it."""

import base64
import binascii
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pipeline.archive.views import mail_address
from pipeline.errors import DeliveryError, MissingExtraError

MAX_SECONDS = 30.0  # of a step with the mail server
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_SECRET = "whsec_"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in.

    Parameters
    ----------
    security : {"smtp", "smtps", "smtp+plain"}
        STARTTLS, which is demanded; TLS from the start; none, for a relay on this machine.
    host : str
    port : int
    user : str or None
    password : str or None
        Not shown where the row is.

    """

    security: Literal["smtp", "smtps", "smtp+plain"]
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How notices are delivered.

    Parameters
    ----------
    server : MailServer or None
        None where nobody is told by mail.
    sender : str
        Who mails are from: an address, or a name with one in angle brackets.
    secret : bytes or None
        Signs what webhooks get.
    allow_private : bool
        Whether webhooks may be in private networks and on this machine.

    """

    server: MailServer | None = None
    sender: str = ""
    secret: bytes | None = field(default=None, repr=False)
    allow_private: bool = False

    def deliver(self, address: str, content: bytes, mark: str, *, now: datetime) -> None:
        """Deliver a notice.

        Parameters
        ----------
        address : str
            `mailto:` or of the web.
        content : bytes
            A mail, or the body for a webhook.
        mark : str
            What a webhook recognises it by; a mail has its Message-ID.
        now : datetime

        Raises
        ------
        DeliveryError

        """
        if address.startswith("mailto:"):
            self._mail(mail_address(address), content)
        else:
            self._post(address, content, mark, now)

    def _mail(self, recipient: str, content: bytes) -> None:
        if self.server is None:
            raise DeliveryError("no mail server: set --smtp or TOPICS_SMTP")
        message = message_from_bytes(content, policy=SMTP)
        with _one_line(self.server), _connected(self.server) as server:
            server.sendmail(parseaddr(str(message["From"]))[1], [recipient], content)

    def _post(self, address: str, content: bytes, mark: str, now: datetime) -> None:
        try:
            from pipeline.data.web import post
        except ModuleNotFoundError:
            raise MissingExtraError("telling a webhook", "digest") from None
        from pipeline.errors import SourceError

        headers = [("Content-Type", "application/json"), *signature(content, mark, self.secret, now)]
        try:
            post(address, content, headers, allow_private=self.allow_private)
        except SourceError as error:
            raise DeliveryError(_without_path(str(error), address)) from None


def signature(content: bytes, mark: str, secret: bytes | None, now: datetime) -> list[tuple[str, str]]:
    """Return the headers by which a webhook knows who sent it what: Standard Webhooks, version 1.

    Parameters
    ----------
    content : bytes
        The body.
    mark : str
        The same at every attempt.
    secret : bytes or None
        None for no signature.
    now : datetime

    Returns
    -------
    list of (name, value)

    """
    headers = [("webhook-id", mark), ("webhook-timestamp", str(int(now.timestamp())))]
    if secret:
        signed = ".".join(value for _, value in headers).encode() + b"." + content
        code = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        headers.append(("webhook-signature", f"v1,{code}"))
    return headers


def parse_server(address: str, password: str | None) -> MailServer:
    """Read the address of a mail server.

    Parameters
    ----------
    address : str
        Such as `smtp://USER@HOST:587`.
    password : str or None

    Returns
    -------
    MailServer

    Raises
    ------
    DeliveryError

    """
    expected = "expected such as smtp://USER@HOST:587, smtps://USER@HOST or smtp+plain://localhost:25"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise DeliveryError(f"--smtp is no address of a mail server; {expected}") from None
    if parts.password is not None:
        raise DeliveryError("--smtp has a password, which every process can see; put it into a file")
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise DeliveryError(f"--smtp {address}: {expected}")
    user = unquote(parts.username) if parts.username else None
    if (user is None) != (password is None):
        missing = "a password, but no user" if user is None else "a user, but no password"
        raise DeliveryError(f"--smtp {address}: there is {missing}")
    if parts.scheme == "smtp+plain" and user is not None:
        raise DeliveryError(f"--smtp {address}: a password is not sent without TLS; use smtp:// or smtps://")
    return MailServer(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)  # type: ignore[arg-type]


def check_sender(sender: str) -> str:
    """Return who mails are from.

    Parameters
    ----------
    sender : str
        A mail address, or a name with one in angle brackets.

    Returns
    -------
    str

    Raises
    ------
    DeliveryError

    """
    try:
        if sender.isprintable() and mail_address(f"mailto:{parseaddr(sender)[1]}").isascii():
            return sender
    except ValueError:
        pass
    raise DeliveryError(f"--sender {sender!r}: expected such as news@example.org or 'News <news@example.org>'")


def read_secret(path: Path) -> str:
    """Read a password or another secret from its file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        The first line.

    Raises
    ------
    DeliveryError
        Where it cannot be read, or is empty.

    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DeliveryError(
            f"{path}: cannot read the secret: {getattr(error, 'strerror', None) or error}"
        ) from None
    if not lines or not lines[0]:
        raise DeliveryError(f"{path}: empty, expected a secret")
    return lines[0]


def signing_secret(secret: str) -> bytes:
    """Return the bytes that sign: of `whsec_` and base64 those that it stands for, of other text its UTF-8.

    Parameters
    ----------
    secret : str

    Returns
    -------
    bytes

    Raises
    ------
    DeliveryError
        Where what follows `whsec_` is not base64.

    """
    if not secret.startswith(_SECRET):
        return secret.encode()
    try:
        return base64.b64decode(secret[len(_SECRET) :], validate=True)
    except binascii.Error:
        raise DeliveryError("the webhooks' secret: expected base64 after whsec_") from None


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if server.security == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=MAX_SECONDS, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=MAX_SECONDS)
    with connection:
        if server.security == "smtp":
            connection.starttls(context=context)
        if server.user is not None and server.password is not None:
            connection.login(server.user, server.password)
        yield connection


@contextmanager
def _one_line(server: MailServer) -> Iterator[None]:
    name = f"{server.host}:{server.port}"
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        raise DeliveryError(f"{name} refused the address: {code} {_text(reason)}") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"{name} answered {error.smtp_code} {_text(error.smtp_error)}") from None
    except ssl.SSLError as error:
        raise DeliveryError(f"{name}: no secure connection: {error.reason or error}") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise DeliveryError(f"{name}: {getattr(error, 'strerror', None) or error}") from None


def _text(reason: bytes | str) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return " ".join(text.split())


def shown_address(address: str) -> str:
    """Return an address to tell as a log may hold it: of a webhook the host alone, as its path is often a secret.

    Parameters
    ----------
    address : str

    Returns
    -------
    str

    """
    if address.startswith("mailto:"):
        return address
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/…" if parts.path.strip("/") or parts.query else address


def _without_path(message: str, address: str) -> str:
    from pipeline.data.addresses import shown

    return message.removeprefix(f"{shown(address)}: ")
