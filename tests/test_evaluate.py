import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import support

from pipeline.data import corpus
from pipeline.errors import BundleError, ConfigError, TrackingError
from pipeline.model.bundle import load_bundle, save_bundle
from pipeline.steps.evaluate import evaluate_candidate
from pipeline.steps.train import train
from pipeline.tracking import CHAMPION, Tracker

Maker = Callable[..., support.Experiment]
TWO_SETS = {
    "data.test": {"day": {"writers": ["t"]}, "mixed": {"writers": ["u"]}},
    "gate": {"day": {"macro_f1": 0.1}, "mixed": {"macro_f1": 0.1}},
}


def rows() -> list[dict[str, Any]]:
    return [*support.rows(), *support.made_rows(10, prefix="u", writer="u", seed=3)]


def retrained(made: support.Experiment) -> support.Experiment:
    train(made.config, say=lambda line: None, progress=lambda done, total: None)
    return made


def rewritten(made: support.Experiment, data: list[dict[str, Any]], **changes: Any) -> support.Experiment:
    """Write other data or settings into an experiment's folder, beside its models and runs."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return support.write_experiment(made.folder, dotted, data)


def champion(made: support.Experiment) -> str | None:
    found = Tracker(made.config.tracking, made.output).find(CHAMPION)
    return found and found.run_id


def gate_tag(made: support.Experiment) -> str:
    tracker = Tracker(made.config.tracking, made.output)
    return tracker.facts(load_bundle(made.candidate).about["run_id"])[0]["gate"]


def confused(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Call half of the training rows about chess, whatever they say."""
    chance = random.Random(3)
    for row in data:
        if row["writer"] == "a":
            others = [topic for topic in row["topics"] if topic != "chess"]
            row["topics"] = [*others, "chess"] if chance.random() < 0.5 else others
    return data


def test_a_candidate_that_passes_the_gate_is_champion(tracked: Maker) -> None:
    made = retrained(tracked())
    assert not (made.output / "champion.safetensors").exists()
    _, failures = evaluate_candidate(made.config)
    assert failures == []
    assert (made.output / "champion.safetensors").read_bytes() == made.candidate.read_bytes()
    assert champion(made) == load_bundle(made.candidate).about["run_id"]
    assert gate_tag(made) == "passed: day macro_f1 >= 0.5, none_recall >= 0.2"


def test_below_a_floor_the_champion_stays(tracked: Maker) -> None:
    made = retrained(tracked())
    evaluate_candidate(made.config)
    first, content = champion(made), (made.output / "champion.safetensors").read_bytes()
    retrained(rewritten(made, support.rows()[1:], gate={"day": {"macro_f1": 1.0}}))
    report, failures = evaluate_candidate(made.config)
    value = report.headline.model.metrics["macro_f1"].value
    assert failures == [f"day: macro_f1 is {value:.3f}, the gate requires 1.000"]
    assert champion(made) == first != load_bundle(made.candidate).about["run_id"]
    assert (made.output / "champion.safetensors").read_bytes() == content


def test_a_refused_candidate_says_so_where_runs_are_listed_and_leaves_the_card(tracked: Maker) -> None:
    made = retrained(tracked())
    evaluate_candidate(made.config)
    tracker = Tracker(made.config.tracking, made.output)
    card = tracker.client.get_registered_model("tests").description
    retrained(rewritten(made, support.rows()[1:], gate={"day": {"macro_f1": 1.0}}, classifier__C=2.0))
    evaluate_candidate(made.config)
    run = tracker.client.get_run(load_bundle(made.candidate).about["run_id"])
    assert run.info.run_name.startswith(
        "C 1.0→2.0, gate.day.macro_f1 0.5→1.0, gate.day.none_recall 0.2→none, -1 row"
    )
    assert run.data.tags["gate_result"] == "failed"
    assert run.data.tags["compared_with"] == "the champion, version 1"
    assert run.data.tags["mlflow.note.content"].startswith("**It did NOT pass its gate: day: macro_f1 is 0.")
    assert "report-refused.html), version 2 of tests." in run.data.tags["mlflow.note.content"]
    assert tracker.client.get_registered_model("tests").description == card
    assert "version 2" in str(tracker.client.get_model_version("tests", "2").description)


