"""The pages to read the archive, over HTTP."""

import random
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from lxml import html
from reading import ENTRIES, FIELD, PEACE, article, fill, reading
from serving import Service, make_model, serving
from test_quantification import REFERENCE

from pipeline.evaluation.quantification import Tally, corrected_rate
from pipeline.model.bundle import reference_path
from pipeline.monitoring.reference import Reference

FIELDS = ("since", "until", "topic", "outlet", "words", "threshold", "page")


@pytest.fixture(scope="module")
def served(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with reading(small_model, tmp_path_factory.mktemp("reading")) as running:
        yield running


def shown(service: Service, path: str) -> html.HtmlElement:
    reply = service.ask(path)
    assert reply.status == 200, reply.body
    return html.fromstring(reply.body.decode())


def cells(row: html.HtmlElement) -> list[str]:
    return [" ".join(cell.text_content().split()) for cell in row]


def titles(page: html.HtmlElement) -> list[str]:
    return [" ".join(found.text_content().split()) for found in page.xpath("//h3")]


def test_today_shows_the_newest_day(served: Service) -> None:
    page = shown(served, "/today")
    assert titles(page) == ["Talks in the capital", "A field is cleared"]
    assert page.xpath("string(//h1)").split() == ["Today", "4", "March", "2026"]
    assert shown(served, "/today?since=&until=").xpath("string(//h1)").split() == ["Stories", "all", "days"]
    assert page.xpath("//nav//a[@aria-current='page']/text()") == ["Today"]


def test_a_story_stands_once_with_its_outlets_and_quotations(served: Service) -> None:
    page = shown(served, "/today?since=&until=")
    (story,) = [found for found in page.xpath("//article") if "A field is cleared" in found.xpath("string(.//h3)")]
    assert story.xpath("string(.//p[@class='facts'])") == "Courier, Evening Post · 2026-03-03"
    assert story.xpath(".//ul[@class='copies']/li/a/@href") == [
        "/article/1",
        "https://courier.example/field?a=1&b=2",
        "/article/2",
        "https://post.example/mines",
    ]
    assert [found.text_content() for found in story.xpath(".//p[@class='text']")] == FIELD.split("\n\n")[:2]
    assert story.xpath(".//li[contains(@class, 'paragraph')]//a/@href") == ["/article/1#p1", "/article/1#p2"]
    context = story.xpath(".//details[contains(@class, 'context')]")[1]
    assert [found.text_content() for found in context.xpath(".//p[not(@aria-hidden)]")] == [
        FIELD.split("\n\n")[0],
        FIELD.split("\n\n")[2],
    ]


def test_links_outside_send_no_address_along(served: Service) -> None:
    page = shown(served, "/today?since=&until=")
    outside = [found for found in page.xpath("//a") if found.get("href").startswith("http")]
    assert len(outside) == 2
    assert {found.get("rel") for found in outside} == {"noreferrer"}


def test_about_comes_before_mentioned(small_model: Path, tmp_path: Path) -> None:
    other = [f"On day {n} of its rest the band {n} had slept{n} in town{n} until noon{n}." for n in range(4)]
    long = article("5", "\n\n".join([*other, PEACE.format(place="port")]), "A long day", "Gazette", "2026-03-05")
    with reading(small_model, tmp_path, *ENTRIES, long) as running:
        page = shown(running, "/today?since=&until=&topic=peace_process")
    assert [found.text_content() for found in page.xpath("//h2[@class='group']")] == ["About", "Mentioned"]
    assert titles(page) == ["Talks in the capital", "A long day"]


def test_topics_are_counted_and_lead_to_their_stories(served: Service) -> None:
    page = shown(served, "/today?since=2026-03-01&until=2026-03-04&topic=mine_action")
    rows = page.xpath("//ul[@class='legend']/li")
    assert [" ".join(row.text_content().split()) for row in rows] == [
        "●Mine action 1 2 articles, 4 paragraphs",
        "■Peace process 1 1 article, 2 paragraphs",
    ]
    mine, peace = (row.xpath(".//a")[0] for row in rows)
    assert (mine.get("aria-current"), peace.get("aria-current")) == ("true", None)
    assert titles(shown(served, peace.get("href"))) == ["A field is cleared", "Talks in the capital"]
    assert "topic=" not in mine.get("href")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("words=symphony", ["The season opens"]),
        ("words=SYMPHON*", ["The season opens"]),
        ("words=symphon", []),
        ("words=%22peace+talks%22", ["Talks in the capital"]),
        ("words=%22talks+peace%22", []),
        ("words=orchestra&outlet=Courier", ["A field is cleared", "The season opens"]),
        ("words=orchestra&outlet=Nobody", []),
        ("words=orchestra&topic=peace_process", []),
        ("topic=peace_process", ["Talks in the capital"]),
        ("topic=peace_process&threshold=1", []),
        ("words=orchestra&until=2026-03-01", ["The season opens"]),
    ],
)
def test_search_finds(served: Service, query: str, expected: list[str]) -> None:
    assert sorted(titles(shown(served, f"/search?{query}"))) == expected


