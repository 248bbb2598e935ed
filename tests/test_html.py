import json
import time

import pytest
from test_documents import PAGE, PARAGRAPHS

from pipeline.data.readers.html import parsed, read_html
from pipeline.errors import SourceError
from pipeline.schema import Article
from pipeline.text.paragraphs import split

MINES = "The ministry said sappers had cleared forty hectares of mined land near the river this spring."
CYBER = "Hackers encrypted the hospital's servers overnight and asked for a ransom, the cyber agency said."
PEACE = "The two foreign ministers resumed peace talks in the capital and agreed on most of the draft treaty."
POWER = "The grid operator warned of blackouts this winter because gas deliveries had fallen by a third."
MENU = '<a href="/1">Politics</a><br><a href="/2">Economy</a><br><a href="/3">Sport</a>'
ENTRIES = [f"Entry {number}. {(MINES, CYBER, PEACE)[number % 3]}" for number in range(12)]


def p(*texts: str) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


def page(body: str) -> str:
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>Evening news</title></head><body>{body}</body>'
    )


def article_of(content: str | bytes) -> Article:
    (article,) = read_html(content if isinstance(content, bytes) else content.encode(), "a.html")
    return article


def texts(article: Article) -> list[str]:
    return [article.text[start:end] for start, end in split(article.text)]


def live_blog(entry: str, titles: str = "Update {}") -> tuple[str, list[str]]:
    """Make a page of entries, and what is to be read from it."""
    shown = [entry.format(text=text, title=titles.format(number)) for number, text in enumerate(ENTRIES)]
    headed = [text for number, one in enumerate(ENTRIES) for text in (titles.format(number), one)]
    return "<h1>Live</h1>" + "".join(shown), headed if "{title}" in entry else ENTRIES


def test_a_page_gives_its_main_text_title_date_and_address() -> None:
    article = article_of(PAGE)
    assert texts(article) == PARAGRAPHS
    assert (article.title, article.date) == ("Mines cleared", "2025-03-04")
    assert (article.origin, article.notes) == ("https://example.org/mines", ())


@pytest.mark.parametrize(
    "body",
    [
        f"<table><tr><td>{p(MINES, CYBER, PEACE)}</td></tr></table>",
        f"<table><tr><td>{MINES}<br><br>{CYBER}<br><br>{PEACE}</td></tr></table>",
        f"<table><tr><td>{MINES}<br>{CYBER}<br>{PEACE}</td></tr></table>",
        f"<table><tr><td>{MINES}</td></tr><tr><td>{CYBER}</td></tr><tr><td>{PEACE}</td></tr></table>",
        f"<table><tr><td>{MENU}<td>{MINES}<br><br>{CYBER}<br><br>{PEACE}</table>",
        f"<table><tr><td>{p(MINES, CYBER, PEACE)}</td><td width=150>{MENU}</td></tr></table>",
        f"<table><tr><td><table><tr><td>menu</td></tr></table></td><td><table><tr><td>{MINES}</td></tr>"
        f"<tr><td>{CYBER}</td></tr><tr><td>{PEACE}</td></tr></table></td></tr></table>",
        f"<table><tr><td colspan=2><b>Ministry of Defence</b></td></tr><tr><td>{MENU}</td><td>"
        f"{p(MINES, CYBER, PEACE)}</td></tr><tr><td colspan=2>© 2001-2012 Ministry of Defence of the republic, "
        "press service</td></tr></table>",
        f"<center><table><tr><td><h2>Evening news</h2><font>{p(MINES, CYBER, PEACE)}</font></table></center>",
        f"<form><table><tr><td><input></td></tr></table><table><tr><td>{p(MINES, CYBER, PEACE)}</table></form>",
    ],
)
def test_a_table_that_lays_out_the_page_gives_its_paragraphs(body: str) -> None:
    assert texts(article_of(page(body))) == [MINES, CYBER, PEACE]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "".join(
                f'<section><article class="post"><h2>Story {number}</h2>{p(*both)}</article></section>'
                for number, both in enumerate([(MINES, CYBER), (PEACE, POWER)])
            ),
            ["Story 0", MINES, CYBER, "Story 1", PEACE, POWER],
        ),
        (
            f'<div class="entry">{p(MINES)}</div><div class="ad">Advertisement</div>'
            f'<div class="entry">{p(CYBER, PEACE, POWER)}</div>',
            [MINES, CYBER, PEACE, POWER],
        ),
        (
            "".join(
                f'<article id="post-{number}" class="post-{number} type-post"><h2>Story {number}</h2>'
                f'<div class="entry-content">{p(*both)}</div></article>'
                for number, both in enumerate([(MINES, CYBER), (PEACE, POWER)])
            ),
            ["Story 0", MINES, CYBER, "Story 1", PEACE, POWER],
        ),
        (
            f'<main><div class="lead">{p(MINES)}</div><article>{p(CYBER, PEACE)}</article>{p(POWER)}</main>',
            [MINES, CYBER, PEACE, POWER],
        ),
        (
            "".join(
                f'<div class="{name}">{p(text)}</div>' for name, text in [("odd", MINES), ("even", CYBER)] * 3
            ),
            [MINES, CYBER] * 3,
        ),
    ],
)
def test_several_articles_or_sections_are_all_read(body: str, expected: list[str]) -> None:
    article = article_of(page(body))
    assert (texts(article), article.notes) == (expected, ())


