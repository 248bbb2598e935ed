"""Forty articles in files of every format, a dozen of them copies, and a feed of more: what analysts get by nine.

The texts are whole articles of the corpus's test sets, dated today and yesterday.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from html import escape
from pathlib import Path
from textwrap import wrap

import press
from openpyxl import Workbook
from small_docx import document, p, packed, relations
from small_pdf import pdf, shown

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Piece:
    """An article as an outlet prints it; `paragraphs` are the corpus's."""

    title: str
    outlet: str
    day: date
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraphs, parted by blank lines."""
        return "\n\n".join(self.paragraphs)

    @property
    def hour(self) -> datetime:
        """When it came out: before everybody gets up."""
        return datetime.combine(self.day, time(1, 30), UTC)

    @property
    def address(self) -> str:
        """Where the outlet has it on the web."""
        words = "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())
        return f"https://{self.outlet.lower().replace(' ', '-')}.example/{self.day:%Y/%m/%d}/{words}"


@dataclass(frozen=True)
class Newsroom:
    """What is made of a day: a day's articles by their titles."""

    today: date

    @property
    def yesterday(self) -> date:
        return self.today - timedelta(1)

    def piece(self, article: str, title: str, outlet: str, *, late: bool = False) -> Piece:
        """Take an article of the corpus; one that is late is of yesterday."""
        return Piece(title, outlet, self.yesterday if late else self.today, corpus_article(article))

    def originals(self) -> dict[str, Piece]:
        """Return 28 articles by the name of their file, or of their row or entry in one."""
        made = (
            ("microsoft.txt", "t6-004", "Print spooler flaw gets an emergency fix", "Byte Weekly"),
            ("onions.txt", "t4-003", "Onions at 45 rupees", "Capital Times"),
            ("talks.md", "t6-021", "Angolan talks inch forward in Lusaka", "Southern Star"),
            ("password.md", "t6-031", "How to choose a password manager", "Byte Weekly"),
            ("oil.html", "t6-006", "Oil falls as ceasefire calms the Gulf", "Market Post"),
            ("srilanka.html", "t6-014", "Colombo without power for 13 hours", "Island Mail"),
            ("snow.html", "t4-007", "Snow closes thousands of schools", "Morning Herald"),
            ("pause.html", "t6-043", "Four-day pause in Gaza to begin on Friday", "Gulf Courier"),
            ("doboj.html", "t6-057", "Two children wounded by a mine near Doboj", "Balkan Monitor"),
            ("storage.docx", "t6-033", "Gas storage at a record after winter", "Energy Brief"),
            ("africa-goal.docx", "t6-007", "A goal that disappoints Africa", "Continental"),
            ("laos.pdf", "t6-052", "Clearing Laos, one village at a time", "Mekong Review"),
            ("council.pdf", "t6-044", "Council agrees its line for Baku", "Union Gazette"),
            ("darfur.eml", "t6-034", "Darfur talks to resume in Abuja", "Southern Star"),
            ("cyber-order.eml", "t6-055", "President signs order on cybersecurity", "Potomac Daily"),
            ("wire.rss#1", "t6-029", "Envoys meet in Berlin on Ukraine", "World Wire"),
            ("wire.rss#2", "t6-059", "Five hundred wells burn across Kuwait", "World Wire"),
            ("wire.rss#3", "t4-021", "Rain delays top seeds in Tokyo", "World Wire"),
            ("climate.atom#1", "t6-041", "India objects after the gavel", "Climate Desk"),
            ("climate.atom#2", "t6-054", "The rulebook for carbon markets is complete", "Climate Desk"),
            ("rows.csv#1", "t6-022", "Hackers take records of two million patients", "Manila Post"),
            ("rows.csv#2", "t6-027", "Maoists leave the ceasefire", "Himal Times"),
            ("rows.jsonl#1", "t6-045", "Stations run dry after the Colonial attack", "County News"),
            ("rows.jsonl#2", "t6-060", "Police warn of malware in fake apps", "Straits Daily"),
            ("rows.json#1", "t6-011", "Baku waits for a new text on money", "Climate Desk"),
            ("rows.xlsx#1", "t6-049", "Cuba's grid collapses again", "Caribbean Sun"),
            ("rows.xlsx#2", "t4-027", "Volvo to cut 1,200 jobs", "Nordic Business"),
            ("dail.txt", "t4-015", "A new Dail meets at noon", "Dublin Mail"),
        )
        return {
            name: self.piece(article, title, outlet, late=number % 4 == 3)
            for number, (name, article, title, outlet) in enumerate(made)
        }

    def copies(self) -> dict[str, Piece]:
        """Return 12 copies of five of them, each with what an editor changes."""
        made = self.originals()
        oil, pause, doboj, lanka, storage = (
            made[name] for name in ("oil.html", "pause.html", "doboj.html", "srilanka.html", "storage.docx")
        )
        local = "Our correspondent was at the bridge this morning, where the traffic had stopped for an hour."
        return {
            "oil-2.html": replace(oil, title="Crude slides on truce hopes", outlet="Morning Herald"),
            "oil-3.txt": replace(oil, title="Oil: truce calms traders", outlet="Byte Weekly"),
            "oil-4.docx": _closed(oil, "Southern Star"),
            "oil-5.eml": replace(oil, outlet="Potomac Daily"),
            "pause-2.html": _typeset(replace(pause, title="Gaza: pause from Friday", outlet="Morning Herald")),
            "pause-3.pdf": replace(pause, outlet="Union Gazette"),
            "wire.rss#4": replace(pause, title="Pause of four days agreed", outlet="World Wire"),
            "doboj-2.html": _headed(doboj, "Morning Herald", local),
            "rows.csv#3": replace(doboj, title="Children hurt by mine", outlet="Manila Post"),
            "srilanka-2.html": _closed(lanka, "Morning Herald"),
            "rows.jsonl#3": replace(lanka, title="Power cuts of 13 hours", outlet="County News"),
            "rows.json#2": replace(storage, title="Storage: a record", outlet="Climate Desk"),
        }

    def fed(self) -> dict[str, Piece]:
        """Return what a feed brings: a copy of a story that is there, and two new stories."""
        made = self.originals()
        return {
            "/oil": replace(made["oil.html"], title="Oil drops on Gulf truce", outlet="Evening Wire"),
            "/phnom-penh": self.piece("t6-039", "Guerrillas attack two villages", "Evening Wire"),
            "/orion": self.piece("t6-038", "What customers of Orion should know", "Evening Wire"),
        }

    def write(self, folder: Path) -> None:
        """Write the forty into a folder, and three files that cannot be read: a scan, a broken one, a picture."""
        folder.mkdir(parents=True, exist_ok=True)
        pieces = {**self.originals(), **self.copies()}
        files: dict[str, list[Piece]] = {}
        for name, piece in pieces.items():
            files.setdefault(name.partition("#")[0], []).append(piece)
        for name, parts in files.items():
            (folder / name).write_bytes(_FORMATS[name.partition(".")[2]](parts))
        (folder / "scan.pdf").write_bytes(pdf(b"q 200 0 0 200 100 400 cm /I Do Q"))
        (folder / "broken.docx").write_bytes(b"PK\x03\x04 and no more")
        (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0")

    def publish(self, site: press.Press) -> str:
        """Publish the feed and its pages, and return its address."""
        fed = self.fed()
        for path, piece in fed.items():
            site.put(path, press.page(escape(piece.title), *map(escape, piece.paragraphs), date=f"{piece.day}"))
        linked = {
            f"{site.url}{path}": replace(piece, paragraphs=piece.paragraphs[:1]) for path, piece in fed.items()
        }
        site.put("/rss", _feed(linked), etag='"1"')
        return f"{site.url}/rss"


@cache
def _corpus() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in ("t4", "t6"):
        with (ROOT / f"data/articles/{name}.jsonl").open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found.setdefault(row["article"], []).append(row["text"])
    return {article: tuple(texts) for article, texts in found.items()}


def corpus_article(article: str) -> tuple[str, ...]:
    """Return the paragraphs of an article of the corpus."""
    return _corpus()[article]


def _closed(piece: Piece, outlet: str) -> Piece:
    said = (*piece.paragraphs, f"Additional reporting by the staff of the {outlet}.")
    return replace(piece, outlet=outlet, paragraphs=said)


def _headed(piece: Piece, outlet: str, first: str) -> Piece:
    return replace(piece, outlet=outlet, paragraphs=(first, *piece.paragraphs))


def _typeset(piece: Piece) -> Piece:
    said = tuple(text.replace("'", "\u2019").replace(" - ", " \u2013 ") for text in piece.paragraphs)
    return replace(piece, paragraphs=said)


def _marked(one: Piece) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in one.paragraphs)