def test_found_words_are_marked(served: Service) -> None:
    page = shown(served, "/search?words=symphony+city")
    assert [found.text for found in page.xpath("//mark")] == ["symphony", "city"]
    (text,) = page.xpath("//p[@class='text']")
    assert text.text_content() == "A symphony opened the season for the city and its many guests."
    assert page.xpath("//h2[@class='group']/text()") == ["Found for the words alone"]


def test_a_long_paragraph_is_cut_around_what_was_found(small_model: Path, tmp_path: Path) -> None:
    text = f"{'We ate and drank. ' * 300}A bassoon played. {'Then we slept. ' * 300}".strip()
    with reading(small_model, tmp_path, article("1", text, "Long", "Courier", "2026-03-01")) as running:
        page = shown(running, "/search?words=bassoon")
    (shown_text,) = (found.text_content() for found in page.xpath("//p[@class='text']"))
    assert (shown_text[:2], shown_text[-2:], "A bassoon played." in shown_text) == ("… ", " …", True)
    assert len(shown_text) < 1600
    assert page.xpath("//button[contains(@class, 'chip')]") == []  # what is cut cannot be corrected here


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=yesterday", "since: 'yesterday' is no day, expected one such as 2025-03-31"),
        ("until=2026-02-30", "until: '2026-02-30' is no day, expected one such as 2025-03-31"),
        ("until=2026-W10-1", "until: '2026-W10-1' is no day"),
        ("since=2026-03-02&until=2026-03-01", "since: 2026-03-02 is after until: 2026-03-01"),
        ("topic=sport", "topic: the archive has no topic 'sport', expected some of mine_action, peace_process"),
        ("words=%22peace", "words: a quotation mark is not closed in '\"peace'"),
        ("words=***", "words: no letter or digit to look for in '***'"),
        (f"words={'a' * 201}", "words: 201 characters, expected at most 200"),
        ("threshold=nan", "threshold: 'nan' is no score, expected a number from 0 to 1"),
        ("threshold=2", "threshold: '2' is no score, expected a number from 0 to 1"),
        ("page=0", "page: '0' is no page, expected a number from 1 to 1000000"),
        (f"page={'9' * 30}", "is no page, expected a number from 1 to 1000000"),
        ("&".join(f"outlet={number}" for number in range(201)), "outlet: 201 of them, expected at most 200"),
    ],
)
@pytest.mark.parametrize("path", ["/today", "/search", "/timeline"])
def test_what_cannot_be_asked_for_is_told_in_a_sentence(served: Service, path: str, query: str, said: str) -> None:
    reply = served.ask(f"{path}?{query}")
    assert reply.status == 422
    assert said in reply.json()["detail"]
    page = served.ask(f"{path}?{query}", accept="text/html")
    assert (page.status, b"<main" in page.body) == (422, True)


def test_empty_fields_of_a_form_are_none(served: Service) -> None:
    page = shown(served, "/today?since=&until=&words=&threshold=&page=&topic=&outlet=")
    assert titles(page) == ["A field is cleared", "Talks in the capital"]


