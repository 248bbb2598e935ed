import pytest

from pipeline.data.readers.blocks import Block, joined, walk, without_repeats
from pipeline.data.readers.html import parsed

SENTENCE = "Clearance teams removed four hundred mines from farmland last year, officials said."


def blocks(body: str) -> list[Block]:
    return walk(parsed(f"<html><body>{body}</body></html>")[0]).blocks


def texts(body: str) -> list[str]:
    return [block.text for block in blocks(body)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "<p>The <b>cyber</b><i>attack</i> on <a href=x>the hospital</a>.</p>",
            ["The cyberattack on the hospital."],
        ),
        ("<p>said the agency<sup>1</sup>, twice<sup>[2]</sup></p>", ["said the agency, twice"]),
        ("<p>3 km<sup>2</sup> of CO<sub>2</sub>, the 1<sup>st</sup></p>", ["3 km2 of CO2, the 1st"]),
        ("<p>De&shy;min&shy;ing, peace&#8203;talks&nbsp;too\n\n  today</p>", ["Demining, peace talks too today"]),
        ("a<br>b<br><br>c<p>d</p>e<hr>f", ["a", "b", "c", "d", "e", "f"]),
        ("<table><tr><th>Year<th>Mines<tr><td>2019<td>312</table>", ["Year, Mines", "2019, 312"]),
        (f"<table><tr><td>North<td>{SENTENCE}</table>", ["North", SENTENCE]),
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", ["a, b", "c"]),
        ("<p>a<script>b</script>c<style>d</style>e<textarea>f</textarea></p>", ["ace"]),
        ("<p>a</p><p style='color: red; display: none'>b</p><p>08:00</p><p>\ufffd\ufffd</p>", ["a"]),
        ("<pre>a  b\n\n c\n</pre>", ["a b", "c"]),
        ("<ul><li>a<ul><li>b</ul><li>c</ul><dl><dt>d<dd>e</dl>", ["a", "b", "c", "d", "e"]),
        ("<bsp-page>a <bsp-text>b</bsp-text></bsp-page>", ["a b"]),
        ("", []),
    ],
)
def test_blocks_are_what_a_browser_shows(body: str, expected: list[str]) -> None:
    assert texts(body) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<nav>a</nav>", "chrome"),
        ("<div role=navigation>a</div>", "chrome"),
        ("<header><div>a</div></header>", "chrome"),
        ("<article><header>a</header></article>", None),
        ("<aside>a</aside>", "box"),
        ("<main><aside>a</aside></main>", None),
        ("<div class='x comment-list'>a</div>", "named"),
        ("<div id=disqus_thread>a</div>", "named"),
        ("<div class=comment-entry>a</div>", None),
        ("<p class=share>a</p>", None),
        ("<div class=navy>a</div>", None),
        ("<div id=cookie-banner><p>a</p></div>", "consent"),
        ("<div class=sidebar><nav>a</nav></div>", "chrome"),
    ],
)
def test_a_block_knows_the_region_it_stands_in(body: str, kind: str | None) -> None:
    (block,) = blocks(body)
    assert (block.region and block.region.kind) == kind


def test_blocks_of_one_part_of_the_template_share_their_place() -> None:
    body = (
        "<div class='post post-1'><h2>a</h2><p>b</p></div><div class='post odd'><ul><li>c</ul></div><div>d</div>"
    )
    first, second, third, fourth = (block.place for block in blocks(body))
    assert first == second == third != fourth


@pytest.mark.parametrize(
    ("body", "prose"),
    [
        (f"<p>{SENTENCE}</p>", True),
        (f"<h2>{SENTENCE}</h2>", False),
        (f"<p><a href=x>{SENTENCE}</a></p>", False),
        (f"<p><a name=x>{SENTENCE}</a></p>", True),
        (f"<p><time>{SENTENCE}</time></p>", False),
        (f"<p>&copy; 2012 {SENTENCE}</p>", False),
        ("<p>COP29 ended in Baku.</p>", False),
        ("<p>国防部表示工兵今年春天清理了河边的雷区居民可以返回</p>", True),
    ],
)
def test_prose_is_told_from_labels(body: str, *, prose: bool) -> None:
    (block,) = blocks(body)
    assert block.is_prose is prose


def test_only_lines_wrapped_at_a_width_stay_neighbours() -> None:
    wrapped = "aaaa bbbb<br>cccc dddd<br>eeee"
    assert joined(blocks(f"{wrapped}<p>Head<br>{SENTENCE}<br><br>f")) == (
        f"aaaa bbbb\ncccc dddd\neeee\n\nHead\n\n{SENTENCE}\n\nf"
    )


def test_repeats_in_a_row_are_one() -> None:
    assert [block.text for block in without_repeats(blocks("<p>a<p>a<p>b<p>a"))] == ["a", "b", "a"]
