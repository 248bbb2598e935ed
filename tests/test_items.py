import pytest

from pipeline.text.items import item_starts


@pytest.mark.parametrize(
    "items",
    [
        *([f"{bullet} Clear the bank", f"{bullet} Build a bridge"] for bullet in "-*+•–—·▪●◦‣►→✓・"),
        ["•Clear the bank", "•Build a bridge"],
        ["-\tClear the bank", "-\tBuild a bridge"],
        ["1. Clear the bank", "2. Build a bridge"],
        ["1) Clear the bank", "2) Build a bridge"],
        ["(1) Clear the bank", "(2) Build a bridge"],
        ["[1] Clear the bank", "[2] Build a bridge"],
        ["1.1. Clear the bank", "1.2. Build a bridge"],
        ["a. Clear the bank", "b. Build a bridge"],
        ["(a) Clear the bank", "(b) Build a bridge"],
        ["i. Clear the bank", "ii. Build a bridge", "iii. Open it"],
        ["а) Очистить берег", "б) Построить мост"],
        ["١. تنظيف الضفة", "٢. بناء جسر"],
        ["一、清除地雷", "二、建桥"],
        ["① 清除地雷", "② 建桥"],
        ["Q: Have they begun", "A: They have"],
        ["Q. Have they begun", "A. They have"],
        ["Speaker 1: Have they begun", "Speaker 2: They have"],
        ["MODERATOR: Have they begun", "DR. O'NEIL (via translator): They have"],
        ["Ludwig van Beethoven: Have they begun", "Minister: They have"],
        ["Вопрос: Начали ли", "Ответ: Да"],
        ["记者：开始了吗", "部长：开始了"],
        ["س: هل بدأ", "ج: نعم"],
    ],
)
def test_each_line_of_a_list_or_an_interview_starts_an_item(items: list[str]) -> None:
    assert item_starts(items, [True] + [False] * (len(items) - 1)) == set(range(len(items)))


@pytest.mark.parametrize(
    "line",
    [
        "Clear the bank",
        "--",
        "-- Clear",
        "-5 degrees",
        "*clear* the bank",
        "1990. Nobody knows",
        "3-1 before a crowd",
        "1.5 million people",
        "10:30 in the morning",
        "https://bank.example",
        "he said: we go on",
        "a bank",
        "",
    ],
)
def test_other_lines_start_none(line: str) -> None:
    assert item_starts([line, line], [True, True]) == set()


@pytest.mark.parametrize(
    ("lines", "loose", "expected"),
    [
        (["The plan", "- Clear", "- Build"], [True, False, True], {1, 2}),
        (["in May", "5. The bridge", "is shut"], [True, False, False], set()),
        (["It ended.", "5. Mai is a day", "of rest"], [True, True, False], set()),
        (["They said", "– he among them –", "no."], [True, False, False], set()),
        (["He left.", "– No, she said", "and went."], [True, True, False], {1}),
        (["He left.", "– No, she said", "– and so –", "– he went"], [True, True, False, False], {1}),
        (["told", "Reuters: go", "and", "Note: this"], [True, False, False, True], set()),
        (["It ended.", "Smith: Go on", "now.", "Jones: No"], [True, True, False, True], {1, 3}),
    ],
)
def test_what_prose_can_have_by_chance_counts_where_the_line_before_leaves_off(
    lines: list[str], loose: list[bool], expected: set[int]
) -> None:
    assert item_starts(lines, loose) == expected
