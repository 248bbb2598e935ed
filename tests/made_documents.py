"""Small documents and tables of every format that is read, for the fuzzer to damage."""

import io
import json
from email.message import EmailMessage
from email.policy import SMTP

from small_docx import p, word_file
from small_pdf import pdf, shown

_PARAGRAPHS = (
    "Clearance teams lifted forty mines from the orchards above the river, the ministry said on Tuesday.",
    "The two governments will resume talks on the border in May; neither side set a condition.",
    "A cyberattack took the grid operator's website down for an hour. Supply was not affected, it said.",
)
_HTML = f"""<!doctype html><html><head><title>Mines lifted</title><meta charset="utf-8">
<meta property="article:published_time" content="2025-03-04"></head><body><nav><a href="/">Home</a></nav>
<article><h1>Mines lifted</h1><p>{"</p><p>".join(_PARAGRAPHS)}</p><table><tr><td>{_PARAGRAPHS[1]}</td></tr></table>
</article><footer>All rights reserved</footer></body></html>"""
_RSS = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>Daily</title>
<item><title>One</title><link>https://example.org/1</link><description><![CDATA[<p>{_PARAGRAPHS[0]}</p>]]>
</description></item><item><title>Two</title><description>{_PARAGRAPHS[1]}</description></item></channel></rss>"""
_ATOM = f"""<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Daily</title>
<entry><title>One</title><id>1</id><updated>2025-03-04T10:00:00Z</updated><content type="html">&lt;p&gt;
{_PARAGRAPHS[0]}&lt;/p&gt;</content></entry></feed>"""
_WORD_TABLE = f"<w:tbl><w:tr><w:tc>{p(_PARAGRAPHS[2])}</w:tc></w:tr></w:tbl>"
_ROWS = [{"id": f"r{number}", "text": text} for number, text in enumerate(_PARAGRAPHS * 3)]


def _parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_ROWS), out)
    return out.getvalue()


def _xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    for row in [["id", "text"], *(list(row.values()) for row in _ROWS)]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _mail() -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["Date"] = "Mines lifted: a year on, überall", "Sun, 29 Nov 2026 07:00:00 +0100"
    message["From"], message["To"] = "The Courier <news@example.org>", "desk@example.org"
    message.set_content("\n\n".join(_PARAGRAPHS))
    message.add_alternative(_HTML, subtype="html")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="brief.pdf")
    return message.as_bytes()


_CSV = "id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in _ROWS)
SEEDS: list[tuple[str, bytes]] = [
    ("a.txt", "\n\n".join(_PARAGRAPHS).encode()),
    ("a.md", f"# Mines lifted\n\n- {_PARAGRAPHS[0]}\n- {_PARAGRAPHS[1]}\n".encode()),
    ("a.html", _HTML.encode()),
    ("a.rss", _RSS.encode()),
    ("a.atom", _ATOM.encode()),
    ("a.pdf", pdf(shown([line for text in _PARAGRAPHS for line in (text[:60], text[60:], "")]))),
    ("a.docx", word_file("".join(map(p, _PARAGRAPHS)) + _WORD_TABLE)),
    ("a.csv", _CSV.encode()),
    ("a.tsv", _CSV.replace(",", "\t").encode("utf-16")),
    ("a.jsonl", "".join(f"{json.dumps(row)}\n" for row in _ROWS).encode()),
    ("a.json", json.dumps(_ROWS, indent=1).encode()),
    ("a.parquet", _parquet()),
    ("a.xlsx", _xlsx()),
    ("a.eml", _mail()),
    ("a.mbox", b"From a@example.org Sun Nov 29 07:00:00 2026\n" + _mail().replace(b"\r\n", b"\n") + b"\n"),
]
