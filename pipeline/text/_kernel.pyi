from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_Fold = Callable[[int], tuple[bytes, bytes, bytes]]
_Matrix = tuple[bytes, bytes, bytes, bytes]

class Vocabulary:
    def __new__(cls, terms: str, fold: _Fold, ngrams: int, prefix: int) -> Vocabulary: ...
    def count(self, texts: Sequence[str], /) -> tuple[_Matrix, _Matrix, bytes]: ...
    def score(
        self,
        texts: Sequence[str],
        rows: NDArray[np.float64] | NDArray[np.float32],
        sublinear: bool,
        oov_mass: float,
        slope: float,
        constant: float,
        whole: NDArray[np.float64],
        best: NDArray[np.float64],
        known: NDArray[np.bool_],
        /,
    ) -> None: ...

def learn(texts: Sequence[str], fold: _Fold, ngrams: int, prefix: int, min_df: int, /) -> list[str]: ...
