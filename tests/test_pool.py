import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from small_model import GAS, MINES, SPORT, TEXTS, saved

from pipeline.data.corpus import text_digests
from pipeline.errors import DataError
from pipeline.labelling.pool import Pool, Queue, make_queue
from pipeline.labelling.queue import Quotas
from pipeline.labelling.sources import Tally
from pipeline.labelling.task import Task
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.model.calibration import logit

WORDS = ["bridge", "river", "market", "school", "winter", "doctor"]
WORDS += ["museum", "garden", "harbour", "orchestra", "painter", "ferry"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The small model, with the digests of its texts."""
    loaded = load_bundle(saved(tmp_path_factory.mktemp("pool")))
    return dataclasses.replace(loaded, trained_on=np.unique(text_digests(TEXTS)))


def texts(number: int, seed: int = 1) -> list[str]:
    """Make texts of which a half has a word of a topic, none like another."""
    generator = np.random.default_rng(seed)
    topical = ["landmines", "mine clearance", "gas supply", "pipeline", "coach", "players"]
    made = []
    for place in range(number):
        words = [*generator.choice(WORDS, 12), *(generator.choice(topical, 1 + place % 3) if place % 2 else ())]
        made.append(f"Report {place}: {' '.join(generator.permutation(words))}.")
    return made


def queued(bundle: Bundle, found: Iterable[str], **settings: Any) -> Queue:
    chosen = {"size": 20, "random_share": 0.2, "random_state": 0, **settings}
    return make_queue((Task(text, "a", i) for i, text in enumerate(found)), bundle, **chosen)


def test_a_task_has_its_scores_and_why_it_was_chosen(bundle: Bundle) -> None:
    found = queued(bundle, texts(200)).tasks
    assert Counter(task.meta.get("topic", task.meta["why"]) for task in found) == {
        "mine_action": 8,
        "energy, security": 8,
        "random": 4,
    }
    one = next(task for task in found if task.meta["why"] == "uncertain")
    assert set(one.meta) == {"why", "topic", "uncertainty", "similarity", "model"}
    assert (one.meta["model"], one.meta["topic"]) == ("a", "mine_action")
    assert one.scores == dict(
        zip(bundle.scorer.topics, bundle.scorer.scores([one.text])[0].round(4).tolist(), strict=True)
    )
    assert next(task for task in found if task.meta["why"] == "random").meta == {"why": "random", "model": "a"}


def test_the_first_choice_is_the_most_uncertain_of_all(bundle: Bundle) -> None:
    made = texts(3000)
    distance = np.abs(logit(bundle.scorer.scores(made)[:, 0]) - logit(bundle.scorer.thresholds[0]))
    (first,) = queued(bundle, made, size=1, random_share=0).tasks
    assert distance[made.index(first.text)] == pytest.approx(distance.min())


def test_the_queue_is_the_same_whatever_the_order_of_the_tasks(bundle: Bundle) -> None:
    made = texts(3000)
    forwards, backwards = queued(bundle, made), queued(bundle, made[::-1])
    assert [task.text for task in forwards.tasks] == [task.text for task in backwards.tasks]


def test_another_seed_draws_other_random_texts(bundle: Bundle) -> None:
    made = texts(300)
    drawn = [
        {task.text for task in queued(bundle, made, random_state=seed).tasks if task.meta["why"] == "random"}
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1]
    assert not drawn[0] & drawn[2]


def test_every_text_is_drawn_at_random_as_often_as_another_however_often_it_occurs(bundle: Bundle) -> None:
    made = texts(10)
    counts = Counter(
        task.text
        for seed in range(300)
        for task in queued(bundle, [*made, *made[:5] * 4], size=3, random_share=1, random_state=seed).tasks
    )
    assert sum(counts.values()) == 900
    expected = np.full(10, 90.0)
    assert (((np.array([counts[text] for text in made]) - expected) ** 2) / expected).sum() < 21.7  # p = 0.01


def test_texts_that_the_model_was_trained_on_are_passed_over(bundle: Bundle) -> None:
    found = queued(bundle, [TEXTS[0].upper(), *texts(5)])
    assert {task.text for task in found.tasks} == set(texts(5))
    assert (found.tally.paragraphs, found.tally.seen) == (6, 1)


def test_texts_seen_before_and_their_near_duplicates_are_passed_over(bundle: Bundle) -> None:
    made = texts(40)
    nearly = made[3].replace("Report 3", "Report three")
    found = queued(bundle, [*made, nearly], size=60, seen=lambda: [made[3], f"  {made[7].upper()} "])
    assert {task.text for task in found.tasks} == {*made} - {made[3], made[7]}
    assert (found.tally.seen, found.tally.near_seen) == (2, 1)


def test_neither_a_repeated_text_nor_a_near_duplicate_is_queued_twice(bundle: Bundle) -> None:
    made = texts(6)
    found = queued(bundle, [*made, *made, f"{made[1]} Again.", made[2].lower()])
    assert len(found.tasks) == 6
    assert {task.text for task in found.tasks} - {f"{made[1]} Again."} <= {*made}


def test_the_pool_stays_small_however_many_tasks_there_are(bundle: Bundle) -> None:
    quotas = Quotas.of(10, random_share=0.2, topics=2)
    pool = Pool(bundle, quotas, np.zeros(0, np.uint64), random_state=0, tally=Tally())
    made = texts(20_000)
    most = 0
    for first in range(0, len(made), 1000):
        pool.add([Task(text) for text in made[first : first + 1000]])
        most = max(most, len(pool.tasks), len(pool.scores), len(pool.chance))
    pool.settle([])
    assert most <= 2 * quotas.candidates == 448
    assert 200 <= len(pool.tasks) <= quotas.candidates


def test_a_text_with_half_a_surrogate_pair_is_one_text_among_others(bundle: Bundle) -> None:
    found = queued(bundle, ["Mines \ud800 near the village were cleared by sappers, they said.", *texts(3)])
    assert len(found.tasks) == 4


def test_a_language_that_the_model_does_not_know_is_queued_at_random_only(bundle: Bundle) -> None:
    foreign = [f"Qazan {place} yeni meydan\u00e7a tikdi v\u0259 a\u00e7d\u0131" for place in range(30)]
    found = queued(bundle, [*foreign, *texts(60)], size=6, random_share=0.5)
    assert all(task.meta["why"] == "random" for task in found.tasks if task.text in foreign)


@pytest.mark.parametrize("found", [[], [MINES.format(n=1), GAS.format(n=2), SPORT.format(n=3)]])
def test_nothing_left_to_label_is_an_error(bundle: Bundle, found: list[str]) -> None:
    passed = f", {len(found)} labelled or queued before" if found else ""
    with pytest.raises(DataError, match=f"^no paragraph is left to label; {len(found)} were read{passed}$"):
        queued(bundle, found)


def test_the_summary_says_what_was_chosen_and_passed_over(bundle: Bundle) -> None:
    found = queued(bundle, [TEXTS[0], *texts(50)], size=5)
    assert found.as_text() == (
        "queued 5 of 51 paragraphs: 2 mine_action, 2 energy, security, 1 random; "
        "passed over: 1 labelled or queued before"
    )