def test_a_candidate_worse_than_the_champion_on_a_topic_is_not_promoted(tracked: Maker) -> None:
    made = retrained(tracked({"gate": {"day": {}}}))
    assert evaluate_candidate(made.config)[1] == []
    first = champion(made)
    retrained(rewritten(made, confused(support.rows()), gate={"day": {}}))
    _, failures = evaluate_candidate(made.config)
    assert len(failures) == 1
    assert failures[0].startswith("day: chess/f1 is 0.")
    assert "the champion's 1.000 (difference -0." in failures[0]
    assert champion(made) == first


def test_a_champion_of_other_topics_is_told_and_stays(tracked: Maker) -> None:
    made = retrained(tracked({"gate": {"day": {}}}))
    evaluate_candidate(made.config)
    first = champion(made)
    file = made.folder / "topics.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("id: chess", "id: checkers"), encoding="utf-8")
    data = [
        {**row, "topics": [topic.replace("chess", "checkers") for topic in row["topics"]]}
        for row in support.rows()
    ]
    support.write_rows(made.folder / "articles" / "made.jsonl", data)
    retrained(made)
    assert evaluate_candidate(made.config)[1] == ["the champion has other topics: bridge, orchard, chess"]
    assert champion(made) == first
    assert gate_tag(made) == "the champion has other topics: bridge, orchard, chess"


def test_every_gated_set_is_held_against_floors_and_champion(tracked: Maker) -> None:
    made = retrained(tracked(TWO_SETS, rows()))
    assert evaluate_candidate(made.config)[1] == []
    worse = confused(rows())
    retrained(rewritten(made, worse, **{**TWO_SETS, "gate": {"mixed": {"macro_f1": 1.0}}}))
    report, failures = evaluate_candidate(made.config)
    value = report.sets["mixed"].model.metrics["macro_f1"].value
    assert failures[0] == f"mixed: macro_f1 is {value:.3f}, the gate requires 1.000"
    assert failures[1].startswith("mixed: chess/f1 is 0.")
    assert len(failures) == 2  # `day`, where it is worse too, is not gated


@pytest.mark.parametrize("changed", ["label", "row", "set"])
def test_test_sets_other_than_those_recorded_at_training_fail_the_gate(tracked: Maker, changed: str) -> None:
    made, data, settings = retrained(tracked(TWO_SETS, rows())), rows(), dict(TWO_SETS)
    if changed == "label":
        data[-1]["topics"] = ["chess", "orchard"]
    elif changed == "row":
        del data[-1]
    else:
        settings["data.test"] = {"day": {"writers": ["u"]}, "mixed": {"writers": ["t"]}}
    rewritten(made, data, **settings)
    _, failures = evaluate_candidate(made.config)
    assert failures == ["the test sets are not those recorded when the candidate was trained; train again"]
    assert champion(made) is None


