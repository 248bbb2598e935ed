import pytest

from pipeline.evaluation.masking import mask, phrase_index

PHRASES = phrase_index(["Mine action", "mine", "COP-29", "Baku to Belém"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On MINE-ACTION funds.", "On \u2014 funds."),
        ("A mine, two mines.", "A \u2014, two mines."),
        ("At COP 29 and Cop-29!", "At \u2014 and \u2014!"),
        ("The road from Baku to Belem.", "The road from \u2014."),
        ("From Baku to Oslo.", "From Baku to Oslo."),
        ("", ""),
    ],
)
def test_phrases_vanish_however_they_are_written(text: str, expected: str) -> None:
    assert mask(text, PHRASES) == expected


def test_an_empty_phrase_masks_nothing() -> None:
    assert mask("A b.", phrase_index(["", "--"])) == "A b."
