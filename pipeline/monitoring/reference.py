"""The reference of a model: numbers of text that it did not see, kept beside it to compare new text with.

It has two parts. *Errors* are how often each topic is assigned to paragraphs that have it, and that do not, learnt
from out-of-fold predictions when the model is trained: there every topic has many paragraphs. The *sample* is what
text looks like on a normal day, learnt from the headline test set when the model is evaluated: training text has
many more paragraphs with a topic, and its words are known by definition. No text is kept, but single words that
are in several articles.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError
from pipeline.evaluation.drift import BINS, Edges, Sums, columns
from pipeline.evaluation.quantification import TopicReference, topic_reference
from pipeline.model.bundle import Bundle
from pipeline.model.calibration import prevalence_weights
from pipeline.model.scorer import Scorer
from pipeline.monitoring.sample import Sample

NONE = "none"
_KIND, _VERSION = "paragraph-topics reference", 1
_DECIMALS = 4
_MOST_ARTICLES, _MOST_WORDS, _FEWEST_ARTICLES = 500, 2000, 2
Errors = Mapping[str, Mapping[str, TopicReference]]
"""By operating point and topic, or none; a topic that the sample cannot tell of is missing."""


@dataclass(frozen=True)
class ReferenceSample:
    """What a sample of text looks like.

    Parameters
    ----------
    source : str
        What it is, for people.
    edges : Edges
        The deciles of its scores and lengths.
    sums : Sums
        A row for each article.
    words : mapping of str to int
        In how many articles a word is; of the words that are in several, the most frequent.
    articles : int
        In how many articles they were counted.

    """

    source: str
    edges: Edges
    sums: Sums
    words: Mapping[str, int]
    articles: int


@dataclass(frozen=True)
class Reference:
    """The reference of one model.

    Parameters
    ----------
    run_id : str
        The run of the model.
    topics : tuple of str
        The k topic ids, in column order.
    errors : mapping, optional
    sample : ReferenceSample or None

    """

    run_id: str
    topics: tuple[str, ...]
    errors: Errors = field(default_factory=dict)
    sample: ReferenceSample | None = None

    def as_json(self) -> str:
        """Write everything as JSON."""
        errors = {
            point: {topic: found.to_dict() for topic, found in topics.items()}
            for point, topics in self.errors.items()
        }
        sample = _sample_json(self.sample) if self.sample else None
        head = {"kind": _KIND, "version": _VERSION, "run_id": self.run_id, "topics": list(self.topics)}
        return json.dumps({**head, "errors": errors, "sample": sample}, ensure_ascii=False, allow_nan=False)


def is_reference(path: Path) -> bool:
    """Tell a reference from other files by how it begins."""
    try:
        with path.open("rb") as file:
            return file.read(100).startswith(b'{"kind": "%s"' % _KIND.encode())
    except OSError:
        return False


def read_reference(path: Path, bundle: Bundle) -> Reference:
    """Read the reference of a model.

    Parameters
    ----------
    path : Path
    bundle : Bundle

    Returns
    -------
    Reference

    Raises
    ------
    BundleError
        Where it is missing, damaged, of another version or of another model.

    """
    try:
        found = parse_reference(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise BundleError(f"{path}: no reference of the model; run `topics evaluate`, or name one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{path}: cannot be read: {error}") from None
    if (found.run_id, found.topics) != (bundle.about.get("run_id"), bundle.scorer.topics):
        own = bundle.about.get("run_id", "unknown")
        raise BundleError(f"{path}: reference of run {found.run_id}, the model is of run {own}; evaluate again")
    return found


def parse_reference(text: str, where: str) -> Reference:
    """Read what `Reference.as_json` wrote; raise BundleError, which names `where`, for anything else."""
    try:
        content = json.loads(text)
        if content["kind"] != _KIND:
            raise ValueError(f"kind {content['kind']!r}")
        if content["version"] != _VERSION:
            raise BundleError(
                f"{where}: reference format {content['version']}, this version reads {_VERSION}; evaluate again"
            )
        topics = tuple(_text(topic) for topic in content["topics"])
        errors = {
            point: {topic: _finite(TopicReference.from_dict(fields)) for topic, fields in by_topic.items()}
            for point, by_topic in content["errors"].items()
        }
        sample = _read_sample(content["sample"], len(topics)) if content["sample"] is not None else None
        return Reference(_text(content["run_id"]), topics, errors, sample)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BundleError(f"{where}: not a readable reference, damaged or cut short: {reason}") from None


def learn_errors(
    scorer: Scorer,
    y_true: NDArray[np.bool_],
    y_score: NDArray[np.float64],
    articles: Sequence[str],
    *,
    prevalence: float | None = None,
) -> Errors:
    """Learn how the predictions of each topic, and of none, relate to labels.

    Parameters
    ----------
    scorer : Scorer
        Its thresholds decide.
    y_true : bool array of shape (n, k)
    y_score : float64 array of shape (n, k)
        Of a model that was not trained on these rows.
    articles : sequence of n str
    prevalence : float, optional
        Share of rows without a topic that the rows are weighted for; default: as they are.

    Returns
    -------
    Errors

    """
    weights = prevalence_weights(y_true, prevalence)
    truth, scores = _with_none(y_true), np.column_stack([y_score, np.prod(1 - y_score, axis=1)])
    errors: dict[str, dict[str, TopicReference]] = {}
    for point in scorer.points:
        assigned = _with_none(scorer.at(point).labels(y_score))
        found = [
            topic_reference(*cells, articles, weights) for cells in zip(truth.T, scores.T, assigned.T, strict=True)
        ]
        named = zip((*scorer.topics, NONE), found, strict=True)
        errors[point] = {topic: each for topic, each in named if each is not None}
    return errors


def learn_sample(sample: Sample) -> ReferenceSample:
    """Keep the numbers of a sample: of more than 500 articles, those of 500 that are drawn at random."""
    edges = sample.found.edges()
    sums = sample.sums(edges)
    if len(sums.values) > _MOST_ARTICLES:
        drawn = np.random.default_rng(0).choice(len(sums.values), _MOST_ARTICLES, replace=False)
        sums = Sums(sums.topics, sums.values[np.sort(drawn)])
    common = sorted(sample.words.items(), key=lambda found: (-found[1], found[0]))[:_MOST_WORDS]
    words = {word: count for word, count in common if count >= _FEWEST_ARTICLES}
    return ReferenceSample(sample.source, edges, sums, words, len(sample.foreign))


def _with_none(labels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.column_stack([labels, ~labels.any(1)])


def _sample_json(sample: ReferenceSample) -> dict[str, Any]:
    rows = [[_short(value) for value in row] for row in sample.sums.values.tolist()]
    return {
        "source": sample.source,
        "articles": sample.articles,
        "edges": {"scores": sample.edges.scores.tolist(), "words": sample.edges.words.tolist()},
        "words": dict(sample.words),
        "sums": rows,
    }


def _short(value: float) -> float:
    return int(value) if value == int(value) else round(value, _DECIMALS)


def _read_sample(content: Mapping[str, Any], topics: int) -> ReferenceSample:
    edges = Edges(
        _array(content["edges"]["scores"], (topics, BINS - 1)), _array(content["edges"]["words"], (BINS - 1,))
    )
    sums = Sums(topics, _array(content["sums"], (len(content["sums"]), columns(topics))))
    if not len(sums.values) or (sums.values < 0).any():
        raise ValueError("no article, or a negative count")
    words = Counter({_text(word): int(count) for word, count in content["words"].items()})
    return ReferenceSample(_text(content["source"]), edges, sums, words, int(content["articles"]))


def _array(values: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    found = np.array(values, np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"numbers of shape {found.shape}, expected {shape}, all finite")
    return found


def _finite(found: TopicReference) -> TopicReference:
    numbers = [found.prior, found.design_effect]
    for moments in (*found.classes("ACC"), *found.classes("PACC")):
        numbers += [moments.mean, moments.variance, moments.error]
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise ValueError("a number is not finite")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected where there is none")
    return value