def _html(parts: Sequence[Piece]) -> bytes:
    (one,) = parts
    head = (
        f'<meta charset="utf-8"><title>{escape(one.title)} | {one.outlet}</title>'
        f'<meta property="og:site_name" content="{one.outlet}"><link rel="canonical" href="{one.address}">'
        f'<meta property="article:published_time" content="{one.day}T01:30:00Z">'
    )
    menu = "<nav><a href=/>Home</a> <a href=/sport>Sport</a></nav>"
    article = f"<article><h1>{escape(one.title)}</h1>{_marked(one)}</article><footer>All rights reserved</footer>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{menu}{article}</body></html>".encode()


def _docx(parts: Sequence[Piece]) -> bytes:
    (one,) = parts
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"<dc:title>{escape(one.title)}</dc:title><dcterms:created>{one.day}T01:30:00Z</dcterms:created>"
        "</cp:coreProperties>"
    )
    return packed(
        {
            "_rels/.rels": relations(officeDocument="word/document.xml"),
            "word/document.xml": document("".join(p(escape(text)) for text in one.paragraphs)),
            "docProps/core.xml": core,
        }
    )


def _pdf(parts: Sequence[Piece]) -> bytes:
    (one,) = parts
    lines: list[str] = []
    for text in one.paragraphs:
        lines += [line.replace("(", "\\(").replace(")", "\\)") for line in wrap(text, 85)] + [""]
    return pdf(shown(lines), title=one.title, date=f"D:{one.day:%Y%m%d}013000Z")