def test_stories_come_in_pages(small_model: Path, tmp_path: Path) -> None:
    many = [
        article(
            str(number),
            f"Sappers cleared {number} landmines in district {number}, {'x' * (number + 5)} said.",
            f"Number {number}",
            "Courier",
            f"2026-03-{number + 1:02d}",
        )
        for number in range(25)
    ]
    with reading(small_model, tmp_path, *many) as running:
        first = shown(running, "/search?topic=mine_action")
        assert "25 stories, page 1 of 2." in first.text_content()
        assert titles(first)[0] == "Number 24"
        (link,) = first.xpath("//a[@rel='next']/@href")
        second = shown(running, link)
        assert titles(second) == [f"Number {number}" for number in (4, 3, 2, 1, 0)]
        assert titles(shown(running, second.xpath("//a[@rel='prev']/@href")[0])) == titles(first)
        beyond = shown(running, "/search?topic=mine_action&page=7")
        assert "There is no page 7." in beyond.text_content()
        assert titles(shown(running, beyond.xpath("//a[@rel='prev']/@href")[0])) == titles(second)


def test_every_link_of_a_page_leads_somewhere(served: Service) -> None:
    todo, seen = ["/today?since=&until="], set[str]()
    while todo and len(seen) < 80:
        path = todo.pop(0)
        seen.add(path)
        for link in shown(served, path).xpath("//a/@href"):
            inside = link.partition("#")[0]
            if (
                inside.startswith("/")
                and inside not in seen | set(todo)
                and ".json" not in link
                and "atom" not in link
            ):
                todo.append(inside)
    assert {"/article/1", "/timeline", "/views"} <= seen


def test_an_article_is_shown_as_a_report_with_what_made_its_topics(served: Service) -> None:
    page = shown(served, "/article/1")
    assert page.xpath("string(//h1)") == "A field is cleared"
    assert [found.get("id") for found in page.xpath("//li[contains(@class, 'paragraph')]")] == ["p1", "p2", "p3"]
    assert [found.text_content() for found in page.xpath("//p[@class='text']")] == FIELD.split("\n\n")
    assert len(page.xpath("//li[contains(@class, 'tinted')]")) == 2
    assert page.xpath("//details[@class='why']//caption")
    assert page.xpath("//p[@class='jumps']/a/@href") == ["#p1", "#p2"]
    assert page.xpath("//section[@aria-labelledby='others']//a/text()") == ["Field cleared of mines"]
    assert "Labelled by model run-one" in " ".join(page.text_content().split())


def buttons(paragraph: html.HtmlElement) -> dict[str, str]:
    return {
        found.get("data-topic"): found.get("aria-pressed") for found in paragraph.xpath(".//button[@data-topic]")
    }


def test_what_people_say_of_a_paragraph_is_shown_wherever_it_stands(small_model: Path, tmp_path: Path) -> None:
    first, second, third = FIELD.split("\n\n")
    with reading(small_model, tmp_path, options=("--root-path", "/news")) as running:
        for text, topics in ((first, []), (third, ["peace_process"])):
            said = {"text": text, "topics": topics, "annotator": "Ada"}
            assert running.ask("/v1/corrections", said).status == 201
        for number in (1, 2):  # the same text in two articles
            page = shown(running, f"/article/{number}")
            states = [" ".join(found.text_content().split()) for found in page.xpath("//span[@class='state']")]
            assert states == ["corrected by Ada", "", "corrected by Ada"]
            assert [buttons(found) for found in page.xpath("//li[@data-paragraph]")] == [
                {"mine_action": "false", "peace_process": "false"},
                {"mine_action": "true", "peace_process": "false"},
                {"mine_action": "false", "peace_process": "true"},
            ]
            assert page.xpath("//p[@class='jumps']/a/@href") == ["#p2", "#p3"]
            assert page.xpath("//form[@class='undo'][not(@hidden)]/@action") == ["/news/corrections/undo"] * 2
        (story,) = shown(running, "/today?since=&until=&topic=mine_action").xpath("//article")
        quoted = story.xpath(".//li[@data-paragraph]")
        assert [found.xpath("string(.//p)") for found in quoted] == [first, second]
        assert [buttons(found) for found in quoted] == [{"mine_action": "false"}, {"mine_action": "true"}]
        assert [found.get("class").split() for found in quoted] == [["paragraph"], ["paragraph", "tinted", "t0"]]
        assert [found.text for found in story.xpath(".//span[@class='state']")] == ["corrected by Ada", None]
        assert running.ask("/v1/corrections/undo", {"id": 1}).status == 204
        page = shown(running, "/today?since=&until=&topic=mine_action")
        assert [buttons(found) for found in page.xpath("//li[@data-paragraph]")] == [{"mine_action": "true"}] * 2


