"""The trained model as a file: arrays and JSON in a safetensors container, no code, mapped when opened.

The container's metadata carry the format's version and a checksum over everything, so that a damaged file, a file
of another kind and a file of another version are told apart before any number is used; then every type, shape and
range is checked, so that a file written by somebody else cannot mislead the kernel.

Weights and idf are kept in float32. The classifier rounds its own to that when it is fitted, so a bundle gives the
scores of the training-side object within 1e-9.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError
from pipeline.model import container
from pipeline.model.scorer import Scorer
from pipeline.schema import Example, Topic
from pipeline.text.tokenizer import Analyzer
from pipeline.text.vocabulary import Vocabulary

VERSION = 3
_KIND = "paragraph-topics"
_BY_TOPIC = ("text_coef", "sentence_coef", "intercept")
_SCALARS = ("oov_idf", "sublinear", "oov_weight", "slope", "pivot")
_POINT = "threshold."
_LARGEST = 1e6  # of a scalar: far above any that training makes


@dataclass(frozen=True)
class Bundle:
    """A trained model as kept in a file.

    Parameters
    ----------
    scorer : Scorer
    topics : tuple of Topic
        With titles and colours, in column order.
    trained_on : uint64 array
        Sorted digests of the training texts, to recognise them in data to evaluate on.
    about : mapping of str to str
        Where the model comes from.
    examples : tuple of Example, optional
        Articles to try the model on, of its label set.

    """

    scorer: Scorer
    topics: tuple[Topic, ...]
    trained_on: NDArray[np.uint64]
    about: Mapping[str, str]
    examples: tuple[Example, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages it was trained on, by their codes in ISO 639-1; empty where it does not say."""
        return tuple(self.about.get("languages", "").split())


def reference_path(model: Path) -> Path:
    """Return where the reference of a bundle lies: of `champion.safetensors`, `champion.reference.json`."""
    return model.with_name(f"{model.stem}.reference.json")


def save_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle; see `files.atomic_path` for how to replace one that is in use."""
    scorer = bundle.scorer
    description = {name: getattr(scorer, name) for name in _SCALARS}
    description |= {"max_ngram": scorer.analyzer.max_ngram, "prefix_length": scorer.analyzer.prefix_length}
    description |= {"point": scorer.point, "points": list(scorer.points)}
    description |= {"topics": [_topic_json(topic) for topic in bundle.topics], "about": dict(bundle.about)}
    description |= {"examples": [[example.title, example.text] for example in bundle.examples]}
    arrays = {name: getattr(scorer, name) for name in _BY_TOPIC}
    arrays |= {f"{_POINT}{name}": thresholds for name, thresholds in scorer.points.items()}
    arrays |= {"table": scorer.table.astype(np.float32), "trained_on": bundle.trained_on}
    arrays["terms"] = np.frombuffer(scorer.vocabulary.joined.encode(), np.uint8)
    metadata = {"kind": _KIND, "version": str(VERSION), "model": json.dumps(description)}
    container.write(path, arrays, metadata)


def load_bundle(path: Path, *, mapped: bool = True) -> Bundle:
    """Open a bundle.

    Parameters
    ----------
    path : Path
    mapped : bool, default True
        Map the file. A process that lives long takes a copy instead, which the file's being overwritten cannot
        hurt.

    Returns
    -------
    Bundle

    Raises
    ------
    BundleError
        Where it is missing, damaged, of another kind or version, or holds what no training makes.

    """
    try:
        arrays, metadata, intact = container.read(path, mapped=mapped)
        _check_kind(path, metadata)
        if not intact:
            raise BundleError(f"{path}: damaged: checksum differs; train again or restore the file")
        return _bundle(json.loads(metadata["model"]), arrays)
    except FileNotFoundError:
        raise BundleError(f"{path}: no trained model here; run `make train` first") from None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{path}: not a readable model bundle, damaged or cut short: {reason}") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror or error}") from None


def _check_kind(path: Path, metadata: Mapping[str, str]) -> None:
    if metadata.get("kind") != _KIND:
        raise BundleError(f"{path}: not a model bundle of this project")
    if metadata.get("version") != str(VERSION):
        raise BundleError(
            f"{path}: bundle format {metadata.get('version')}, this version reads format {VERSION}; train again"
        )


def _bundle(model: dict[str, Any], arrays: container.Arrays) -> Bundle:
    topics = tuple(_topic(topic) for topic in model["topics"])
    if not topics or len({topic.id for topic in topics}) < len(topics):
        raise ValueError("no topics, or a topic id that is there twice")
    terms = Vocabulary(arrays["terms"].tobytes().decode(), Analyzer(model["max_ngram"], model["prefix_length"]))
    k, points = len(topics), _strings(model["points"])
    _check_array(arrays, "table", (np.float32,), (len(terms), 1 + k))
    for name in (*_BY_TOPIC, *(f"{_POINT}{point}" for point in points)):
        _check_array(arrays, name, (np.float64,), (k,))
    if (arrays["table"][:, 0] < 0).any() or arrays["trained_on"].dtype != np.uint64:
        raise ValueError("a negative idf, or digests that are none")
    if model["point"] not in points:
        raise ValueError(f"no operating point {model['point']!r}")
    terms.check()
    scorer = Scorer(
        topics=tuple(topic.id for topic in topics),
        vocabulary=terms,
        table=arrays["table"],
        **_scalars(model),
        text_coef=arrays["text_coef"],
        sentence_coef=arrays["sentence_coef"],
        intercept=arrays["intercept"],
        points={point: arrays[f"{_POINT}{point}"] for point in points},
        point=model["point"],
    )
    examples = tuple(Example(*_strings(pair)) for pair in model.get("examples", []))
    return Bundle(scorer, topics, arrays["trained_on"], _about(model["about"]), examples)


def _check_array(arrays: container.Arrays, name: str, dtypes: tuple[type, ...], shape: tuple[int, ...]) -> None:
    array = arrays[name]
    if array.shape != shape or array.dtype not in dtypes:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {shape}")
    if not array.flags.aligned or not np.isfinite(array).all():
        raise ValueError(f"{name} is not aligned, or holds a number that is not finite")


def _scalars(model: dict[str, Any]) -> dict[str, Any]:
    scalars = {name: model[name] for name in _SCALARS}
    for name, value in scalars.items():
        if name == "sublinear":
            if not isinstance(value, bool):
                raise ValueError(f"sublinear is {value!r}, expected true or false")
        elif isinstance(value, bool) or not 0 <= value <= _LARGEST or not math.isfinite(value):
            raise ValueError(f"{name} is {value!r}, expected a number from 0 to {_LARGEST:g}")
    if not 0 < scalars["slope"] <= 1:
        raise ValueError(f"slope is {scalars['slope']!r}, expected above 0, to 1")
    return scalars


def _topic(fields: dict[str, Any]) -> Topic:
    topic = Topic(**{**fields, "keywords": tuple(_strings(fields["keywords"]))})
    _strings([topic.id, topic.title, topic.definition, topic.colour])
    return topic


def _about(found: Any) -> dict[str, str]:
    return dict(zip(_strings(list(found)), _strings(list(found.values())), strict=True))


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("text expected where there is none")
    return values


def _topic_json(topic: Topic) -> dict[str, Any]:
    return {name: getattr(topic, name) for name in ("id", "title", "definition", "colour", "keywords")}
