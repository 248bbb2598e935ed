import json
import time

import pytest
from test_documents import ATOM, PARAGRAPHS, RSS

from pipeline.data.documents import articles_in
from pipeline.data.readers.feed import read_feed
from pipeline.errors import SourceError
from pipeline.schema import Article
from pipeline.text.paragraphs import split

MINES, CYBER, PEACE = PARAGRAPHS


def rss(*descriptions: str, doctype: str = "", link: str = "/1", root: str = "") -> str:
    items = "".join(
        f"<item><title>Story {number}</title><link>{link}</link><description>{text}</description></item>"
        for number, text in enumerate(descriptions, 1)
    )
    channel = f"<channel><title>Gazette</title><link>https://gazette.example/</link>{items}</channel>"
    return f'<?xml version="1.0"?>{doctype}<rss version="2.0"{root}>{channel}</rss>'


def cdata(markup: str) -> str:
    return f"<![CDATA[{markup}]]>"


def articles(content: str | bytes, name: str = "a.rss") -> list[Article]:
    found = read_feed(content if isinstance(content, bytes) else content.encode(), name)
    assert all(isinstance(part, Article) for part in found)
    return found  # type: ignore[return-value]  # asserted above


def texts(article: Article) -> list[str]:
    return [" ".join(article.text[start:end].split()) for start, end in split(article.text)]


def test_a_feed_gives_an_article_an_entry_that_has_a_text() -> None:
    first, second = articles(RSS)
    assert texts(first) == PARAGRAPHS[:2]
    assert (first.source, first.title, first.origin) == ("a.rss#1", "Mines cleared", "https://example.org/1")
    assert first.date == "Tue, 04 Mar 2025 10:00:00 GMT"
    assert (second.source, texts(second)) == ("a.rss#3", PARAGRAPHS[2:])


def test_atom_is_a_feed_too() -> None:
    (article,) = articles(ATOM)
    assert (texts(article), article.date) == (PARAGRAPHS[:1], "2025-03-04T10:00:00Z")


@pytest.mark.parametrize(
    "content",
    [
        f'<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:summary>{MINES}</a:summary></a:entry></a:feed>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        f'<channel rdf:about="x"/><item rdf:about="y"><description>{MINES}</description></item></rdf:RDF>',
        rss(MINES, doctype='<!DOCTYPE rss [<!ENTITY e "boom">]>'),
        f"<?xml version='1.0'?>{'<!-- made by hand -->' * 60}<?xml-stylesheet href='s.xsl'?>{rss(MINES)[21:]}",
    ],
)
@pytest.mark.parametrize("name", ["-", "a.xml", "saved.html"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_kind_of_feed_is_known_by_its_beginning(content: str, name: str, encoding: str) -> None:
    (article,) = articles_in(content.encode(encoding), name)
    assert isinstance(article, Article)
    assert (article.source, texts(article)) == (f"{name}#1", [MINES])


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (cdata("<b>COP29</b> ends in <i>Baku</i>."), ["COP29 ends in Baku."]),
        (cdata("<a href=x>BAKU</a> - The <i>COP29</i> delegates saw it."), ["BAKU - The COP29 delegates saw it."]),
        (cdata("<img src=x>Sappers cleared it."), ["Sappers cleared it."]),
        (cdata(f"<img src=x><br>{MINES}<br><br>{CYBER}"), [MINES, CYBER]),
        (cdata(f"<table><tr><td>{MINES}</td><td>{CYBER}</td></tr></table>"), [MINES, CYBER]),
        (cdata(f"<b>BAKU</b> {MINES}\n\n{CYBER}"), [f"BAKU {MINES}", CYBER]),
        (
            cdata("5 < 10 and 3 > 2, the minister said of the coins."),
            ["5 < 10 and 3 > 2, the minister said of the coins."],
        ),
        (f"{MINES}\n\n{CYBER}", [MINES, CYBER]),
        (
            "\n    Clearance teams removed mines from\n    farmland along the line\n    last year.\n  ",
            ["Clearance teams removed mines from farmland along the line last year."],
        ),
        ("Gas &amp; oil &lt; 50; the grid &amp;amp; pipeline", ["Gas & oil < 50; the grid & pipeline"]),
        (f"&lt;p&gt;{MINES}&lt;/p&gt;&lt;p&gt;{CYBER}&lt;/p&gt;", [MINES, CYBER]),
        (f"&amp;lt;p&amp;gt;{MINES}&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;{CYBER}&amp;lt;/p&amp;gt;", [MINES, CYBER]),
        (f"&amp;amp;lt;p&amp;amp;gt;{MINES}&amp;amp;lt;/p&amp;amp;gt;", [MINES]),
        (
            cdata(f"<p>{MINES}</p><a href=x>Read more</a><p>The post <a href=x>S</a> appeared first on G.</p>"),
            [MINES],
        ),
        (cdata("<a href=x>Read more</a>"), ["Read more"]),
        (cdata(f"<p>{MINES}</p><script>a()</script><ul><li>{CYBER}</li></ul>"), [MINES, CYBER]),
        (f"&#x110000;&#55296;&#0;{MINES}\x00", [f"\ufffd\ufffd\ufffd{MINES}"]),
    ],
)
def test_an_entry_is_read_as_the_paragraphs_it_shows(description: str, expected: list[str]) -> None:
    (article,) = articles(rss(description))
    assert texts(article) == expected