@pytest.mark.parametrize(
    "entry",
    [
        "<section class=entry><time>08:00</time><p>{text}</p></section>",
        "<article><time>08:00</time><h3>{title}</h3><p>{text}</p></article>",
        "<div class=live-post><div>08:00</div><h3>{title}</h3><p>{text}</p></div>",
        "<div class=comment-entry><p>{text}</p></div>",
        "<div class=comments><p>{text}</p></div>",
        "<dl><dt>{title}</dt><dd>{text}</dd></dl>",
    ],
)
def test_each_entry_of_a_live_blog_is_read_and_the_headline_stays_outside(entry: str) -> None:
    body, expected = live_blog(entry)
    article = article_of(page(f"<main>{body}</main>"))
    assert (texts(article), article.title) == (expected, "Live")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<div>{MINES}</div><div>{CYBER}</div><div>{PEACE}</div>", [MINES, CYBER, PEACE]),
        (f"<article>{MINES}<p>{CYBER}</p>{PEACE}</article>", [MINES, CYBER, PEACE]),
        (f"<h1>Evening news</h1>{MINES}<hr>{CYBER}<hr>{PEACE}", [MINES, CYBER, PEACE]),
        (
            f"<article>{p(MINES)}<figure><figcaption>Sappers at work</figcaption></figure>{p(PEACE)}</article>",
            [MINES, "Sappers at work", PEACE],
        ),
        (
            f"<article>{p(MINES)}<aside><h3>In short</h3>{p(CYBER)}</aside>{p(PEACE)}</article>",
            [MINES, "In short", CYBER, PEACE],
        ),
        (f"<article>{p(MINES, PEACE)}<aside>{p(CYBER)}</aside></article>", [MINES, PEACE, CYBER]),
        (f"<div class=story>{p(MINES)}<aside>{p(CYBER)}</aside>{p(PEACE)}</div>", [MINES, CYBER, PEACE]),
        (
            f"<article>{p(MINES)}<table><tr><th>Year<th>Mines</tr><tr><td>2019<td>312</table>{p(PEACE)}</article>",
            [MINES, "Year, Mines", "2019, 312", PEACE],
        ),
        (
            f"<article>{p(MINES)}<table><tr><td>North</td><td>120 landmines removed</td></tr></table></article>",
            [MINES, "North, 120 landmines removed"],
        ),
        (
            f'<article>{p(MINES)}<p class="share">{CYBER}</p><p class="related">{PEACE}</p>{p(POWER)}</article>',
            [MINES, CYBER, PEACE, POWER],
        ),
        (f'<div class="widget"><div class="sidebar">{p(MINES, CYBER)}</div></div>', [MINES, CYBER]),
        (
            f"<article><h1>Evening news</h1>{p('Evening news', MINES, PEACE)}</article>",
            ["Evening news", MINES, PEACE],
        ),
        (f"<article>{p(MINES)}<h1>Evening news</h1>{p(PEACE)}</article>", [MINES, PEACE]),
        (f"<article>{p(MINES, MINES, PEACE)}</article>", [MINES, PEACE]),
        ("<p>Ceasefire agreed.</p>", ["Ceasefire agreed."]),
    ],
)
def test_text_is_read_wherever_it_stands(body: str, expected: list[str]) -> None:
    article = article_of(page(body))
    assert (texts(article), article.notes) == (expected, ())


