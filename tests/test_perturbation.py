import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.evaluation.perturbation import Perturbation, mask, perturbed, phrase_index

ROOT = Path(__file__).parents[1]
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
    "text",
    [
        "On 3 March and on March 30, 2021, it began.",
        "From 3 to 5 June, and on the 3rd of June.",
        "The 21st round, on 1-4 Sept. 2019.",
        "It opens at 7 p.m., or at 10:30.",
        "At COP 29, 1 of 3 left.",
        "Some 100% and 150 per cent.",
        "Between 40 and 50 died; 2-1 was the score.",
        "A 3-year-old, an F16, 24/7.",
        "12. In 1994.",
        "Version 1.2.3, 0 or 1.",
    ],
)
def test_numbers_keeps_what_would_make_no_sense_with_another_number(text: str) -> None:
    assert perturbed(text, Perturbation("numbers", "numbers")) == text


@pytest.mark.parametrize("text", ["In March 310 died.", "He sold 62,000 tonnes.", "It grew by 4.5%.", "7 came."])
def test_numbers_writes_quantities_with_as_many_other_digits(text: str) -> None:
    changed = perturbed(text, Perturbation("numbers", "numbers"))
    assert changed != text
    assert re.sub("[1-9]", "1", changed) == re.sub("[1-9]", "1", text)
    assert perturbed(text, Perturbation("numbers", "numbers")) == changed


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("From 2014 to 2019, and in 2019-2021.", True),
        ("On 29 February 2020 and February 29, 2016.", False),
        ("The 2024-25 season, the 1990s, Agenda-2030.", False),
    ],
)
def test_years_move_together_and_back(text: str, *, kept: bool) -> None:
    changed = perturbed(text, Perturbation("years", "years"))
    before, after = (list(map(int, re.findall(r"\d{4}", found))) for found in (text, changed))
    moves = {old - new for old, new in zip(before, after, strict=True)}
    assert len(moves) == 1
    assert (0 < moves.pop() <= 9) == kept
    assert re.sub(r"\d{4}", "", changed) == re.sub(r"\d{4}", "", text)


def test_a_month_never_gets_a_day_that_it_does_not_have() -> None:
    rules = (ROOT / "data/behaviour/invariance.jsonl").read_text(encoding="utf-8").splitlines()
    change = next(Perturbation(**rule) for rule in map(json.loads, rules) if rule["name"] == "months")
    change = replace(change, values=tuple(change.values))
    for date in ("31 January", "30 April", "29 June", "January 31", "August 30"):
        assert perturbed(f"It was on {date}.", change) == f"It was on {date}."
    assert perturbed("It was on 28 January.", change) != "It was on 28 January."


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
