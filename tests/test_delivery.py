"""Notices by real SMTP, with and without TLS, and to a real webhook; failures are one line without secrets."""

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from made_digests import made_digest

from pipeline.archive.delivery import (
    Delivery,
    MailServer,
    check_sender,
    parse_server,
    read_secret,
    shown_address,
    signature,
    signing_secret,
)
from pipeline.archive.digest.mail import as_mail
from pipeline.errors import DeliveryError

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
MAIL = as_mail(
    made_digest(), sender="News <news@example.org>", recipients=["desk@example.org"], message_id="<1@example.org>"
).as_bytes()


class Mailbox:
    """What a mail server got."""

    def __init__(self, refusal: str | None = None) -> None:
        self.mails: list[Any] = []
        self.refusal = refusal

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 OK"


class AnyPort(Controller):
    """A mail server at any free port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(mailbox: Any, **settings: Any) -> Iterator[int]:
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, ready_timeout=60, **settings)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for this machine, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def secured(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"news", b"right"), handled=False)


def test_a_mail_arrives_as_it_was_made() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        delivery = Delivery(MailServer("smtp+plain", "127.0.0.1", port))
        delivery.deliver("mailto:desk@example.org", MAIL, "msg_1", now=NOW)
    [mail] = mailbox.mails
    assert (mail.mail_from, mail.rcpt_tos) == ("news@example.org", ["desk@example.org"])
    assert mail.content.rstrip(b"\r\n") == MAIL.rstrip(b"\r\n")


def test_a_password_is_sent_over_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mailbox = Mailbox()
    settings = {"tls_context": secured(certificate), "authenticator": authenticator, "auth_required": True}
    with mail_server(mailbox, **settings) as port:
        server = MailServer("smtp", "127.0.0.1", port, "news", "right")
        Delivery(server).deliver("mailto:desk@example.org", MAIL, "msg_1", now=NOW)
        wrong = Delivery(MailServer("smtp", "127.0.0.1", port, "news", "wrong"))
        with pytest.raises(DeliveryError, match=rf"^127\.0\.0\.1:{port} answered 535 "):
            wrong.deliver("mailto:desk@example.org", MAIL, "msg_2", now=NOW)
    assert len(mailbox.mails) == 1


def test_smtps_is_secure_from_the_start(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mailbox = Mailbox()
    with mail_server(mailbox, ssl_context=secured(certificate)) as port:
        Delivery(MailServer("smtps", "127.0.0.1", port)).deliver("mailto:a@b.org", MAIL, "msg_1", now=NOW)
    assert [mail.rcpt_tos for mail in mailbox.mails] == [["a@b.org"]]


def test_a_server_without_starttls_gets_no_mail() -> None:
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        delivery = Delivery(MailServer("smtp", "127.0.0.1", port, "news", "right"))
        with pytest.raises(DeliveryError, match=r"STARTTLS extension not supported by server"):
            delivery.deliver("mailto:desk@example.org", MAIL, "msg_1", now=NOW)
    assert mailbox.mails == []


def test_a_server_that_nobody_vouches_for_gets_no_mail(certificate: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox, tls_context=secured(certificate)) as port:
        delivery = Delivery(MailServer("smtp", "127.0.0.1", port))
        with pytest.raises(DeliveryError, match=r"no secure connection: .*CERTIFICATE_VERIFY_FAILED"):
            delivery.deliver("mailto:desk@example.org", MAIL, "msg_1", now=NOW)
    assert mailbox.mails == []


def test_a_refused_address_is_one_line() -> None:
    with mail_server(Mailbox("550 no such user")) as port:
        delivery = Delivery(MailServer("smtp+plain", "127.0.0.1", port))
        with pytest.raises(DeliveryError, match=rf"^127\.0\.0\.1:{port} refused the address: 550 no such user$"):
            delivery.deliver("mailto:desk@example.org", MAIL, "msg_1", now=NOW)


def test_a_server_that_is_not_there_is_one_line() -> None:
    with mail_server(Mailbox()) as port:
        pass
    with pytest.raises(DeliveryError, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        Delivery(MailServer("smtp+plain", "127.0.0.1", port)).deliver("mailto:a@b.org", MAIL, "msg_1", now=NOW)


@pytest.mark.parametrize(
    ("address", "password", "expected"),
    [
        ("smtp://me@mail.example.org", "x", MailServer("smtp", "mail.example.org", 587, "me", "x")),
        ("smtps://me%40b.org@[::1]:1465", "x", MailServer("smtps", "::1", 1465, "me@b.org", "x")),
        ("smtp+plain://localhost", None, MailServer("smtp+plain", "localhost", 25)),
    ],
)
def test_a_mail_server_has_an_address(address: str, password: str | None, expected: MailServer) -> None:
    assert parse_server(address, password) == expected


@pytest.mark.parametrize(
    ("address", "password", "message"),
    [
        ("mail.example.org", None, "expected such as smtp://"),
        ("http://mail.example.org", None, "expected such as smtp://"),
        ("smtp://a:99999", None, "no address of a mail server"),
        ("smtp://me:hush@mail.example.org", None, "has a password, which every process can see"),
        ("smtp://me@mail.example.org", None, "there is a user, but no password"),
        ("smtp://mail.example.org", "hush", "there is a password, but no user"),
        ("smtp+plain://me@mail.example.org", "hush", "a password is not sent without TLS"),
    ],
)
def test_a_mail_server_s_wrong_address_is_one_line_without_its_password(
    address: str, password: str | None, message: str
) -> None:
    with pytest.raises(DeliveryError, match=message) as caught:
        parse_server(address, password)
    assert "hush" not in str(caught.value)


def test_a_password_is_not_shown_with_its_row() -> None:
    shown = repr(Delivery(MailServer("smtp", "a", 1, "me", "hush"), secret=b"hush"))
    assert "hush" not in shown


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("pass word \nmore\n", encoding="utf-8")
    assert read_secret(file) == "pass word "
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(DeliveryError, match="empty, expected a secret"):
        read_secret(file)
    with pytest.raises(DeliveryError, match="cannot read the secret: No such file or directory"):
        read_secret(tmp_path / "none")


@pytest.mark.parametrize("sender", ["news", "a@b\nBcc: c@d.org", "<>", "ü@example.org"])
def test_who_mails_are_from_is_one_address(sender: str) -> None:
    assert check_sender("News <news@example.org>") == "News <news@example.org>"
    with pytest.raises(DeliveryError, match=r"expected such as news@example\.org"):
        check_sender(sender)


@contextmanager
def webhook(status: int = 204, *, location: str = "") -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Answer each request with a status, and keep what it said."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            headers = {name.lower(): value for name, value in self.headers.items()}
            got.append((headers, self.rfile.read(int(headers["content-length"]))))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/hush?key=hush", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_webhook_can_tell_who_sent_it_what() -> None:
    with webhook() as (address, got):
        Delivery(secret=b"shared", allow_private=True).deliver(address, b'{"a": 1}', "msg_1", now=NOW)
    [(headers, body)] = got
    assert body == b'{"a": 1}'
    assert (headers["content-type"], headers["webhook-id"], headers["webhook-timestamp"]) == (
        "application/json",
        "msg_1",
        "1772703000",
    )
    expected = hmac.new(b"shared", b'msg_1.1772703000.{"a": 1}', hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


def test_a_signature_is_that_of_standard_webhooks() -> None:
    secret = signing_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(
        b'{"test": 2432232314}',
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        secret,
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert dict(made)["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    with pytest.raises(DeliveryError, match="expected base64 after whsec_"):
        signing_secret("whsec_?")


def test_without_a_secret_there_is_no_signature() -> None:
    assert [name for name, _ in signature(b"", "msg_1", None, NOW)] == ["webhook-id", "webhook-timestamp"]


@pytest.mark.parametrize("status", [301, 400, 404, 500])
def test_another_answer_than_success_is_a_failure_that_names_no_secret(status: int) -> None:
    refused = pytest.raises(DeliveryError, match=rf"^answered {status} ")
    with (
        webhook(204) as (elsewhere, moved),
        webhook(status, location=elsewhere) as (address, got),
        refused as caught,
    ):
        Delivery(allow_private=True).deliver(address, b"{}", "msg_1", now=NOW)
    assert (len(got), moved) == (1, [])
    assert "hush" not in str(caught.value)


def test_a_private_webhook_needs_permission() -> None:
    refused = pytest.raises(DeliveryError, match=r"127\.0\.0\.1 is not a public address; use --allow-private")
    with webhook() as (address, got), refused:
        Delivery().deliver(address, b"{}", "msg_1", now=NOW)
    assert got == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("mailto:a@b.org", "mailto:a@b.org"),
        ("https://a.example/services/T0/hush", "https://a.example/…"),
        ("https://a.example:8443/?key=hush", "https://a.example:8443/…"),
        ("https://a.example/", "https://a.example/"),
    ],
)
def test_of_a_webhook_the_host_alone_is_shown(address: str, shown: str) -> None:
    assert shown_address(address) == shown
