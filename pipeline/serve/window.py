"""What was predicted within the last hour, as sums: in bounded memory, and without any text."""

import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.drift import Sums, columns

BUCKETS, BUCKET_SECONDS = 60, 60.0
_Floats = NDArray[np.float64]


class Window:
    """A sliding window over the predictions of one model.

    It moves on by buckets of a minute, so it holds between 59 and 60 minutes. All predictions come through the
    process that serves, whichever process made them.

    Parameters
    ----------
    clock : callable, optional
        Seconds that only grow.

    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._model = ""
        self._buckets: deque[tuple[int, _Floats]] = deque(maxlen=BUCKETS)

    def add(self, model: str, sums: _Floats) -> None:
        """Add the sums of a request, one row of `Sums`; those of another model before are dropped.

        Parameters
        ----------
        model : str
            What the model is known by.
        sums : float64 array of shape (columns,)

        """
        if model != self._model:
            self._model = model
            self._buckets.clear()
        now = self._now()
        if self._buckets and self._buckets[-1][0] == now:
            self._buckets[-1] = (now, self._buckets[-1][1] + sums)
        else:
            self._buckets.append((now, sums))

    def sums(self, model: str, topics: int) -> Sums:
        """Return the sums of a model of k topics within the window, in one row; zeros where there are none."""
        oldest = self._now() - BUCKETS
        found = [sums for at, sums in self._buckets if at > oldest and model == self._model]
        return Sums(topics, np.sum([np.zeros(columns(topics)), *found], axis=0)[None])

    def _now(self) -> int:
        return int(self._clock() // BUCKET_SECONDS)