def test_every_set_is_measured_reported_and_tracked(tracked: Maker) -> None:
    made = retrained(tracked(TWO_SETS, rows()))
    report, _ = evaluate_candidate(made.config)
    assert list(report.sets) == ["day", "mixed"]
    told = json.loads((made.output / "report.json").read_text(encoding="utf-8"))
    assert told["data"] == "test set day"
    assert told["models"] == told["sets"]["day"]["models"]
    assert set(told["sets"]["mixed"]["models"]) == {"model", "most frequent", "keywords"}
    mixed = report.sets["mixed"].model
    assert told["sets"]["mixed"]["models"]["model"] == mixed.to_dict()
    tracker = Tracker(made.config.tracking, made.output)
    _, metrics, _ = tracker.facts(load_bundle(made.candidate).about["run_id"])
    assert metrics["test/macro_f1"] == report.headline.model.metrics["macro_f1"].value
    assert metrics["test/mixed/macro_f1"] == mixed.metrics["macro_f1"].value
    assert "test/day/macro_f1" not in metrics
    card = (made.output / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| rows with | train | day | mixed |" in card
    assert "| metric | day | mixed |" in card


def test_behaviour_is_tested_and_tracked_by_suite(tracked: Maker) -> None:
    made = tracked()
    cases = [
        {"suite": "plain", "text": text, "topics": topics, "rule": "its words say so"}
        for text, topics in [
            ("The bishop took a pawn and the knight fell: checkmate.", ["chess"]),
            ("The bishop took a pawn and the knight fell: checkmate.", ["orchard"]),
            ("The council met in the morning.", []),
            ("People asked for a second letter.", []),
        ]
    ]
    support.write_rows(made.folder / "behaviour" / "minimum.jsonl", cases)
    retrained(rewritten(made, support.rows(), data__behaviour=str(made.folder / "behaviour")))
    evaluate_candidate(made.config)
    tracker = Tracker(made.config.tracking, made.output)
    _, metrics, _ = tracker.facts(load_bundle(made.candidate).about["run_id"])
    assert {name: value for name, value in metrics.items() if name.startswith("behaviour/")} == {
        "behaviour/minimum functionality/plain": 0.75
    }
    assert "minimum functionality" in (made.output / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_other_topics_than_the_candidates_are_refused(tracked: Maker) -> None:
    made = retrained(tracked())
    file = made.folder / "topics.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("id: chess", "id: checkers"), encoding="utf-8")
    with pytest.raises(BundleError, match="other topics"):
        evaluate_candidate(made.config)


def test_without_a_candidate_or_a_server_it_is_one_line(tracked: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tracked()
    with pytest.raises(BundleError, match="make train"):
        evaluate_candidate(made.config)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TrackingError, match="does not answer"):
        evaluate_candidate(made.config)


def test_a_model_that_was_trained_on_test_rows_is_not_promoted(tracked: Maker) -> None:
    """A set drawn anew, or a model of before, can bring rows that the model knows."""
    made = retrained(tracked({"gate": {}}))
    file = made.candidate
    bundle = load_bundle(file, mapped=False)
    day = [row["text"] for row in support.rows() if row["writer"] == "t"]
    known = np.unique(np.concatenate([bundle.trained_on, corpus.text_digests(day[:10])]))
    save_bundle(file, replace(bundle, trained_on=known))
    artifact = made.output / "artifacts" / bundle.about["run_id"] / "artifacts/bundle/model.safetensors"
    artifact.write_bytes(file.read_bytes())
    _, failures = evaluate_candidate(made.config)
    assert failures == ["day: 10 of its 40 paragraphs were trained on; train again"]
    assert champion(made) is None
    repeats = made.config.model_copy(update={"data": made.config.data.model_copy(update={"duplicates": True})})
    assert evaluate_candidate(repeats)[1] == []  # where texts may repeat, they do so by consent


def test_a_champion_is_compared_on_rows_that_it_does_not_know(tracked: Maker) -> None:
    """Drawn anew from other data, a test set may hold what the champion was trained on."""
    data = [{**row, "writer": row["article"]} for row in support.rows()]
    made = retrained(
        tracked({"data.test": {"day": {"articles": ["t000", "t001", "t002"]}}, "gate": {"day": {}}}, data)
    )
    assert evaluate_candidate(made.config)[1] == []
    other = {"data.test": {"day": {"articles": ["a000", "a001", "a002", "a003", "a004"]}}, "gate": {"day": {}}}
    spoilt = [
        row | ({"topics": []} if row["article"] > "a010" and "chess" in row["topics"] and index % 5 else {})
        for index, row in enumerate(data)
    ]
    retrained(rewritten(made, spoilt, **other))
    report, failures = evaluate_candidate(made.config)
    assert report.headline.trained_on == 0
    assert failures == []


def test_without_a_gate_the_candidate_is_promoted_and_the_card_says_so(tracked: Maker) -> None:
    made = retrained(tracked({"gate": {}}))
    assert evaluate_candidate(made.config)[1] == []
    assert "No gate is configured." in (made.output / "MODEL_CARD.md").read_text(encoding="utf-8")
    tags, _, _ = Tracker(made.config.tracking, made.output).facts(load_bundle(made.candidate).about["run_id"])
    assert tags["gate"] == "none configured"
    assert champion(made) == load_bundle(made.candidate).about["run_id"]


def test_unlabelled_test_rows_are_told(tracked: Maker) -> None:
    data = rows()
    data[-1]["topics"] = data[-2]["topics"] = None
    made = retrained(tracked(TWO_SETS, data))
    report, _ = evaluate_candidate(made.config)
    told = "test set mixed: 38 paragraphs, 2 more are not labelled and left out; 95 % intervals"
    assert report.sets["mixed"].headline.startswith(told)
    assert "not labelled" not in report.headline.headline


def test_a_gate_with_an_unknown_metric_is_refused_before_anything_is_measured(tracked: Maker) -> None:
    made = retrained(tracked())
    rewritten(made, support.rows(), gate={"day": {"chess/f2": 0.5}})
    with pytest.raises(ConfigError, match=r"gate\.day: chess/f2: no such metric; did you mean chess/f1\?"):
        evaluate_candidate(made.config)
    assert not (made.output / "report.json").exists()
