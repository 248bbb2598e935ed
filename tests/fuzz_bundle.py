"""Change a bundle in any way, correct its checksum, and hold loading and scoring to one line or to finite scores.

python tests/fuzz_bundle.py ROUNDS [SEED]
"""

import json
import random
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from small_model import TEXTS, saved

from pipeline.errors import BundleError
from pipeline.model import container
from pipeline.model.bundle import load_bundle
from pipeline.model.explain import explain_topics

ODD: list[Any] = [None, True, False, -1, 0, 1, 2, 5, 255, 256, 2**31, 2**32 - 1, 2**64, -0.5, 0.5, 1e300]
ODD += [float("nan"), float("inf"), "", "mine", "1", [], [[]], ["a"], {}, {"a": 1}]


def mutated(path: Path, chance: random.Random) -> None:
    """Change the description or an array of a bundle, once to three times, and write it with a right checksum."""
    arrays, metadata, _ = container.read(path, mapped=False)
    arrays = {name: array.copy() for name, array in arrays.items()}
    model = json.loads(metadata["model"])
    for _ in range(chance.randint(1, 3)):
        if chance.random() < 0.5:
            _change_description(model, chance)
        else:
            _change_array(arrays, chance)
    path.write_bytes(b"")
    container.write(path, arrays, {**metadata, "model": json.dumps(model)})


def _change_description(model: dict[str, Any], chance: random.Random) -> None:
    place: Any = model
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = chance.choice(keys)
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3:
            break
        place = inner
    if chance.random() < 0.2 and isinstance(place, dict):
        del place[key]
    else:
        place[key] = deepcopy(chance.choice(ODD))  # a later change may be inside it


def _change_array(arrays: dict[str, np.ndarray], chance: random.Random) -> None:
    name = chance.choice(list(arrays))
    array = arrays[name]
    kind = chance.choice(["drop", "cut", "double", "flat", "type", "value", "bytes"])
    if kind == "drop":
        del arrays[name]
    elif kind == "cut":
        arrays[name] = array[: chance.randrange(len(array) + 1)]
    elif kind == "double":
        arrays[name] = np.concatenate([array, array])
    elif kind == "flat":
        arrays[name] = array.reshape(-1)
    elif kind == "type":
        with np.errstate(invalid="ignore"):
            arrays[name] = array.astype(chance.choice([np.float32, np.float64, np.uint8, np.uint64]))
    elif array.size and kind == "value":
        values = [0, 1, 10, 32, 255] if array.dtype.kind == "u" else [np.nan, np.inf, -np.inf, -1e30, 1e30, 0]
        flat = array.reshape(-1).copy()
        flat[chance.randrange(array.size)] = chance.choice(values)
        arrays[name] = flat.reshape(array.shape)
    elif array.size:
        raw = np.frombuffer(array.tobytes(), np.uint8).copy()
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        arrays[name] = np.frombuffer(raw.tobytes(), array.dtype).reshape(array.shape)


def check(path: Path) -> bool:
    """Load, score and explain; return whether it was refused, in one line. Any other exception is a fault."""
    try:
        scorer = load_bundle(path).scorer
    except BundleError as error:
        assert "\n" not in str(error), error
        return True
    scores = scorer.scores([*TEXTS[:3], "", "mine action"])
    assert np.isfinite(scores).all(), scores
    explain_topics(scorer, TEXTS[0], scorer.topics)
    return False


def run(rounds: int, seed: int) -> tuple[int, int]:
    """Return how many of the mutated bundles were refused, and how many loaded."""
    chance = random.Random(seed)
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        original = saved(Path(folder))
        content, path = original.read_bytes(), Path(folder) / "mutated"
        for _ in range(rounds):
            path.write_bytes(content)
            mutated(path, chance)
            refused += check(path)
    return refused, rounds - refused


if __name__ == "__main__":
    rounds, seed = [*map(int, sys.argv[1:]), random.SystemRandom().randrange(2**32)][:2]
    print(f"seed {seed}")
    found = run(rounds, seed)
    print(f"{found[0]} mutated bundles refused in one line, {found[1]} loaded with finite scores")
