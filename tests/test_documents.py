import io

import docx
import pytest

from pipeline.data import documents
from pipeline.errors import SourceError
from pipeline.schema import Article
from pipeline.text.paragraphs import split

SENTENCE = "Clearance teams removed {} mines from farmland along the line last year, officials said on Tuesday."
PARAGRAPHS = [SENTENCE.format(number) for number in ("four hundred", "eighty", "two")]
PAGE = f"""<!doctype html><html><head>
<title>Mines cleared | Daily</title>
<meta property="og:title" content="Mines cleared">
<meta property="article:published_time" content="2025-03-04">
<link rel="canonical" href="https://example.org/mines"></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/w">World</a></li></ul></nav>
<article><h1>Mines cleared</h1><p>{"</p><p>".join(PARAGRAPHS)}</p><script>alert("no")</script></article>
<footer>Subscribe to our newsletter</footer></body></html>"""
RSS = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>Daily</title>
<item><title>Mines cleared</title><link>https://example.org/1</link>
<pubDate>Tue, 04 Mar 2025 10:00:00 GMT</pubDate>
<description><![CDATA[<p>{PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p>]]></description></item>
<item><title>Nothing</title></item>
<item><title>Plain</title><description>{PARAGRAPHS[2]}</description></item></channel></rss>"""
ATOM = f"""<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Daily</title>
<entry><title>Mines</title><id>1</id><updated>2025-03-04T10:00:00Z</updated><link href="https://example.org/1"/>
<content type="html">&lt;p&gt;{PARAGRAPHS[0]}&lt;/p&gt;</content></entry></feed>"""


def articles_in(content: bytes, name: str) -> list[Article]:
    found = documents.articles_in(content, name)
    assert all(isinstance(part, Article) for part in found)
    return found  # type: ignore[return-value]  # asserted above


def texts(article: Article) -> list[str]:
    return [" ".join(article.text[start:end].split()) for start, end in split(article.text)]


def pdf(lines: list[str]) -> bytes:
    """Write the least PDF that has these lines, in one font, with a title and a date."""
    shown = " ".join(f"({line}) Tj 0 -14 Td" if line else "0 -20 Td" for line in lines)
    stream = f"BT /F1 11 Tf 60 740 Td {shown} ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (Mines cleared) /CreationDate (D:20250304100000Z) >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer << /Size 7 /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 7\n0000000000 65535 f \n" + table + end


def word_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Mines cleared"
    document.add_paragraph(PARAGRAPHS[0])
    document.add_table(1, 1).cell(0, 0).text = PARAGRAPHS[1]
    document.add_paragraph("")
    document.add_paragraph(PARAGRAPHS[2])
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PAGE, "saved.html", "HTML"),
        (PAGE, "-", "HTML"),
        (PAGE, "https://example.org/x", "HTML"),
        (f"<!-- saved --><?xml version='1.0'?>{PAGE}", "-", "HTML"),
        (RSS, "feed.rss", "feed"),
        (RSS, "feed.xml", "feed"),
        (RSS, "feed.html", "feed"),
        (RSS, "https://example.org/feed?page=a.html", "feed"),
        (ATOM, "-", "feed"),
        (PARAGRAPHS[0], "-", "text"),
        (f"<rssfeed>{PARAGRAPHS[0]}", "-", "text"),
        ("<!--a-->" * 400 + PARAGRAPHS[0], "-", "text"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_name_or_the_beginning_tells_the_format(content: str, name: str, kind: str, encoding: str) -> None:
    article = articles_in(content.encode(encoding), name)[0]
    assert (article.title, "#" in article.source) == {
        "HTML": ("Mines cleared", False),
        "feed": (article.title, True),
        "text": (None, False),
    }[kind]
    assert PARAGRAPHS[0] in article.text


def test_a_word_file_gives_paragraphs_and_cells_in_order() -> None:
    (article,) = articles_in(word_file(), "a.docx")
    assert (texts(article), article.title) == (PARAGRAPHS, "Mines cleared")


def test_a_pdf_gives_blocks_and_joins_divided_words() -> None:
    lines = ["Clearance teams removed four hun-", "dred mines from farmland.", "", "", "The school reopened."]
    (article,) = articles_in(pdf(lines), "a.pdf")
    assert texts(article) == ["Clearance teams removed four hundred mines from farmland.", "The school reopened."]
    assert (article.title, article.date) == ("Mines cleared", "2025-03-04")


def test_a_markdown_file_has_its_first_heading_as_title() -> None:
    (article,) = articles_in(b"# Mines cleared\n\nText.", "a.md")
    assert (article.title, article.text) == ("Mines cleared", "# Mines cleared\n\nText.")


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (b" \n", "a.txt", "empty"),
        (b"a\0b", "a.txt", "binary"),
        (b"caf\xe9", "a.txt", "not UTF-8 at byte 4"),
        (b"<html><body></body></html>", "a.html", "no main text"),
        (b"%PDF-1.4 cut", "a.pdf", "not a valid PDF|has no text"),
        (b"PK\x03\x04 cut", "a.docx", "not a valid DOCX"),
        (b"<rss><channel></channel></rss>", "a.rss", "no entry"),
        (b"no feed at all", "a.rss", "feed"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_name(content: bytes, name: str, problem: str) -> None:
    with pytest.raises(SourceError, match=rf"^{name}: .*({problem})") as told:
        articles_in(content, name)
    assert "\n" not in str(told.value)