def test_what_only_a_lower_least_score_finds_is_not_shown_as_assigned(served: Service) -> None:
    page = shown(served, "/today?since=&until=&topic=peace_process&threshold=0.001")
    found = {row.xpath("string(.//p)"): buttons(row) for row in page.xpath("//li[@data-paragraph]")}
    assert found[FIELD.split("\n\n")[0]] == {"mine_action": "true", "peace_process": "false"}
    assert found[PEACE.format(place="capital")] == {"peace_process": "true"}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("99", "article 99 is not in the archive; it may have been removed for its age"),
        ("0", "article: '0' is no number of an article"),
        ("x", "article: 'x' is no number of an article"),
        ("9223372036854775808", "is no number of an article"),
        ("9223372036854775807", "is not in the archive"),
        ("%F0%9F%98%80", "is no number of an article"),
    ],
)
def test_an_article_that_is_not_there_is_told(served: Service, number: str, said: str) -> None:
    reply = served.ask(f"/article/{number}")
    assert (reply.status, said in reply.json()["detail"]) == (404, True)


def test_an_article_that_another_model_labelled_is_shown_without_explanations(tmp_path: Path) -> None:
    model = tmp_path / "model"
    make_model(model / "champion.safetensors")
    path = fill(model, tmp_path / "archive.sqlite3")
    make_model(model / "champion.safetensors", run_id="run-two", turn=1)
    with serving(model, tmp_path, "--archive", str(path)) as running:
        page = running.ask("/article/1").body.decode()
        if "Labelled by model <code>run-one</code>" in page:  # else it was labelled anew already
            assert "so scores are not explained" in page
            assert "<caption>" not in page
        running.wait_for("archive: ")
        page = running.ask("/article/1").body.decode()
    assert "Labelled by model <code>run-two</code>" in page
    assert "<caption>" in page


def test_the_timeline_has_a_chart_and_a_table_for_each_topic(served: Service) -> None:
    page = shown(served, "/timeline")
    assert [found.get("aria-label") for found in page.xpath("//svg")] == [
        "Mine action: highest 66.7 % on 2026-03-03; the numbers follow in a table",
        "Peace process: highest 25.0 % on 2026-03-04; the numbers follow in a table",
    ]
    rows = page.xpath("//section[@aria-labelledby='chart-0']//tbody/tr")
    assert [cells(row) for row in rows] == [
        ["2026-03-01", "0", "2", "0.0 % (0.0\u201365.8 %)"],
        ["2026-03-03", "2", "3", "66.7 % (20.8\u201393.9 %)"],
        ["2026-03-04", "2", "8", "25.0 % (7.1\u201359.1 %)"],
    ]
    assert titles(shown(served, rows[1].xpath(".//a/@href")[0])) == ["A field is cleared"]
    outlets = page.xpath("//table[@class='outlets']/tbody/tr")
    assert [cells(row)[:3] for row in outlets] == [
        ["Evening Post", "8", "2 · 25.0 % (7.1\u201359.1 %)"],
        ["Courier", "5", "2 · 40.0 % (11.8\u201376.9 %)"],
    ]
    assert "No topic has more stories in the last two days (3 to 4 March 2026)" in page.text_content()


