import pytest

from pipeline.data.readers.layout import Line, paragraphs, without_running_heads

LETTER = 5.0


def page(text: str, *, left: float = 60, top: float = 60, pitch: float = 14, size: float = 11) -> list[Line]:
    """Set a text line by line: a leading space is a letter's indent, an empty line half a line's distance."""
    lines, y = [], top
    for row in text.strip("\n").split("\n"):
        if not row.strip():
            y += pitch / 2
            continue
        start = left + LETTER * (len(row) - len(row.lstrip()))
        bold = row.strip().startswith("**")
        shown = row.strip().strip("*") if bold else row.strip()
        lines.append(Line(shown, start, start + LETTER * len(shown), y, size, bold))
        y += pitch
    return lines


SPACED = """
The ministry said sappers had cleared forty
hectares of mined land near the river.

Hackers encrypted the hospital's servers over
night and asked for a ransom.
"""
WHOLE = [
    "The ministry said sappers had cleared forty hectares of mined land near the river.",
    "Hackers encrypted the hospital's servers over night and asked for a ransom.",
]
INDENTED = """
   The ministry said sappers had cleared forty
hectares of mined land near the river.
   Hackers encrypted the hospital's servers over
night and asked for a ransom.
"""
SHORT_ENDS = """
The ministry said sappers had cleared forty
hectares of mined land.
Hackers encrypted the hospital's servers over
night and asked for a ransom.
"""


@pytest.mark.parametrize("pitch", [11, 14, 16.5, 22, 28])
@pytest.mark.parametrize("size", [9, 11, 12])
def test_blank_space_separates_paragraphs_at_any_line_spacing(pitch: float, size: float) -> None:
    assert paragraphs([page(SPACED, pitch=pitch, size=size)]) == WHOLE


@pytest.mark.parametrize("pitch", [12, 22])
def test_an_indented_line_starts_a_paragraph(pitch: float) -> None:
    assert paragraphs([page(INDENTED, pitch=pitch)]) == WHOLE


def test_a_line_with_room_for_the_next_word_ends_a_paragraph() -> None:
    assert paragraphs([page(SHORT_ENDS)]) == [
        "The ministry said sappers had cleared forty hectares of mined land.",
        WHOLE[1],
    ]


def test_ragged_lines_in_the_middle_of_a_sentence_are_one_paragraph() -> None:
    text = "The ministry said\nsappers had cleared forty hectares\nof mined land near\nthe river this spring."
    assert paragraphs([page(text)]) == [
        "The ministry said sappers had cleared forty hectares of mined land near the river this spring."
    ]


def test_a_full_line_that_ends_a_sentence_does_not_end_its_paragraph() -> None:
    text = "The sappers cleared forty hectares of land.\nOfficials said the work would go on through\nthe summer."
    assert len(paragraphs([page(text)])) == 1


def test_one_line_paragraphs_with_first_lines_indented() -> None:
    text = """
Officials in both towns said the work would
go on.
   The school reopened on Monday in the town.
   The bridge was closed for a week in spring,
and traffic went round by the north road.
"""
    assert paragraphs([page(text)])[1:] == [
        "The school reopened on Monday in the town.",
        "The bridge was closed for a week in spring, and traffic went round by the north road.",
    ]


def test_hanging_indents_are_one_paragraph_each() -> None:
    text = """
Aliyeva, L. The demining of the river banks.
    Baku: Institute of Geography and the
    River Commission.
Smith, J. Landmines in the south of the area.
    Geneva: Press of the University and the
    Red Cross.
"""
    assert paragraphs([page(text)]) == [
        "Aliyeva, L. The demining of the river banks. Baku: Institute of Geography and the River Commission.",
        "Smith, J. Landmines in the south of the area. Geneva: Press of the University and the Red Cross.",
    ]


