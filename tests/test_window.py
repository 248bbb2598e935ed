import numpy as np

from pipeline.evaluation.drift import columns
from pipeline.serve.window import BUCKET_SECONDS, BUCKETS, Window


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def paragraphs(n: int) -> np.ndarray:
    sums = np.zeros(columns(1))
    sums[2] = n
    return sums


def held(window: Window, model: str = "a") -> float:
    return float(window.sums(model, 1)["paragraphs"][0])


def test_what_was_predicted_is_summed() -> None:
    window = Window(Clock())
    assert held(window) == 0
    window.add("a", paragraphs(3))
    window.add("a", paragraphs(4))
    assert held(window) == 7


def test_after_an_hour_it_is_gone() -> None:
    clock = Clock()
    window = Window(clock)
    window.add("a", paragraphs(3))
    clock.now += 1800
    window.add("a", paragraphs(4))
    clock.now += 1740
    assert held(window) == 7
    clock.now += 60
    assert held(window) == 4
    clock.now += 3600
    assert held(window) == 0


def test_another_model_begins_anew() -> None:
    window = Window(Clock())
    window.add("a", paragraphs(3))
    assert held(window, "b") == 0
    window.add("b", paragraphs(1))
    assert (held(window, "b"), held(window, "a")) == (1, 0)


def test_memory_does_not_grow_with_requests() -> None:
    clock = Clock()
    window = Window(clock)
    for _ in range(5000):
        window.add("a", paragraphs(1))
        clock.now += BUCKET_SECONDS / 7
    assert len(window._buckets) == BUCKETS
    assert abs(held(window) - 7 * BUCKETS) <= 7