def test_the_content_goes_before_the_summary_if_it_has_a_text() -> None:
    entry = '<entry><title type="html">&lt;b&gt;Mines&lt;/b&gt; cleared</title>{}<summary>{}</summary></entry>'
    content = f'<content type="html">{MINES}</content>'
    feed = '<feed xmlns="http://www.w3.org/2005/Atom">{}{}</feed>'
    first, second = articles(feed.format(entry.format(content, CYBER), entry.format('<content src="x"/>', PEACE)))
    assert (texts(first), texts(second), first.title) == ([MINES], [PEACE], "Mines cleared")


@pytest.mark.parametrize(
    ("link", "root", "name", "expected"),
    [
        ("/news/42", "", "a.rss", "https://gazette.example/news/42"),
        ("https://other.example/1", "", "a.rss", "https://other.example/1"),
        ("news/42", ' xml:base="https://base.example/b/"', "a.rss", "https://base.example/b/news/42"),
        ("http://[", "", "a.rss", "http://["),
    ],
)
def test_links_are_made_absolute(link: str, root: str, name: str, expected: str) -> None:
    (article,) = articles(rss(MINES, link=link, root=root), name)
    assert article.origin == expected


def test_a_link_without_a_base_is_relative_to_the_address_of_the_feed() -> None:
    entry = f'<entry><link href="/1"/><summary>{MINES}</summary></entry>'
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'
    assert [articles(feed, name)[0].origin for name in ("https://example.org/f", "a.atom")] == [
        "https://example.org/1",
        "/1",
    ]


def test_a_json_feed_gives_texts_and_facts() -> None:
    item = {"title": "Mines", "url": "https://example.org/1", "date_published": "2025-03-04T10:00:00Z"}
    feed = {
        "version": "https://jsonfeed.org/version/1",
        "items": ["x", {}, {**item, "content_html": f"<p>{MINES}<p>{CYBER}"}],
    }
    (article,) = articles_in(json.dumps(feed).encode("utf-8-sig"), "a.json")
    assert isinstance(article, Article)
    assert texts(article) == [MINES, CYBER]
    assert article.source == "a.json#2"
    assert (article.title, article.origin, article.date) == (
        "Mines",
        "https://example.org/1",
        "2025-03-04T10:00:00Z",
    )


@pytest.mark.parametrize("description", [MINES, cdata(f"<p>{MINES}</p>")])
def test_a_feed_cut_anywhere_gives_the_whole_entries_and_says_so(description: str) -> None:
    content = rss(*[description] * 3)
    closed = [content.index("</item>", content.index(f"Story {number}")) + len("</item>") for number in (1, 2, 3)]
    for end in range(content.index("<item>") + 6, content.index("</rss>") + 6, 5):
        found = read_feed(content[:end].encode(), "a.rss")
        whole = sum(end >= place for place in closed)
        assert [texts(part) for part in found[:-1] if isinstance(part, Article)] == [[MINES]] * whole
        assert str(found[-1]) == f"a.rss: the feed is cut off after entry {whole}; what follows is missing"


