"""The trained model as a file: arrays and JSON in a safetensors container, no code, mapped when opened.

The container's metadata carry the format's version and a checksum over everything, so that a damaged file, a file
of another kind and a file of another version are told apart before any number is used.

Weights and idf are kept in float32. The classifier rounds its own to that when it is fitted, so a bundle gives the
scores of the training-side object within 1e-9.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError
from pipeline.model import container
from pipeline.model.scorer import Scorer
from pipeline.schema import Topic
from pipeline.text.tokenizer import Analyzer
from pipeline.text.vocabulary import Terms

VERSION = 2
_KIND = "paragraph-topics"
_BY_TOPIC = ("intercept", "slope", "offset", "thresholds")
_SCALARS = ("unknown_idf", "sublinear", "unknown", "sentence_share")


@dataclass(frozen=True)
class Bundle:
    """A trained model as kept in a file.

    Beside the scorer: the topics with titles and colours, `trained_on` (sorted uint64 digests of the training
    texts, to recognise them in data to evaluate on), and `about`, where the model comes from.
    """

    scorer: Scorer
    topics: tuple[Topic, ...]
    trained_on: NDArray[np.uint64]
    about: Mapping[str, str]


def save_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle; see `files.writing_whole` for how to replace one that is in use."""
    scorer = bundle.scorer
    description = {name: getattr(scorer, name) for name in _SCALARS}
    description |= {"ngrams": scorer.analyzer.ngrams, "prefix": scorer.analyzer.prefix}
    description |= {"topics": [_topic_json(topic) for topic in bundle.topics], "about": dict(bundle.about)}
    arrays = {name: getattr(scorer, name) for name in _BY_TOPIC}
    arrays |= {"table": scorer.table.astype(np.float32), "trained_on": bundle.trained_on}
    arrays["terms"] = np.frombuffer(scorer.terms.joined.encode(), np.uint8)
    metadata = {"kind": _KIND, "version": str(VERSION), "model": json.dumps(description, sort_keys=True)}
    container.write(path, arrays, metadata)


def load_bundle(path: Path, *, mapped: bool = True) -> Bundle:
    """Open a bundle; raise BundleError if it is missing, damaged, of another kind or of another version.

    A process that lives long takes a copy (`mapped=False`), which the file's being overwritten cannot hurt.
    """
    try:
        arrays, metadata, right = container.read(path, mapped=mapped)
        _check_kind(path, metadata)
        if not right:
            raise BundleError(f"{path}: damaged: checksum differs; train again or restore the file")
        return _bundle(json.loads(metadata["model"]), arrays)
    except FileNotFoundError:
        raise BundleError(f"{path}: no trained model here; run `make train` first") from None
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise BundleError(f"{path}: not a readable model bundle, damaged or cut short: {error}") from None
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
    topics = tuple(Topic(**{**topic, "keywords": tuple(topic["keywords"])}) for topic in model["topics"])
    terms = Terms(arrays["terms"].tobytes().decode(), Analyzer(model["ngrams"], model["prefix"]))
    if arrays["table"].shape != (len(terms), 1 + len(topics)):
        raise ValueError("the table does not fit terms and topics")
    scalars: dict[str, Any] = {name: model[name] for name in _SCALARS}
    by_topic: dict[str, Any] = {name: arrays[name] for name in _BY_TOPIC}
    scorer = Scorer(
        topics=tuple(topic.id for topic in topics),
        terms=terms,
        table=arrays["table"],
        **scalars,
        **by_topic,
    )
    return Bundle(scorer, topics, arrays["trained_on"], model["about"])


def _topic_json(topic: Topic) -> dict[str, Any]:
    return {name: getattr(topic, name) for name in ("id", "title", "definition", "colour", "keywords")}
