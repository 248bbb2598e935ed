from collections.abc import Callable
from typing import Any

import pytest
import support

from pipeline.errors import GateError
from pipeline.steps.promote import Promotion, as_frame, promote, promotions, rollback
from pipeline.tracking import CHAMPION, REFERENCE, ModelVersion, Tracker

pytestmark = pytest.mark.usefixtures("embedded")


@pytest.fixture
def made(tracked: Callable[..., support.Experiment]) -> support.Experiment:
    return tracked()


@pytest.fixture
def tracker(made: support.Experiment) -> Tracker:
    """Give a store with three versions of the model, whose runs hold bundles that say which they are."""
    tracker = Tracker(made.config.tracking, made.output)
    tracker.client.create_registered_model("tests")
    for number in ("1", "2", "3"):
        with tracker.run() as run_id:
            tracker.log(texts={"bundle/model.safetensors": f"bundle {number}"})
        tracker.client.create_model_version("tests", f"runs:/{run_id}/bundle", run_id=run_id)
    return tracker


def counting(tracker: Tracker) -> list[tuple[str, str, bool]]:
    return [(entry.before, entry.after, entry.counts) for entry in promotions(tracker)]


def champion(tracker: Tracker) -> str | None:
    found = tracker.find(CHAMPION)
    return found.number if found else None


def promoted(tracker: Tracker, number: str, *, replacing: ModelVersion | None) -> Promotion:
    return promote(tracker, tracker.version(number), replacing=replacing, reason="passed: day macro_f1 >= 0.5")


def test_a_promotion_sets_the_alias_and_stands_in_the_history(tracker: Tracker) -> None:
    made = promoted(tracker, "1", replacing=None)
    assert (made.number, made.before, made.after, made.counts) == (1, "", "1", True)
    assert made.run_id == tracker.version("1").run_id
    assert made.reason == "passed: day macro_f1 >= 0.5"
    assert "@" in made.by
    assert (champion(tracker), promotions(tracker)) == ("1", [made])


def test_a_promotion_against_a_champion_of_before_is_refused_and_says_who_came_first(tracker: Tracker) -> None:
    promoted(tracker, "1", replacing=None)
    first = tracker.version("1")
    promoted(tracker, "2", replacing=first)
    with pytest.raises(
        GateError, match=r"version 3 was compared with version 1, but .+@.+ has promoted version 2 meanwhile"
    ):
        promoted(tracker, "3", replacing=first)
    assert champion(tracker) == "2"
    assert counting(tracker) == [("", "1", True), ("1", "2", True), ("1", "3", False)]
    assert promoted(tracker, "3", replacing=tracker.version("2")).counts


def test_a_champion_of_before_the_history_is_where_it_begins(tracker: Tracker) -> None:
    tracker.set_alias(CHAMPION, tracker.version("2"))
    assert promoted(tracker, "3", replacing=tracker.version("2")).counts


def test_a_promotion_cut_short_is_completed_by_the_next_command(tracker: Tracker) -> None:
    promoted(tracker, "1", replacing=None)
    cut = {"before": "1", "after": "2", "run_id": tracker.version("2").run_id, "by": "a@b", "reason": "cut short"}
    tracker.log_promotion(cut)
    assert champion(tracker) == "1"
    with pytest.raises(GateError, match="a@b has promoted version 2"):
        promoted(tracker, "3", replacing=tracker.version("1"))
    assert champion(tracker) == "2"


def test_an_alias_set_by_hand_is_noted_and_stays(tracker: Tracker) -> None:
    promoted(tracker, "1", replacing=None)
    tracker.set_alias(CHAMPION, tracker.version("3"))
    promoted(tracker, "2", replacing=tracker.version("3"))
    assert counting(tracker) == [("", "1", True), ("1", "3", True), ("3", "2", True)]
    by_hand = promotions(tracker)[1]
    assert (by_hand.by, by_hand.reason) == ("unknown", "alias set in the tracking store, without a gate")


def test_an_alias_taken_away_by_hand_leaves_no_champion_to_replace(tracker: Tracker) -> None:
    promoted(tracker, "1", replacing=None)
    tracker.client.delete_registered_model_alias("tests", CHAMPION)
    assert promoted(tracker, "2", replacing=None).counts
    assert counting(tracker) == [("", "1", True), ("1", "", True), ("", "2", True)]


def test_a_rollback_returns_to_the_champion_before_in_store_and_folder(
    tracker: Tracker, made: support.Experiment
) -> None:
    promoted(tracker, "1", replacing=None)
    promoted(tracker, "2", replacing=tracker.version("1"))
    back = rollback(made.config)
    assert (back.before, back.after, back.reason) == ("2", "1", "rollback of version 2")
    assert champion(tracker) == "1"
    assert (made.output / "champion.safetensors").read_text() == "bundle 1"


def test_a_rollback_brings_the_reference_of_that_champion_or_takes_anothers_away(
    tracker: Tracker, made: support.Experiment
) -> None:
    beside = made.output / "champion.reference.json"
    with tracker.run(tracker.version("2").run_id):
        tracker.log(texts={REFERENCE: "reference 2"})
    for number, before in (("1", None), ("2", "1"), ("3", "2")):
        promoted(tracker, number, replacing=tracker.version(before) if before else None)
    beside.write_text("reference 3")
    rollback(made.config)
    assert beside.read_text() == "reference 2"
    with tracker.run(tracker.version("3").run_id):
        tracker.log(texts={REFERENCE: "reference 3"})
    promoted(tracker, "1", replacing=tracker.version("2"))
    promoted(tracker, "3", replacing=tracker.version("1"))
    assert rollback(made.config).after == "1"
    assert not beside.exists()


@pytest.mark.parametrize("first", [None, "1"])
def test_a_rollback_without_a_predecessor_is_refused(
    tracker: Tracker, made: support.Experiment, first: str | None
) -> None:
    if first:
        promoted(tracker, first, replacing=None)
    with pytest.raises(GateError, match="no promotion has replaced a champion"):
        rollback(made.config)
    assert champion(tracker) == first
    assert not (made.output / "champion.safetensors").exists()


def test_the_history_as_a_table_says_which_promotions_counted(tracker: Tracker) -> None:
    promoted(tracker, "1", replacing=None)
    with pytest.raises(GateError):
        promoted(tracker, "2", replacing=None)
    table = as_frame(promotions(tracker))
    shown: Any = table[["from", "to", "gate", "result"]].to_numpy().tolist()
    gate = "passed: day macro_f1 >= 0.5"
    assert shown == [["-", "1", gate, "promoted"], ["-", "2", gate, "another came first"]]
