import random

import pytest

from pipeline.text.paragraphs import is_fragment, split

WRAPPED = """The council met on Monday and spoke for two hours about the
bridge over the river, which has been shut since the spring
floods carried away one of its piers.
Nobody voted.
The next meeting is in June, when the engineers will have told
the members what a new pier costs and how long it takes."""


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t\r\n ", []),
        ("One.", ["One."]),
        ("  One.  \n\n\n  Two.\n", ["One.", "Two."]),
        ("One.\r\n\r\nTwo.", ["One.", "Two."]),
        ("One.\r\rTwo.", ["One.", "Two."]),
        ("One.\n \t\nTwo.", ["One.", "Two."]),
        ("One.\u2029Two.", ["One.", "Two."]),
        ("One.\fTwo.", ["One.", "Two."]),
        (
            "First paragraph ends.\nSecond paragraph ends.\nThird one.",
            ["First paragraph ends.", "Second paragraph ends.", "Third one."],
        ),
        ("One.\u00a0\n\n\u3000Two.", ["One.", "Two."]),
    ],
)
def test_blank_lines_and_single_newlines(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_hard_wrapped_block_is_joined_and_parted_after_a_short_line() -> None:
    found = pieces(WRAPPED)
    assert len(found) in (2, 3)
    assert found[0].startswith("The council met")
    assert "spring\nfloods carried away" in found[0]
    assert found[-1].startswith("The next meeting")
    assert found[-1].endswith("takes.")


def test_an_indented_line_starts_a_paragraph_in_a_wrapped_block() -> None:
    text = "The first paragraph goes on over\nthe line and then over another\none and ends.\n"
    text += "   The second one is indented and\ngoes on as well."
    assert [piece.split()[1] for piece in pieces(text)] == ["first", "second"]


def test_long_lines_are_a_paragraph_each_even_without_a_full_stop() -> None:
    line = "word " * 40
    assert len(pieces(f"{line}\n{line}\n{line}")) == 3


def test_offsets_are_exact_ordered_and_lose_no_character() -> None:
    chance = random.Random(11)
    alphabet = [
        "word",
        "Two.",
        " ",
        "\n",
        "\n\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u2028",
        "\U0001f600",
        "e\u0301",
        "\x85",
        "?",
    ]
    for _ in range(300):
        text = "".join(chance.choices(alphabet, k=chance.randrange(60)))
        spans = split(text)
        end = 0
        for start, stop in spans:
            assert end <= start < stop <= len(text)
            assert text[start:stop] == text[start:stop].strip()
            assert not text[end:start].strip()
            end = stop
        assert not text[end:].strip()


def test_time_grows_with_the_text_not_with_its_square() -> None:
    assert len(split("x\n\n" * 100_000)) == 100_000
    assert split("\n" * 500_000) == []
    assert len(split(" " * 500_000 + "x" + "\t" * 500_000)) == 1


def test_a_fragment_has_fewer_than_twelve_words() -> None:
    assert is_fragment("BAKU, Azerbaijan, January 22")
    assert is_fragment("one two three four five six seven eight nine ten eleven")
    assert not is_fragment("one two three four five six seven eight nine ten eleven twelve")
    assert is_fragment("")
