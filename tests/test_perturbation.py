import pytest

from pipeline.evaluation.perturbation import Perturbation, mask, perturbed, phrase_index

LONG = "the most heavily mined of all the lands that lie beside the sea"
PHRASES = phrase_index(["Mine action", "mine", "COP-29", "Baku to Belém", LONG])


def test_swap_puts_another_of_the_values_for_each_and_keeps_the_rest() -> None:
    change = Perturbation("countries", "swap", ("Peru", "Chile", "Mali"))
    text = "Peru and Chile met; Peruvian wool was sold."
    changed = perturbed(text, change)
    first, second = changed.split(" and ")[0], changed.split(" and ")[1].split(" met")[0]
    assert {first, second} <= {"Peru", "Chile", "Mali"}
    assert first != "Peru"
    assert second != "Chile"
    assert changed.endswith(" met; Peruvian wool was sold.")


def test_swap_is_the_same_every_time() -> None:
    change = Perturbation("countries", "swap", ("Peru", "Chile", "Mali"), r"\b[A-Z]\w+")
    assert perturbed("Peru beat Oslo.", change) == "Mali beat Peru."


def test_swap_with_a_pattern_changes_only_its_group() -> None:
    change = Perturbation("persons", "swap", ("Ana Lima", "Bo Ek"), r"\bMrs? ([A-Z]\w+) left")
    swapped = perturbed("Now Mr Smith left Smith's.", change)
    assert swapped in ("Now Mr Ana Lima left Smith's.", "Now Mr Bo Ek left Smith's.")


def test_swap_with_a_pattern_without_a_group_changes_all_that_it_finds() -> None:
    change = Perturbation("numbers", "swap", ("two", "three"), r"\bt\w+\b")
    assert perturbed("the two", change) in ("two three", "three three")


def test_longer_values_are_found_before_shorter_ones() -> None:
    change = Perturbation("places", "swap", ("Guinea", "Guinea-Bissau"))
    assert perturbed("Guinea-Bissau", change) == "Guinea"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"It\'s over," he said ("at last").', "\u201cIt\u2019s over,\u201d he said (\u201cat last\u201d)."),
        ("\u201cIt\u2019s over.\u201d", '"It\'s over."'),
        ("No quotation.", "No quotation."),
    ],
)
def test_quotes_go_both_ways(text: str, expected: str) -> None:
    assert perturbed(text, Perturbation("quotes", "quotes")) == expected


def test_prefix_and_capitals() -> None:
    assert perturbed("Rain.", Perturbation("datelines", "prefix", ("OSLO - ",))) == "OSLO - Rain."
    assert perturbed("Rain.", Perturbation("capitals", "upper")) == "RAIN."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On MINE-ACTION funds.", "On \u2014 funds."),
        ("A mine, two mines.", "A \u2014, two mines."),
        ("At COP 29 and Cop-29!", "At \u2014 and \u2014!"),
        ("The road from Baku to Belem.", "The road from \u2014."),
        ("From Baku to Oslo.", "From Baku to Oslo."),
        (f"This is {LONG}.", "This is \u2014."),
        ("Mine.", "\u2014."),
        ("", ""),
    ],
)
def test_masked_phrases_vanish_however_they_are_written(text: str, expected: str) -> None:
    assert mask(text, PHRASES) == expected


def test_an_empty_phrase_masks_nothing() -> None:
    assert mask("A b.", phrase_index(["", "--"])) == "A b."