@pytest.mark.parametrize(
    "beside",
    [
        f"<nav>{''.join(f'<a href={number}>Section {number} of the site</a>' for number in range(40))}</nav>",
        "<header><p>News of the river valley and of the towns around it, every day since 1911</p></header>",
        "<footer><p>No part of this site may be reproduced without our written permission.</p></footer>",
        "<div id=cookie-banner><p>We and our partners use cookies to show ads. See the privacy notice.</p></div>",
        "<div class=sidebar><p>About me: I write about the valley, its towns and its people.</p></div>",
        '<aside><p>The museum opened a new hall with carpets, and <a href="/x">more than that</a>.</p></aside>',
        "<template><p>The museum opened a new hall with carpets from three villages.</p></template>",
    ],
)
@pytest.mark.parametrize("order", ["{0}{1}", "{1}{0}"])
def test_what_stands_beside_the_article_is_left_out(beside: str, order: str) -> None:
    body = order.format(f"<article>{p(MINES, CYBER, PEACE)}</article>", beside)
    assert texts(article_of(page(body))) == [MINES, CYBER, PEACE]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            "The ministry said sappers had cleared forty hectares of mined<br>land near the river in spring, and "
            "families could go home<br>to two villages.",
            1,
        ),
        (f"<b>Mines</b><br>{MINES}<br><b>Hospital</b><br>{CYBER}", 4),
    ],
)
def test_lines_in_a_cell_are_one_paragraph_where_they_are_wrapped(cell: str, expected: int) -> None:
    article = article_of(page(f"<table><tr><td>{MENU}</td><td>{cell}</td></tr></table>"))
    assert len(texts(article)) == expected
    assert article.text.endswith(cell[-9:])


@pytest.mark.parametrize(
    "notice",
    [
        "<div><p>We use cookies to personalise content and process personal data with our partners.</p></div>",
        "<div><p>All rights reserved. Reproduction of any material requires a link to our site.</p></div>",
        "<div><p>Please enable JavaScript in your browser to use all parts of this site properly.</p></div>",
    ],
)
def test_a_notice_at_an_edge_is_no_part_of_the_article(notice: str) -> None:
    assert texts(article_of(page(f"{notice}<div class=t>{p(MINES, CYBER)}</div>{notice}"))) == [MINES, CYBER]


@pytest.mark.parametrize(
    "beside",
    [
        "<footer><p>No part of this site may be reproduced without our written permission.</p></footer>",
        f"<div class=row><h4>Most read</h4><a href=1>{POWER}</a></div>",
    ],
)
def test_a_short_article_stays_alone(beside: str) -> None:
    article = article_of(page(f"<div class=row>{p(MINES)}</div>{beside}"))
    assert (texts(article), article.notes) == ([MINES], ())


def test_a_box_after_the_text_is_left_out_and_told() -> None:
    article = article_of(page(f"{p(MINES, CYBER, MINES, CYBER, MINES)}<aside>{p(POWER, PEACE)}</aside>"))
    assert texts(article) == [MINES, CYBER, MINES, CYBER, MINES]


def test_readers_comments_are_left_out_and_told() -> None:
    words = [
        "What a pity that nobody asked those who live there, in all these years.",
        "I was there last year, and honestly it looked quite different to me.",
    ]
    comments = "".join(f"<li class=comment>{p(text)}</li>" for text in words * 4)
    article = article_of(page(f"<article>{p(MINES, CYBER)}</article><ol class=comment-list>{comments}</ol>"))
    assert texts(article) == [MINES, CYBER]
    assert article.notes == ("kept 2 of 10 paragraphs of text; the others look like no part of the article",)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "<div id=cmp><h2>We value your privacy</h2><p>We and our 812 partners use cookies and process "
            "personal data for ads.</p><button>Accept all</button></div>"
            "<div style='display:none'><p>subscribe</p></div>",
            "the page holds a consent notice; no article text",
        ),
        (
            "<main><p>With your consent, we use cookies or the like to store personal data.</p></main>",
            "the page holds a consent notice; no article text",
        ),
        (
            "<div id=root></div><script>a()</script><noscript>Please enable JavaScript.</noscript>",
            "the page needs a script; no article text",
        ),
        (
            "<div>You need to enable JavaScript to run this app.</div><script src=a.js></script>",
            "the page needs a script; no article text",
        ),
        ("<nav><a href=1>One</a> <a href=2>Two</a></nav><footer>Imprint</footer>", "no main text in this page"),
        ("<div class=menu><a href=1>One</a> <a href=2>Two</a></div>", "no main text in this page"),
        ("", "no main text in this page"),
    ],
)
def test_a_page_without_an_article_is_told_in_one_line(body: str, reason: str) -> None:
    with pytest.raises(SourceError, match=rf"^a\.html: .*{reason}$"):
        article_of(page(body))