def test_shares_are_corrected_for_the_errors_of_the_model_that_are_known(
    small_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "models"
    shutil.copytree(small_model, model)
    topics = ("mine_action", "peace_process")
    known = Reference("run-one", topics, {"balanced": {"mine_action": REFERENCE}})
    reference_path(model / "champion.safetensors").write_text(known.as_json(), encoding="utf-8")
    with reading(model, tmp_path) as running:
        page = shown(running, "/timeline")
        assert "corrected" not in shown(running, "/timeline?words=sappers").text_content()
        assert "corrected" not in shown(running, "/timeline?threshold=0.9").text_content()
    estimate = corrected_rate(Tally(3, 2), REFERENCE)
    rows = [cells(row) for row in page.xpath("//section[@aria-labelledby='chart-0']//tbody/tr")]
    ends = f"({100 * estimate.low:.1f}\u2013{100 * estimate.high:.1f} %)"
    assert rows[1] == ["2026-03-03", "2", "3", "66.7 % (20.8\u201393.9 %)", f"{100 * estimate.value:.1f} % {ends}"]
    assert len(page.xpath("//section[@aria-labelledby='chart-1']//tbody/tr[1]/td")) == 3
    total = corrected_rate(Tally(13, 4), REFERENCE)
    (note,) = page.xpath("//section[@aria-labelledby='chart-0']/p[@class='note']")
    assert f"corrected {100 * total.value:.1f} %" in note.text_content()
    assert "adjusted count" in page.text_content()


def test_a_rising_topic_is_told(small_model: Path, tmp_path: Path) -> None:
    many = [
        article(
            f"{day}-{number}",
            f"{subject} {day} {number} {'y' * (3 * day + number + 3)} {'z' * (number + 2)}.",
            f"Day {day}",
            "Courier",
            f"2026-03-{day:02d}",
        )
        for day in range(1, 17)
        for number, subject in enumerate(
            ["Sappers cleared landmines near the village, and demining goes on"] * (4 if day > 14 else 0)
            + ["Lunch was served in the garden, and the orchestra played on"] * 5
        )
    ]
    with reading(small_model, tmp_path, *many) as running:
        page = shown(running, "/timeline")
    told = " ".join(page.xpath("//section[@aria-labelledby='rising']")[0].text_content().split())
    assert re.search("Mine action 8 of 1. stories that began 15 to 16 March 2026, against 0 of", told)
    assert "Peace process" not in told


def test_long_periods_have_at_most_62_bars(small_model: Path, tmp_path: Path) -> None:
    far = [
        article("1", FIELD, "Old", "Courier", "1999-01-01"),
        article("2", ENTRIES[2].article.text, "New", "Courier", "2026-01-01"),
    ]
    with reading(small_model, tmp_path, *far) as running:
        page = shown(running, "/timeline?since=&until=")
        assert len(page.xpath("(//svg)[1]/*")) <= 2 * 62 + 1
        assert "in periods of 160 days" in page.text_content()
        for query in (
            "since=0001-01-01&until=9999-12-31",
            "since=9999-12-31&until=9999-12-31",
            "until=0001-01-01",
        ):
            assert running.ask(f"/timeline?{query}").status == 200


@pytest.mark.parametrize("path", ["/today", "/search", "/timeline", "/views", "/article/1"])
def test_without_an_archive_pages_say_how_to_make_one(service: Service, path: str) -> None:
    page = shown(service, path)
    assert page.xpath("string(//h1)") == "No articles yet"
    assert "topics collect news/ --archive" in page.text_content()
    assert (
        str(service.folder / "archive.sqlite3") in page.text_content() or "archive.sqlite3" in page.text_content()
    )


def test_an_archive_that_cannot_be_read_is_told_in_a_sentence(small_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite3"
    path.write_bytes(b"no database at all, whatever its name says" * 40)
    with serving(small_model, tmp_path, "--archive", str(path)) as running:
        for page in ("/today", "/timeline", "/views", "/article/1", "/view/x.json"):
            reply = running.ask(page)
            assert (reply.status, "cannot use this archive" in reply.json()["detail"]) == (503, True)
        assert running.ask("/").status == 200


HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> {{ 7 * 7 }} </title></style>"


@pytest.fixture(scope="module")
def hostile(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Serve articles whose titles, outlets, addresses, sources and texts attack the page that shows them."""
    text = (
        f"Sappers cleared landmines {HOSTILE} from the field.\n\n{HOSTILE} \x02\x03 Peace talks and a ceasefire."
    )
    addresses = [
        "javascript:alert(1)",
        "data:text/html,x",
        'https://a.example/"onmouseover=alert(1)',
        "//b.example",
        " ",
    ]
    many = [
        article(
            f"{number}{HOSTILE}",
            f"{text} {'w' * number} {number}",
            f"{number} {HOSTILE}",
            HOSTILE,
            "2026-03-01",
            address,
        )
        for number, address in enumerate(addresses)
    ]
    with reading(small_model, tmp_path_factory.mktemp("hostile"), *many) as running:
        body = urlencode({"name": f"A {HOSTILE}", "words": "landmines", "outlet": HOSTILE}).encode()
        kind = "application/x-www-form-urlencoded"
        assert running.ask("/views", body, content_type=kind).status == 200
        yield running


def test_nothing_that_an_article_says_becomes_part_of_a_page(hostile: Service) -> None:
    (view,) = shown(hostile, "/views").xpath("//tbody//th/a/@href")
    query = urlencode({"outlet": HOSTILE, "words": "landmines"})
    for path in ("/today", f"/search?{query}", f"/timeline?outlet={quote(HOSTILE)}", "/article/1", "/views", view):
        page = hostile.ask(path).body.decode()
        assert "<script>alert" not in page
        assert "<img" not in page
        tree = html.fromstring(page)
        assert not [
            name for found in tree.iter() for name in found.attrib if name.startswith("on") or name == "style"
        ]
        for link in tree.xpath("//a/@href"):
            assert link.startswith(("/", "#", "https://a.example/")), link
        assert "{{ 7 * 7 }}" in unescape(page), path
    assert hostile.ask(view).headers["content-type"] == "text/html; charset=utf-8"


def test_feeds_and_json_of_hostile_articles_are_well_formed(hostile: Service) -> None:
    (view,) = shown(hostile, "/views").xpath("//tbody//th/a/@href")
    rows = hostile.ask(f"{view}.json").json()["stories"]
    assert {row["address"] for story in rows for row in story["articles"]} <= {
        None,
        'https://a.example/"onmouseover=alert(1)',
    }
    feed = hostile.ask(f"{view}/atom")
    tree = html.etree.fromstring(feed.body)
    links = tree.xpath("//a:entry/a:link/@href", namespaces={"a": "http://www.w3.org/2005/Atom"})
    assert [link for link in links if not link.startswith("https://")] == []


def test_no_query_makes_the_pages_fail(hostile: Service) -> None:
    rng = random.Random(20260301)
    pieces = [
        "",
        "2026-03-01",
        "0001-01-01",
        "9999-12-31",
        "mine_action",
        "1",
        "0.5",
        "-1",
        "1e400",
        "nan",
        '"',
        "*",
        "a*",
    ]
    pieces += [
        "NEAR(a b)",
        "a OR b",
        "text:a",
        "^a",
        "{a b}",
        "\x00",
        "\ufffd",
        "\U0001f600",
        "'; DROP TABLE views;--",
    ]
    pieces += [
        HOSTILE,
        "%",
        "_",
        "\u0130",
        "a" * 300,
        "\uff19",
        "\u0661",
        "2026-03-01\n",
        " ",
        "\uff11999-01-01",
        "\u202e",
    ]
    statuses = set[int]()
    for _ in range(400):
        path = rng.choice(["/today", "/search", "/timeline", "/views"])
        query = [
            (rng.choice([*FIELDS, "x"]), "".join(rng.choices(pieces, k=rng.randint(1, 2))))
            for _ in range(rng.randint(0, 4))
        ]
        reply = hostile.ask(f"{path}?{urlencode(query)}", accept="text/html")
        assert reply.status in (200, 422), (path, query, reply.body)
        assert b"<script>alert" not in reply.body
        statuses.add(reply.status)
    assert statuses == {200, 422}
    for raw in (
        "%",
        "%zz",
        "%ff%fe",
        "words=%ed%a0%80",
        "&&==&",
        ";",
        "words=a&words=b",
        "since=%00",
        "page=%2B1",
    ):
        assert hostile.ask(f"/search?{raw}").status in (200, 422), raw
