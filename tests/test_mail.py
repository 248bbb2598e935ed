from email.message import EmailMessage
from email.policy import SMTP

import pytest

from pipeline.data.documents import articles_in
from pipeline.errors import SourceError
from pipeline.schema import Article

TEXT = "Sappers cleared landmines from the field.\n\nLunch was served in the garden."
MARKUP = (
    "<html><body><p>Sappers cleared landmines.</p><p>Lunch was served, and the orchestra played.</p></body></html>"
)


def message(text: str | None = TEXT, html: str | None = None, **headers: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    named = {
        "From": "Zoë Desk <desk@example.org>",
        "Subject": "Überblick",
        "Date": "Tue, 04 Mar 2025 23:30:00 +0100",
    }
    for name, value in (named | headers).items():
        made[name.replace("_", "-")] = value
    if text is not None:
        made.set_content(text, cte="quoted-printable")
    if html is not None and text is not None:
        made.add_alternative(html, subtype="html")
    elif html is not None:
        made.set_content(html, subtype="html")
    return made


def only(content: bytes, name: str = "a.eml") -> Article:
    (article,) = articles_in(content, name)
    assert isinstance(article, Article)
    return article


def test_headers_become_title_date_and_origin() -> None:
    article = only(message().as_bytes())
    assert (article.title, article.date, article.origin) == (
        "Überblick",
        "2025-03-04",
        "Zoë Desk <desk@example.org>",
    )
    assert article.outlet == "Zoë Desk"
    assert article.text.strip() == TEXT
    assert article.notes == ()


@pytest.mark.parametrize(
    ("sender", "outlet"),
    [
        (b"<news@courier.example>", "courier.example"),
        (b'"Courier, the daily" <news@courier.example>', "Courier, the daily"),
        (b"nobody", None),
        (b"", None),
    ],
)
def test_the_outlet_of_a_mail_is_its_sender(sender: bytes, outlet: str | None) -> None:
    assert only(b"From: %s\nSubject: A\nMIME-Version: 1.0\n\nA text." % sender).outlet == outlet


@pytest.mark.parametrize(
    ("text", "html", "expected"),
    [
        (TEXT, MARKUP, TEXT),
        (
            "This mail is in HTML.",
            MARKUP,
            "Sappers cleared landmines.\n\nLunch was served, and the orchestra played.",
        ),
        (None, MARKUP, "Sappers cleared landmines.\n\nLunch was served, and the orchestra played."),
    ],
    ids=["both", "stub", "html"],
)
def test_the_best_text_is_read(text: str | None, html: str, expected: str) -> None:
    assert only(message(text, html).as_bytes()).text.strip() == expected


def test_attachments_are_noted_and_not_read() -> None:
    made = message()
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="brief.pdf")
    made.add_attachment("secret", filename="notes.txt")
    article = only(made.as_bytes())
    assert article.notes == ("attachments are not read: brief.pdf, notes.txt",)
    assert "secret" not in article.text


def test_a_mail_with_attachments_alone_says_so() -> None:
    made = message(" ")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="brief.pdf")
    with pytest.raises(SourceError, match=r"a\.eml: no text in this mail; attached are brief\.pdf"):
        articles_in(made.as_bytes(), "a.eml")


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: =?utf-8?q?Talks?=\nContent-Type: text/plain; charset=no-such\n\nPeace talks went on.",
        b"Subject: Talks\nDate: no date at all\nContent-Type: text/plain; charset=\n\nPeace talks went on.",
        b"Subject: Talks\nFrom: <<>,;:\nDate:\n\nPeace talks went on.\n",
        b"Subject: Talks\nContent-Type: multipart/mixed\n\nPeace talks went on.\n",
    ],
    ids=["charset", "date", "from", "no boundary"],
)
def test_broken_headers_do_not_cost_the_text(content: bytes) -> None:
    article = only(content)
    assert (article.title, article.date) == ("Talks", None)
    assert article.text.strip() == "Peace talks went on."


def test_each_message_of_a_mailbox_is_an_article() -> None:
    first, second = message().as_bytes(), message("Peace talks.\n\n>From the sea.", Subject="Two").as_bytes()
    start = b"From desk@example.org Tue Mar  4 23:30:00 2025\n"
    empty = b"Subject: Empty\n\n\n"
    content = b"\n".join([start + mail.replace(b"\r\n", b"\n") for mail in (first, second, empty)])
    one, two, error = articles_in(content, "box.mbox")
    assert isinstance(one, Article)
    assert isinstance(two, Article)
    assert [(found.source, found.title) for found in (one, two)] == [
        ("box.mbox#1", "Überblick"),
        ("box.mbox#2", "Two"),
    ]
    assert str(error) == "box.mbox#3: no text in this mail"


def test_a_mail_is_known_by_what_servers_write_and_a_text_is_not_taken_for_one() -> None:
    sent = b"Received: from a\r\n by b\r\nSubject: Talks\r\n\r\nPeace talks."
    assert only(sent, "saved").title == "Talks"
    assert only(b"Message-ID: <1@x>\nSubject: Talks\n\nPeace talks.", "-").title == "Talks"
    release = b"From: The ministry\nSubject: Talks\n\nPeace talks."
    assert only(release, "release.txt").text == release.decode()
    assert only(release, "release").text == release.decode()


def test_what_is_no_mailbox_is_told() -> None:
    with pytest.raises(SourceError, match=r"a\.mbox: not a mailbox"):
        articles_in(b"Text.", "a.mbox")
