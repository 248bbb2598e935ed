import pytest

from pipeline.data.readers.blocks import walk
from pipeline.data.readers.facts import facts_of
from pipeline.data.readers.html import parsed

TEXT = "<p>The ministry said sappers had cleared forty hectares of mined land near the river this spring.</p>"


def facts(body: str, head: str = "") -> dict[str, str | None]:
    tree, _ = parsed(f"<html><head><title>Evening news</title>{head}</head><body>{body}{TEXT}</body></html>")
    return facts_of(tree, walk(tree))


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:published_time" content="2024-05-03T10:00:00Z">',
        '<meta name="date" content="2024-05-03">',
        '<meta name="DC.date.issued" content="2024-05-03">',
        '<meta property="article:modified_time" content="2024-05-03">',
        '<script type="application/ld+json">{"datePublished":"2024-05-03","dateModified":"2024-06-01"}</script>',
        '<link rel="canonical" href="https://example.org/2024/05/03/mines">',
    ],
)
def test_a_date_in_the_head_is_read(head: str) -> None:
    assert facts("", head)["date"] == "2024-05-03"


@pytest.mark.parametrize(
    "body",
    [
        '<time datetime="2024-05-03T10:00">3 May</time>',
        "<time>May 3, 2024</time>",
        '<p class="byline">By Ann, 3 May 2024</p>',
        '<div class="date">3 мая 2024</div>',
        '<span class="news-date">03.05.2024, 14:20</span>',
        '<meta itemprop="datePublished" content="2024-05-03">',
    ],
)
def test_a_date_that_the_page_marks_is_read(body: str) -> None:
    assert facts(body)["date"] == "2024-05-03"


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("<footer>Copyright 2019 The Gazette</footer>", ""),
        ('<div class="footer">© 2015-2019 Gazette, 12.05.2019</div>', ""),
        ("<small>Updated 2019</small>", ""),
        ("<p>Order No 20190512 of the ministry</p>", ""),
        ("<p>On 2019-05-12 the ministry said so.</p>", ""),
        ("<h1>The ceasefire of 10 November 2020</h1>", ""),
        ("<footer><time datetime=2019-05-12>x</time></footer>", ""),
        ("<div class=comments><time datetime=2019-05-12>x</time></div>", ""),
        ('<p class="date">Summer 2019</p>', ""),
        ('<img src="/2019/05/12/a.jpg">', ""),
        ("<script>var day = '2019-05-12';</script>", ""),
        ("", '<meta itemprop="copyrightYear" content="2019">'),
        ("", '<meta property="og:image" content="https://example.org/2019/05/12/a.jpg">'),
        ("", '<meta name="description" content="Ten years after 2019-05-12">'),
        ("", '<meta http-equiv="expires" content="Mon, 12 May 2019 00:00:00 GMT">'),
        ("", '<meta name="verification" content="20190512abc">'),
        ("", "<title>What happened on 10.11.2020</title>"),
    ],
)
def test_no_date_is_made_of_other_numbers(body: str, head: str) -> None:
    assert facts(body, head)["date"] is None


def test_title_and_origin_are_those_of_the_page() -> None:
    head = (
        '<meta property="og:title" content="Mines cleared"><link rel="canonical" href="https://example.org/mines">'
    )
    assert facts("<h1>Mines</h1>", head) == {
        "title": "Mines cleared",
        "date": None,
        "origin": "https://example.org/mines",
        "outlet": "example.org",
    }
    assert facts("<h1>Mines</h1>") == {"title": "Mines", "date": None, "origin": None, "outlet": None}
    named = facts("", '<meta property="og:site_name" content="The Gazette">')
    assert (named["origin"], named["outlet"]) == ("The Gazette", "The Gazette")


def test_control_characters_are_left_out_of_facts() -> None:
    assert facts("<h1>Mi\x01nes</h1>", '<meta name="date" content="2024-05-03\x02" a\x03="x">') == {
        "title": "Mines",
        "date": "2024-05-03",
        "origin": None,
        "outlet": None,
    }