@pytest.mark.parametrize(
    "heading",
    [
        Line("Clearance", 60, 110, 40, 16),
        Line("Clearance", 60, 110, 46, 11, bold=True),
        Line("Clearance", 60, 110, 46, 11),
    ],
    ids=["larger", "bold", "short"],
)
def test_a_heading_is_a_paragraph_of_its_own(heading: Line) -> None:
    assert paragraphs([[heading, *page(SPACED)]]) == ["Clearance", *WHOLE]


def test_a_heading_of_two_centred_lines_is_one_paragraph() -> None:
    heading = page("Sappers clear the banks of the river\n       and two villages", top=20, size=16, pitch=18)
    assert (
        paragraphs([heading + page(SPACED, top=80)])[0] == "Sappers clear the banks of the river and two villages"
    )


@pytest.mark.parametrize("marks", ["••", "12", "ab"])
def test_list_items_are_a_paragraph_each(marks: str) -> None:
    first, second = (mark if mark == "•" else f"{mark}." for mark in marks)
    text = f"""
The two sides agreed on the following points:
{first} Mines are to be cleared from the fields on
   both banks by the summer.
{second} Families return to the villages.
"""
    assert paragraphs([page(text)]) == [
        "The two sides agreed on the following points:",
        f"{first} Mines are to be cleared from the fields on both banks by the summer.",
        f"{second} Families return to the villages.",
    ]


def test_a_bullet_far_before_its_text_is_its_items() -> None:
    item = page("Mines are cleared from the fields.", left=120)
    assert paragraphs([[Line("•", 60, 64, 60, 11), *item]]) == ["• Mines are cleared from the fields."]


LEFT = """
The ministry said sappers had
cleared forty hectares of land
near the river, and families
could return to two villages.

Hackers encrypted the servers
of the hospital overnight and
asked for a ransom, and the
"""
RIGHT = """
agency answered on Monday in
a short statement.

The museum opened a new hall
with carpets from villages, and
the director thanked weavers
for the work they had lent.
"""
COLUMNS = [
    "The ministry said sappers had cleared forty hectares of land near the river, and families could return to "
    "two villages.",
    "Hackers encrypted the servers of the hospital overnight and asked for a ransom, and the agency answered on "
    "Monday in a short statement.",
    "The museum opened a new hall with carpets from villages, and the director thanked weavers for the work they "
    "had lent.",
]


def test_columns_are_read_one_after_the_other_whatever_the_order_of_their_lines() -> None:
    both = page(LEFT) + page(RIGHT, left=240)
    (lines,) = without_running_heads([sorted(both, key=lambda line: (line.y, line.left))])
    assert paragraphs([lines]) == COLUMNS


def test_three_columns() -> None:
    third = page(LEFT, left=420)
    (lines,) = without_running_heads([page(LEFT) + page(RIGHT, left=240) + third])
    found = paragraphs([lines])
    assert found[:3] == COLUMNS
    assert found[3] == COLUMNS[0]


def test_a_title_over_two_columns_comes_first() -> None:
    title = Line("A title that is wider than either of the two columns below it", 60, 380, 30, 16)
    assert paragraphs([[title, *sorted(page(LEFT) + page(RIGHT, left=240), key=lambda line: line.y)]]) == [
        title.text,
        *COLUMNS,
    ]


def test_the_last_page_may_have_one_line_in_its_last_column() -> None:
    full = sorted(page(LEFT) + page(RIGHT, left=240), key=lambda line: line.y)
    last = sorted(page(LEFT) + page("agency said nothing.", left=240), key=lambda line: line.y)
    assert paragraphs([full, full, last])[-1].endswith("asked for a ransom, and the agency said nothing.")


def test_the_cells_of_a_table_are_read_row_by_row() -> None:
    rows = [
        Line(text, 60 + 150 * column, 60 + 150 * column + 5 * len(text), 60 + 14 * row, 11)
        for row in range(6)
        for column, text in enumerate((f"Region {row}", "1,204", "rose"))
    ]
    (found,) = paragraphs([rows])
    assert found.startswith("Region 0 1,204 rose Region 1 1,204 rose")


