import fuzz_documents
import pytest
from small_pdf import pdf, shown

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


def test_damaged_documents_and_tables_are_read_or_refused() -> None:
    found, faults = fuzz_documents.work(seed=1, rounds=60)
    assert faults == []
    assert found.total() == 60
    assert found["read"] > 10


def articles_in(content: bytes, name: str) -> list[Article]:
    found = documents.articles_in(content, name)
    assert all(isinstance(part, Article) for part in found)
    return found  # type: ignore[return-value]  # asserted above


def texts(article: Article) -> list[str]:
    return [" ".join(article.text[start:end].split()) for start, end in split(article.text)]


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


@pytest.mark.parametrize("name", ["a.pdf", "-", "saved.html", "a.txt", "https://example.org/a.html"])
def test_a_pdf_gives_its_paragraphs_title_and_date(name: str) -> None:
    (article,) = articles_in(pdf(shown(["The school reopened.", "", "The mines went."])), name)
    assert texts(article) == ["The school reopened.", "The mines went."]
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
