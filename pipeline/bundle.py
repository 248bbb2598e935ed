"""The trained model as a file: arrays and JSON in a safetensors container, no code, mapped when opened.

The container's metadata carry the format's version and a SHA-256 over everything else, so that a damaged file,
a file of another kind and a file of another version are told apart before any number is used.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipeline.errors import BundleError
from pipeline.features import Analyzer
from pipeline.schema import Topic
from pipeline.scorer import Scorer
from pipeline.weighting import Weighting

VERSION = 1
_KIND = "paragraph-topics"
_ARRAYS = ("idf", "weights", "intercept", "slope", "offset", "thresholds")


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
    arrays = _arrays(bundle)
    description = json.dumps(
        {
            "topics": [_topic_json(topic) for topic in bundle.topics],
            "ngrams": scorer.analyzer.ngrams,
            "prefix": scorer.analyzer.prefix,
            "sublinear": scorer.weighting.sublinear,
            "unknown": scorer.weighting.unknown,
            "unknown_idf": scorer.weighting.unknown_idf,
            "sentence_share": scorer.sentence_share,
            "about": dict(bundle.about),
        },
        sort_keys=True,
    )
    metadata = {
        "kind": _KIND,
        "version": str(VERSION),
        "model": description,
        "sha256": _checksum(description, arrays),
    }
    path.write_bytes(save(arrays, metadata=metadata))


def load_bundle(path: Path) -> Bundle:
    """Open a bundle; raise BundleError if it is missing, damaged, of another kind or of another version."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            _check_kind(path, metadata)
            arrays = {name: file.get_tensor(name) for name in (*_ARRAYS, "terms", "trained_on")}
        if metadata["sha256"] != _checksum(metadata["model"], arrays):
            raise BundleError(f"{path}: damaged: checksum differs; train again or restore the file")
        return _bundle(json.loads(metadata["model"]), arrays)
    except FileNotFoundError:
        raise BundleError(f"{path}: no trained model here; run `make train` first") from None
    except (SafetensorError, KeyError, ValueError) as error:
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


def _arrays(bundle: Bundle) -> dict[str, NDArray[Any]]:
    scorer = bundle.scorer
    return {
        "idf": scorer.weighting.idf,
        "weights": np.ascontiguousarray(scorer.weights),
        "intercept": scorer.intercept,
        "slope": scorer.slope,
        "offset": scorer.offset,
        "thresholds": scorer.thresholds,
        "terms": np.frombuffer("\n".join(scorer.terms).encode(), np.uint8),
        "trained_on": bundle.trained_on,
    }


def _bundle(model: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Bundle:
    topics = tuple(Topic(**{**topic, "keywords": tuple(topic["keywords"])}) for topic in model["topics"])
    scorer = Scorer(
        topics=tuple(topic.id for topic in topics),
        analyzer=Analyzer(model["ngrams"], model["prefix"]),
        terms=tuple(arrays["terms"].tobytes().decode().split("\n")),
        weighting=Weighting(arrays["idf"], model["unknown_idf"], model["sublinear"], model["unknown"]),
        sentence_share=model["sentence_share"],
        **{name: arrays[name] for name in _ARRAYS[1:]},
    )
    return Bundle(scorer, topics, arrays["trained_on"], model["about"])


def _checksum(description: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(description.encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype.str}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _topic_json(topic: Topic) -> dict[str, Any]:
    return {name: getattr(topic, name) for name in ("id", "title", "definition", "colour", "keywords")}