def test_a_paragraph_goes_on_over_a_page_and_its_note_follows() -> None:
    before = page("The ministry said sappers had cleared forty1\nhectares of mined land near the river, and")
    note = [Line("1 Figures of the ministry for the spring.", 60, 260, 700, 8)]
    after = page("families could return.\n\n" + SPACED.strip())
    assert paragraphs([before + note, after]) == [
        "The ministry said sappers had cleared forty1 hectares of mined land near the river, and families could "
        "return.",
        "1 Figures of the ministry for the spring.",
        *WHOLE,
    ]


def test_an_indented_line_at_the_top_of_a_page_starts_a_paragraph() -> None:
    assert paragraphs([page(INDENTED), page(INDENTED)]) == [*WHOLE, *WHOLE]


def test_a_list_item_goes_on_over_a_page() -> None:
    first = page("The sides agreed on the following points:\n• Mines are to be cleared from the fields on")
    second = page("   both banks by the summer.\n• Families return to the villages.")
    assert paragraphs([first, second])[1:] == [
        "• Mines are to be cleared from the fields on both banks by the summer.",
        "• Families return to the villages.",
    ]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("the long clear-", "ance of the land", "the long clearance of the land"),
        ("приграничной зем-", "ли вдоль реки", "приграничной земли вдоль реки"),
        ("στην περιο-", "χή του ποταμού", "στην περιοχή του ποταμού"),
        ("ərazinin təmizlən-", "məsi", "ərazinin təmizlənməsi"),
        ("the clear\u00ad", "ance", "the clearance"),
        ("the clear\u2010", "ance", "the clearance"),
        ("the well-", "known expert", "the well-known expert"),
        ("in Nagorno-", "Karabakh", "in Nagorno-Karabakh"),
        ("at COP-", "29 in Baku", "at COP-29 in Baku"),
        ("a state-of-the-", "art device", "a state-of-the-art device"),
        ("the soft\u00adware", "was sold", "the software was sold"),
        ("地雷が川の近く", "で見つかった", "地雷が川の近くで見つかった"),
        ("지뢰를 제거", "했다고 밝혔다", "지뢰를 제거 했다고 밝혔다"),
    ],
)
def test_words_are_joined_at_line_ends(first: str, second: str, joined: str) -> None:
    assert paragraphs([page(f"{first}\n{second}")]) == [joined]


def test_a_hyphen_stays_in_a_word_that_the_document_hyphenates_elsewhere() -> None:
    text = "the peace-keeping forces of the peace-\nkeeping mission in the clear-\nance of land"
    assert paragraphs([page(text)]) == [
        "the peace-keeping forces of the peace-keeping mission in the clearance of land"
    ]


def test_a_hyphen_stays_where_lines_hardly_ever_end_in_one() -> None:
    text = "\n".join(["officials in both of the towns said that"] * 60) + "\nlong-\nterm work would go on"
    assert paragraphs([page(text, pitch=10)])[0].endswith("long-term work would go on")


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        [
            Line("Bulletin of the North", 60, 160, 30, 9),
            Line(f"No. {number}", 400, 440, 30, 9),
            *page(SPACED),
            Line(f"- {number} -", 290, 310, 800, 9),
        ]
        for number in (1, 2, 3)
    ]
    assert paragraphs(without_running_heads(pages)) == WHOLE * 3


@pytest.mark.parametrize("number", ["7", "Page 7", "Page 7 of 12", "7/12", "- 7 -", "xii", "стр. 7", "S. 7"])
def test_a_page_number_is_left_out_of_a_single_page(number: str) -> None:
    pages = [[*page(SPACED), Line(number, 290, 310, 800, 9)]]
    assert paragraphs(without_running_heads(pages)) == WHOLE