def test_an_article_about_consent_is_an_article() -> None:
    text = (
        "The agency fined the shop because its cookies had been set before visitors gave their consent, it said."
    )
    assert texts(article_of(page(f"<article>{p(text)}</article>"))) == [text]


def test_the_text_of_a_page_that_needs_a_script_is_read_from_its_data() -> None:
    data = json.dumps({"@graph": [{"@type": "NewsArticle", "articleBody": f"{MINES}\n\n{CYBER}"}]})
    body = f'<div id=root></div><script type="application/ld+json">{data}</script>'
    assert texts(article_of(page(body))) == [MINES, CYBER]


def test_a_web_archive_is_told() -> None:
    with pytest.raises(SourceError, match=r"^a\.html: a web archive \(MHTML\), expected HTML"):
        article_of(f"From: saved\nMIME-Version: 1.0\n\n<html><p>{MINES}</p></html>")


def test_doubts_about_the_encoding_are_told() -> None:
    article = article_of(f"<p>{MINES} Caf\u00e9.</p>".encode("cp1252"))
    assert texts(article) == [f"{MINES} Caf\u00e9."]
    assert article.notes == ("it names no encoding; read as windows-1252",)


@pytest.mark.parametrize("end", range(0, len(PAGE), 9))
def test_a_page_cut_anywhere_is_read_as_far_as_it_goes(end: int) -> None:
    try:
        found = texts(article_of(PAGE[:end]))
    except SourceError as error:
        assert str(error) == "a.html: no main text in this page"
        assert end < PAGE.index("Clearance") + 40
    else:
        whole = [text for text in PARAGRAPHS if PAGE.index(text) + len(text) <= end]
        assert found[: len(whole)] == whole


DEEP = "it is too deep or long to tell the article from menus"


@pytest.mark.parametrize("nested", ["<div>", "<b>", "<table><tr><td>", "<blockquote>", "<ul><li>", "<p><font>x"])
def test_deep_nesting_keeps_the_text_and_is_told(nested: str) -> None:
    article = article_of(f"{nested * 10_000}{p(MINES, CYBER)}")
    assert texts(article)[-2:] == [MINES, CYBER]
    assert article.notes == (DEEP,)


def test_a_long_page_is_read_without_trafilatura() -> None:
    article = article_of(page("<br>" * 30_000 + p(MINES, CYBER)))
    assert (texts(article), article.notes) == ([MINES, CYBER], (DEEP,))


HOSTILE = {
    "blanks": lambda size: f"<p>{MINES}{' ' * size}{CYBER}",
    "no-break blanks": lambda size: f"<p>{MINES}{chr(160) * size}{CYBER}",
    "lines": lambda size: "<pre>" + "\n" * size + MINES,
    "attributes": lambda size: f"<p {' '.join(f'a{n}=1' for n in range(size // 8))}>{MINES}",
    "classes": lambda size: f'<div class="{"a " * (size // 2)}">{p(MINES)}',
    "tables": lambda size: "<table><tr><td>" * (size // 15) + MINES,
    "nested paragraphs": lambda size: f"<div>{p(MINES)}" * (size // 100),
    "footnotes": lambda size: f"<p>{MINES}" + "<sup>1</sup>" * (size // 12),
    "data": lambda size: (
        '<script type="application/ld+json">' + '{"@type":[' * (size // 10) + f"</script>{p(MINES)}"
    ),
    "open tags": lambda size: "<a " * (size // 3),
    "references": lambda size: f"<p>{'&amp;' * (size // 5)}",
    "headers": lambda size: "A: b\n" * (size // 5),
    "comments": lambda size: "<!--" * (size // 4),
    "style": lambda size: f'<div style=";{" " * size}">{p(MINES)}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_time_grows_no_faster_than_the_page(kind: str) -> None:
    def seconds(size: int) -> float:
        content = HOSTILE[kind](size).encode()
        start = time.process_time()
        try:
            read_html(content, "a.html")
        except SourceError as error:
            assert "not valid" not in str(error)  # a page may be without a text
        return time.process_time() - start

    seconds(1000)
    assert any(seconds(200_000) < 12 * max(seconds(50_000), 0.05) for _ in range(3))


def test_parsing_tells_whether_the_tree_is_whole() -> None:
    assert [parsed(html)[1] for html in (p(MINES), "<div>" * 3000 + MINES, "")] == [True, False, True]
