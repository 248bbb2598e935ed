"""Keep the candidates among any number of tasks in a pool of bounded size, and make a queue of them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.data.corpus import text_digests
from pipeline.data.split import near_duplicates
from pipeline.errors import DataError
from pipeline.labelling.queue import Choice, Quotas, candidates, choose, uncertainty, unit_features
from pipeline.labelling.sources import Tally
from pipeline.labelling.task import Task
from pipeline.model.bundle import Bundle

Keys = NDArray[np.uint64]
T = TypeVar("T")
SIMILARITY = 0.5  # Jaccard similarity of 4-word shingles that makes two texts near-duplicates
_AT_A_TIME, _SEEN_AT_A_TIME = 1000, 20_000


@dataclass(frozen=True)
class Queue:
    """Tasks in the order in which they are to be labelled."""

    tasks: list[Task]
    tally: Tally

    def as_text(self) -> str:
        """Return what was chosen and passed over, as one line."""
        reasons = Counter(task.meta.get("topic", task.meta["why"]) for task in self.tasks)
        chosen = ", ".join(f"{count} {why}" for why, count in reasons.most_common())
        passed = self.tally.passed_over()
        return f"queued {len(self.tasks):,} of {self.tally.paragraphs:,} paragraphs: {chosen}" + (
            f"; passed over: {passed}" if passed else ""
        )


class Pool:
    """The candidates among the tasks read so far: a bounded number, however many were read.

    Parameters
    ----------
    bundle : Bundle
        Its scores tell how uncertain each task is; those whose text it was trained on are passed over.
    quotas : Quotas
    known : uint64 array
        Digests, as of `text_digests`, of further texts to pass over.
    random_state : int
    tally : Tally
        Counts what is read and passed over.

    """

    def __init__(self, bundle: Bundle, quotas: Quotas, known: Keys, *, random_state: int, tally: Tally) -> None:
        self.scorer, self.quotas, self.tally = bundle.scorer, quotas, tally
        self.known = np.union1d(bundle.trained_on, known)
        self.random_state = random_state
        self.tasks: list[Task] = []
        self.scores = np.zeros((0, quotas.topics))
        self.chance = np.zeros(0, np.uint64)

    @property
    def uncertain(self) -> NDArray[np.float64]:
        """How uncertain each task is of each topic, float64 [n, k]."""
        return uncertainty(self.scores, self.scorer.thresholds)

    def add(self, tasks: Sequence[Task]) -> None:
        """Consider tasks; what falls behind those that the pool has is forgotten."""
        self.tally.paragraphs += len(tasks)
        digests = text_digests(task.text for task in tasks)
        fresh = np.flatnonzero(~_among(digests, self.known)).tolist()
        self.tally.seen += len(tasks) - len(fresh)
        self.tasks += [tasks[i] for i in fresh]
        self.scores = np.concatenate([self.scores, self.scorer.scores([tasks[i].text for i in fresh])])
        self.chance = np.concatenate([self.chance, _hashed(digests[fresh], self.random_state)])
        if len(self.tasks) > 2 * self.quotas.candidates:
            self.keep(candidates(self.uncertain, self.chance, self.quotas))

    def settle(self, seen: Iterable[str]) -> None:
        """Narrow to the candidates, without near-duplicates of texts that were seen, in an order of their own."""
        self.keep(candidates(self.uncertain, self.chance, self.quotas))
        texts = [task.text for task in self.tasks]
        close = np.zeros(len(texts), bool)
        for others in _groups(seen, _SEEN_AT_A_TIME):
            pairs = near_duplicates([*texts, *others], similarity=SIMILARITY)
            close[pairs[(pairs[:, 0] < len(texts)) & (pairs[:, 1] >= len(texts)), 0]] = True
        self.tally.near_seen = int(close.sum())
        self.keep(~close)
        self._take(np.argsort(self.chance))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the other rows."""
        self._take(np.flatnonzero(rows))

    def _take(self, rows: NDArray[np.int64]) -> None:
        self.tasks = [self.tasks[row] for row in rows.tolist()]
        self.scores, self.chance = self.scores[rows], self.chance[rows]


def make_queue(
    tasks: Iterable[Task],
    bundle: Bundle,
    *,
    size: int,
    random_share: float,
    random_state: int,
    seen: Callable[[], Iterable[str]] = tuple,
    tally: Tally | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Queue:
    """Choose which of any number of tasks are labelled next; see `pipeline.labelling.queue`.

    Parameters
    ----------
    tasks : iterable of Task
        Read once, a thousand at a time.
    bundle : Bundle
        The texts that it was trained on are passed over.
    size : int
    random_share : float
        Of the size, from 0 to 1.
    random_state : int
    seen : callable
        Returns texts that were labelled or queued before; they are passed over, and so are their near-duplicates.
        Called twice.
    tally : Tally, optional
    progress : callable
        Takes the number of paragraphs read.

    Returns
    -------
    Queue
        Of at most `size` tasks, with scores, and in `meta` why each was chosen and the run of the model. The same
        for the same tasks in another order.

    Raises
    ------
    DataError
        Where nothing is left to choose.

    """
    counted = tally or Tally()
    quotas = Quotas.of(size, random_share=random_share, topics=len(bundle.topics))
    parts = (text_digests(texts) for texts in _groups(seen(), _SEEN_AT_A_TIME))
    known = np.unique(np.concatenate([np.zeros(0, np.uint64), *parts]))
    pool = Pool(bundle, quotas, known, random_state=random_state, tally=counted)
    for group in _groups(tasks, _AT_A_TIME):
        pool.add(group)
        progress(counted.paragraphs)
    pool.settle(seen())
    if not pool.tasks:
        passed = counted.passed_over()
        raise DataError(
            f"no paragraph is left to label; {counted.paragraphs:,} were read" + (f", {passed}" if passed else "")
        )
    texts = [task.text for task in pool.tasks]
    chosen = choose(
        pool.uncertain,
        unit_features(bundle.scorer, texts),
        near_duplicates(texts, similarity=SIMILARITY),
        chance=pool.chance,
        quotas=quotas,
    )
    return Queue([_explained(pool, choice, bundle) for choice in chosen], counted)


def _explained(pool: Pool, choice: Choice, bundle: Bundle) -> Task:
    topics = bundle.scorer.topics
    meta: dict[str, Any] = {"why": "random"}
    if choice.topic is not None:
        meta = {
            "why": "uncertain",
            "topic": topics[choice.topic],
            "uncertainty": round(choice.uncertainty, 4),
            "similarity": round(choice.similarity, 4),
        }
    scores = dict(zip(topics, pool.scores[choice.row].round(4).tolist(), strict=True))
    return replace(pool.tasks[choice.row], scores=scores, meta={**meta, "model": bundle.about.get("run_id", "")})


def _groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _hashed(digests: Keys, random_state: int) -> Keys:
    """Hash digests anew for each seed, so that every one is as likely as another to be among the least."""
    content, key = digests.tobytes(), random_state.to_bytes(8)
    places = range(0, len(content), digests.itemsize)
    hashes = (hashlib.blake2b(content[i : i + digests.itemsize], digest_size=8, key=key).digest() for i in places)
    return np.frombuffer(b"".join(hashes), "<u8")


def _among(values: Keys, known: Keys) -> NDArray[np.bool_]:
    """Tell which values are among known ones, which are in order."""
    if not len(known):
        return np.zeros(len(values), bool)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == values
    return found