@pytest.mark.parametrize("heading", ["7 July 2026", "Article 7", "Civil rights", "Figure 7"])
def test_a_heading_with_a_number_is_no_page_number(heading: str) -> None:
    pages = [[Line(heading, 60, 120, 30, 16), *page(SPACED)]]
    assert paragraphs(without_running_heads(pages)) == [heading, *WHOLE]


def test_words_of_a_line_that_are_written_in_any_order() -> None:
    words = [Line("ministry", 79, 119, 60, 11), Line("said.", 122, 147, 60, 11), Line("The", 60, 75, 60, 11)]
    assert paragraphs(without_running_heads([words])) == ["The ministry said."]


def test_text_from_right_to_left_is_indented_at_the_right() -> None:
    lines = [
        Line("שרים חידשו את השיחות בעיר.", 100, 285, 60, 11),
        Line("הם הסכימו על רוב הטיוטה, ועל", 100, 300, 74, 11),
        Line("שני סעיפים.", 240, 300, 88, 11),
        Line("המוזיאון פתח אולם חדש בקיץ.", 100, 285, 102, 11),
        Line("הוא מציג שטיחים.", 200, 300, 116, 11),
    ]
    assert paragraphs(without_running_heads([lines])) == [
        "שרים חידשו את השיחות בעיר. הם הסכימו על רוב הטיוטה, ועל שני סעיפים.",
        "המוזיאון פתח אולם חדש בקיץ. הוא מציג שטיחים.",
    ]


def test_text_that_repeats_on_two_pages_without_being_set_off_stays() -> None:
    assert paragraphs(without_running_heads([page(SPACED), page(SPACED)])) == WHOLE * 2


def test_no_lines_are_no_paragraphs() -> None:
    assert paragraphs(without_running_heads([[], []])) == []


def test_a_distance_ends_a_full_line_that_ends_no_sentence() -> None:
    text = "Sappers clear the banks of the river in May\n\n" + SPACED.strip()
    assert paragraphs([page(text)]) == ["Sappers clear the banks of the river in May", *WHOLE]


def test_a_bold_sentence_of_full_width_is_a_paragraph_of_its_own() -> None:
    text = "**Sappers cleared the banks of the river then.\n" + SPACED.strip()
    assert paragraphs([page(text)])[0] == "Sappers cleared the banks of the river then."


def test_pages_of_different_line_spacing_in_one_document() -> None:
    text = "\n".join(["officials in both of the towns said that"] * 5)
    assert (
        paragraphs([page(f"The {text}.", pitch=12), page(f"The {text}.", pitch=24)])
        == ["The " + " ".join(["officials in both of the towns said that"] * 5) + "."] * 2
    )


def test_a_sentence_that_repeats_at_one_place_is_no_running_head() -> None:
    sentence = "The school in the town reopened on Monday.\n\n"
    found = paragraphs(without_running_heads([page(sentence + SPACED.strip())] * 2))
    assert found.count(sentence.strip()) == 2


@pytest.mark.parametrize(("indent", "count"), [("", 2), ("   ", 3)])
def test_justified_text_goes_on_after_a_full_line_that_ends_a_sentence(indent: str, count: int) -> None:
    full = "Officials said the work would go on all May"
    block = f"   {full[:-3]}\n{full}\n{full}\n{full}\n{full[:-1]}."
    second = f"{indent}{full[: len(full) - len(indent)]}\n{full}\n{full[:-1]}.\n   {full[:-3]}\n{full}\n{full}."
    assert len(paragraphs([page(block), page(second)])) == count


def test_a_new_paragraph_follows_the_last_item_of_a_list() -> None:
    text = """
Both of the sides agreed on the points below:
    1. Mines are cleared from the fields by us.
Officials said that the work would go on now,
and that the school would open in the town.
"""
    assert paragraphs([page(text)])[1:] == [
        "1. Mines are cleared from the fields by us.",
        "Officials said that the work would go on now, and that the school would open in the town.",
    ]