def test_broken_markup_cuts_nothing_off() -> None:
    found = articles(rss(MINES, f"Tom & Jerry < cat {CYBER}", PEACE))
    assert [texts(article) for article in found] == [[MINES], [f"Tom & Jerry < cat {CYBER}"], [PEACE]]


BILLION = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "aaaaaaaaaa"}">' for n in range(10))


@pytest.mark.parametrize(
    ("doctype", "description", "expected"),
    [
        ('<!DOCTYPE rss [<!ENTITY e "boom">]>', "x &e; &nbsp; y", "x boom y"),
        ("<!DOCTYPE rss [<!ENTITY e 'b&f;m'><!ENTITY f 'oo'>]>", "x &e; y", "x boom y"),
        ('<!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "x &e; y", "x y"),
    ],
)
def test_entities_of_the_feed_are_resolved_and_others_are_empty(
    doctype: str, description: str, expected: str
) -> None:
    (article,) = articles(rss(f"{description} {MINES}", doctype=doctype))
    assert texts(article) == [f"{expected} {MINES}"]


@pytest.mark.parametrize(
    ("entities", "description"),
    [(BILLION, "&a9;"), ('<!ENTITY e "{}">'.format("a" * 9000), "&e;" * 200)],
)
def test_entities_that_grow_are_refused(entities: str, description: str) -> None:
    with pytest.raises(SourceError, match=r"^a\.rss: its DTD declares entities that grow too large$"):
        articles(rss(description, doctype=f"<!DOCTYPE rss [{entities}]>"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<html><body><p>x</p></body></html>", "not a valid feed: .*"),
        ("no feed at all", "not a valid feed: .*"),
        ("<a/>", "not a valid feed: neither RSS nor Atom"),
        ('{"version": "https://jsonfeed.org/version/1", "items": [', "not a valid JSON feed: .*"),
        ('{"items": ' + "[" * 100_000, "not a valid JSON feed: RecursionError .*"),
        ('{"items": 3}', "not a valid JSON feed: .*"),
    ],
)
def test_what_is_no_feed_is_told_in_one_line(content: str, problem: str) -> None:
    with pytest.raises(SourceError, match=rf"^a\.rss: {problem}$"):
        articles(content)


def test_the_bytes_of_a_feed_are_never_a_file_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hidden").write_text(rss(MINES))
    with pytest.raises(SourceError, match="not a valid feed"):
        articles("hidden")


HOSTILE = {
    "blanks": lambda size: rss(MINES + " " * size + CYBER),
    "blanks in markup": lambda size: rss(cdata(f"<p>{MINES}{' ' * size}{CYBER}")),
    "lines": lambda size: rss(MINES + "\n " * (size // 2) + CYBER),
    "nesting": lambda size: rss(cdata("<div>" * (size // 5) + MINES)),
    "attributes": lambda size: rss(MINES).replace(
        "<item", "<item " + " ".join(f"a{n}='1'" for n in range(size // 9))
    ),
    "author": lambda size: rss(MINES).replace("<item>", f"<item><author>{'a' * size}</author>"),
    "doctypes": lambda size: "<!DOCTYPE [" * (size // 11) + rss(MINES),
    "links": lambda size: rss(cdata(f"<p>{MINES}</p>" + "<p><a href=x>more</a></p>" * (size // 25))),
    "entries": lambda size: rss(*[MINES] * (size // 150)),
    "open entries": lambda size: "<rss><channel>" + "<item>" * (size // 6),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_no_faster_than_the_feed(kind: str) -> None:
    def seconds(size: int) -> float:
        content = HOSTILE[kind](size).encode()
        start = time.process_time()
        read_feed(content, "a.rss")
        return time.process_time() - start

    seconds(1000)
    assert any(seconds(100_000) < 12 * max(seconds(25_000), 0.05) for _ in range(3))