def _eml(parts: Sequence[Piece]) -> bytes:
    (one,) = parts
    mail = EmailMessage()
    mail["From"] = f"{one.outlet} <news@{one.outlet.lower().replace(' ', '-')}.example>"
    mail["To"], mail["Subject"] = "desk@example.org", one.title
    mail["Date"] = one.hour
    mail["Message-ID"] = f"<{one.day}@example.org>"
    mail.set_content(one.text)
    return mail.as_bytes()


def _feed(linked: Mapping[str, Piece]) -> str:
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>{link}</link>"
        f"<pubDate>{format_datetime(one.hour)}</pubDate><description>{escape(_marked(one))}</description></item>"
        for link, one in linked.items()
    )
    outlet = next(iter(linked.values())).outlet
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{outlet}</title>{items}</channel></rss>'


def _rss(parts: Sequence[Piece]) -> bytes:
    return _feed({one.address: one for one in parts}).encode()


def _atom(parts: Sequence[Piece]) -> bytes:
    entries = "".join(
        f'<entry><title>{escape(one.title)}</title><id>{one.address}</id><link href="{one.address}"/>'
        f'<updated>{one.day}T01:30:00Z</updated><content type="html">'
        f"{escape(_marked(one))}</content></entry>"
        for one in parts
    )
    head = f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>{parts[0].outlet}</title>'
    return f"{head}{entries}</feed>".encode()


def _rows(parts: Sequence[Piece]) -> list[dict[str, str]]:
    return [
        {"title": one.title, "outlet": one.outlet, "date": f"{one.day}", "address": one.address, "text": one.text}
        for one in parts
    ]


def _csv(parts: Sequence[Piece]) -> bytes:
    out, rows = io.StringIO(), _rows(parts)
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _xlsx(parts: Sequence[Piece]) -> bytes:
    book, rows, out = Workbook(), _rows(parts), io.BytesIO()
    for row in (list(rows[0]), *(list(row.values()) for row in rows)):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


_FORMATS = {
    "txt": lambda parts: f"{parts[0].title}\n\n{parts[0].text}\n".encode(),
    "md": lambda parts: f"# {parts[0].title}\n\n{parts[0].text}\n".encode(),
    "html": _html,
    "docx": _docx,
    "pdf": _pdf,
    "eml": _eml,
    "rss": _rss,
    "atom": _atom,
    "csv": _csv,
    "jsonl": lambda parts: "".join(f"{json.dumps(row)}\n" for row in _rows(parts)).encode(),
    "json": lambda parts: json.dumps(_rows(parts), indent=1).encode(),
    "xlsx": _xlsx,
}
