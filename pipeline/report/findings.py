"""What a model is worth on labelled rows: figures beside the baselines', and the full report, made when asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data import corpus
from pipeline.data.corpus import label_matrix
from pipeline.errors import DataError
from pipeline.evaluation import bootstrap as resampling
from pipeline.evaluation import tables as report
from pipeline.evaluation.baselines import keyword_labels
from pipeline.files import atomic_path
from pipeline.model.bundle import Bundle
from pipeline.report.document import Section, markdown, plain_sections
from pipeline.report.html import html
from pipeline.report.sections import Background, sections
from pipeline.report.studies import Probes, Subject
from pipeline.schema import LabelledParagraph, Topic

_IN_TERMINAL = ("figures", "topics", "behaviour", "leak-probe", "slices")


@dataclass(frozen=True)
class Findings:
    """The model's figures on some rows beside the baselines', and how many of the rows it was trained on.

    The studies of the full report are made when they are first asked for.
    """

    name: str
    subject: Subject
    evaluations: dict[str, report.Evaluation]
    trained_on: int
    background: Background

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics in column order."""
        return self.subject.topics

    @property
    def labels(self) -> NDArray[np.bool_]:
        """The labels meant, bool [n, k]."""
        return self.subject.labels

    @property
    def scores(self) -> NDArray[np.float64]:
        """The model's scores, float64 [n, k]."""
        return self.subject.scores

    @cached_property
    def sections(self) -> list[Section]:
        """The sections of the full report."""
        return sections(self.subject, self.evaluations, self.background)

    @cached_property
    def tables(self) -> dict[str, Sequence[report.Table]]:
        """The tables of every section, by its id."""
        return {section.id: section.tables for section in self.sections if section.tables}

    def as_text(self) -> str:
        """Give the most important tables aligned for a terminal."""
        shown = [table for name in _IN_TERMINAL for table in self.tables.get(name, ())]
        return f"{self.headline}\n\n" + "\n".join(map(report.as_text, shown))

    def as_markdown(self) -> str:
        """Give the full report in Markdown, without its plots."""
        return markdown(self.headline, self.sections)

    def as_html(self) -> str:
        """Give the full report as one page."""
        return html(f"Topics report: {self.name}", self.sections, lead=self.headline)

    def as_json(self) -> str:
        """Give every figure as JSON."""
        studies = plain_sections(self.sections)
        return report.as_json(self.evaluations, data=self.name, trained_on=self.trained_on, sections=studies)

    def written(self) -> dict[str, str]:
        """Give the report's files by name: the page, Markdown and JSON."""
        return {"report.html": self.as_html(), "report.md": self.as_markdown(), "report.json": self.as_json()}

    @property
    def headline(self) -> str:
        """What was measured, in one line."""
        seen = f", {self.trained_on} of them TRAINED ON" if self.trained_on else ""
        return f"{self.name}: {len(self.labels)} paragraphs{seen}; 95 % intervals over articles in brackets"


def evaluate_file(paths: list[str], bundle: Bundle, *, seed: int = 0, probes: Probes | None = None) -> Findings:
    """Measure a bundle on labelled files; rows without a label are left out. Raises DataError."""
    topics = list(bundle.scorer.topics)
    rows = corpus.labelled(corpus.read(paths, topics, unique=False))
    if not rows:
        raise DataError(f"{', '.join(paths)}: no row is labelled, nothing to measure")
    background = Background(seed, probes or Probes())
    return measure(", ".join(paths), bundle, rows, seed=seed, background=background)


def measure(
    name: str,
    bundle: Bundle,
    rows: list[LabelledParagraph],
    *,
    seed: int,
    background: Background | None = None,
) -> Findings:
    """Measure a bundle, the most frequent answer and the topics' keywords on the same labelled rows."""
    topics, scorer = bundle.topics, bundle.scorer
    texts = [row.text for row in rows]
    labels = label_matrix(rows, scorer.topics)
    scores = scorer.scores(texts)
    constant = np.isin(scorer.topics, bundle.about["most_frequent"].split())[None].repeat(len(rows), 0)
    keywords = keyword_labels(texts, topics)
    answers = {
        "model": (scorer.labels(scores), scores),
        "most frequent": (constant, constant.astype(float)),
        "keywords": (keywords, keywords.astype(float)),
    }
    weights = resampling.article_weights([row.article for row in rows], seed=seed)
    evaluations = {
        who: report.evaluation(scorer.topics, labels, given, ranked, weights)
        for who, (given, ranked) in answers.items()
    }
    seen = np.isin(corpus.text_digests(texts), bundle.trained_on)
    subject = Subject(topics, scorer, rows, labels, scores, weights)
    return Findings(name, subject, evaluations, int(seen.sum()), background or Background(seed))


def write(texts: dict[str, str], folder: Path) -> None:
    """Write text files to a folder, each whole or not at all; raise OutputError."""
    for name, text in texts.items():
        with atomic_path(folder / name) as file:
            file.write_text(text, encoding="utf-8")
