"""What takes long in a request: read files, predict, explain, render. It runs in the processes of `workers`."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.archive.queries import ArchivedArticle, ShownModel
from pipeline.data.documents import SUFFIXES, articles_in
from pipeline.errors import SourceError
from pipeline.evaluation.drift import BINS, Edges, article_sums, columns
from pipeline.labelling import store
from pipeline.labelling.store import Label
from pipeline.labelling.task import Task
from pipeline.model.bundle import Bundle, load_bundle
from pipeline.model.explain import explain
from pipeline.monitoring.sample import paragraph_facts
from pipeline.predict.article import (
    Paragraph,
    at_point,
    paragraphs,
    predict_paragraphs,
    with_copies_named,
    with_language,
)
from pipeline.predict.html import ArticleView, ParagraphView, environment, view
from pipeline.predict.output import Format, as_objects, rendered
from pipeline.schema import Article, Explanation, Prediction, Topic
from pipeline.serve.refusal import RefusedError
from pipeline.serve.stories import shown_article

TEXT = "article"


@dataclass(frozen=True, slots=True)
class Model:
    """The model to predict with.

    Parameters
    ----------
    path : Path
        A bundle that does not change.
    point : str
        The operating point.
    most : int
        Paragraphs that a request may have.
    edges : Edges, optional
        Of the model's reference: where the bins part that its predictions are counted in.

    """

    path: Path
    point: str
    most: int
    edges: Edges | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What a person sends: a pasted text, and files by name."""

    text: str = ""
    files: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is shown: its path, what stands before every path, and the nonce of its policy."""

    path: str
    root: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How many paragraphs were predicted on, and the sums of what is known of them: a row of `drift.Sums`."""

    paragraphs: int
    sums: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Predictions as JSON objects that are separated by commas, what was seen, and what readers noted."""

    objects: str
    seen: Seen
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """An article on the page.

    Parameters
    ----------
    view : ArticleView
    key : str
        Keeps the corrections of its paragraphs together.
    notes : tuple of str
    labels : dict of int to Label
        What people say of its paragraphs, by their numbers.

    """

    view: ArticleView
    key: str
    notes: tuple[str, ...]
    labels: Mapping[int, Label]


def start(path: Path) -> None:
    """Load a model before the first request."""
    bundle = load_bundle(path)
    with_language(Article(TEXT, ""), _bundle(path, bundle.scorer.point))


def predict_texts(model: Model, texts: Sequence[str], explained: bool) -> Rows:  # noqa: FBT001  # a worker's are positional
    """Predict on texts, each as one paragraph of its own source."""
    found = [Paragraph(Article(f"texts/{i}", text), 0, 0, len(text)) for i, text in enumerate(texts)]
    return _as_rows(model, _predicted(model, found, explained=explained))


def predict_article(model: Model, text: str, explained: bool) -> Rows:  # noqa: FBT001
    """Predict on an article, paragraph by paragraph."""
    article = with_language(Article(TEXT, text), _bundle(model.path, model.point))
    rows = _predicted(model, paragraphs(article), explained=explained)
    return _as_rows(model, rows, _notes([article]))


def predict_form(model: Model, form: Form) -> Rows:
    """Predict on a form's articles; all its files can be read."""
    articles = _all_read(form)
    found = _by_article(model, articles)
    rows = [row for _, article_rows in found for row in article_rows]
    return _as_rows(model, rows, _notes([article for article, _ in found]))


def topics_of(model: Model, text: str) -> tuple[str, ...]:
    """Return the topics of one text."""
    (row,) = _predicted(model, [Paragraph(Article(TEXT, text), 0, 0, len(text))], explained=False)
    return row.topics


def text_of(form: Form) -> str:
    """Read the text of a form's files, each with its title before it, as a person would copy it."""
    articles, _, _ = _read(form)
    return "\n\n".join(part for article in articles for part in (article.title, article.text) if part)


def download(model: Model, form: Form, kind: Format) -> tuple[bytes, Seen]:
    """Write the predictions on a form's articles, in a format of the command line; all its files can be read."""
    found = [rows for _, rows in _by_article(model, _all_read(form)) if rows]
    pieces = rendered(found, kind, _bundle(model.path, model.point).topics, width=80, style=lambda text, _: text)
    return b"".join(pieces), _seen(model, [row for rows in found for row in rows])


def show(  # noqa: PLR0917  # a worker's are positional
    model: Model, form: Form, template: str, place: Place, annotations: Path, shown: dict[str, Any]
) -> tuple[str, Seen]:
    """Render a form with its articles, and say what was seen; files that cannot be read are named."""
    articles, problems, parts = _read(form)
    found = _by_article(model, articles)
    rows = [row for _, article_rows in found for row in article_rows]
    bundle = _bundle(model.path, model.point)
    labels = store.labels(annotations, [Task(row.text).id for row in rows])
    page = render(
        template,
        place,
        bundle.topics,
        articles=[
            Shown(view(article_rows, bundle.topics), _key(article.text), article.notes, _of(labels, article_rows))
            for article, article_rows in found
            if article_rows
        ],
        problems=[*problems, *parts],
        counts=[sum(topic.id in row.topics for row in rows) for topic in bundle.topics],
        text=form.text,
        point=model.point,
        points={
            name: dict(zip(bundle.scorer.topics, thresholds.tolist(), strict=True))
            for name, thresholds in bundle.scorer.points.items()
        },
        suffixes=",".join(SUFFIXES),
        **shown,
    )
    return page, _seen(model, rows)


def show_explained(
    model: Model, texts: Sequence[tuple[str, str]], template: str, place: Place, shown: dict[str, Any]
) -> str:
    """Render a page that has predictions on texts as `predicted`.

    Explained are the topics that are assigned or near misses, and the one that stands beside a text, if any.
    """
    bundle = _bundle(model.path, model.point)
    found = [Paragraph(Article(TEXT, text), 0, 0, len(text)) for text, _ in texts]
    predicted: list[ParagraphView] = []
    for row, (text, topic) in zip(_predicted(model, found, explained=True), texts, strict=True):
        more = {topic: explain(bundle.scorer, text, topic)} if topic in bundle.scorer.topics else {}
        told = replace(row, explanation={**row.explanation, **more})
        predicted += view([told], bundle.topics).paragraphs
    return render(template, place, bundle.topics, predicted=predicted, **shown)


def show_archived(  # noqa: PLR0917  # a worker's are positional
    model: Model | None,
    kept: ArchivedArticle,
    shown: ShownModel,
    place: Place,
    annotations: Path,
    facts: dict[str, Any],
) -> str:
    """Render an article of the archive, as it was labelled there; explained where that was the model in use."""
    scored = kept.paragraphs
    explained: Sequence[Mapping[str, Explanation]] = [{}] * len(scored)
    if model is not None and len(scored) <= model.most:
        source = Article(kept.facts.source, kept.text)
        again = _predicted(model, [Paragraph(source, p.number, p.start, p.end) for p in scored], explained=True)
        explained = [row.explanation for row in again]
    rows = [
        Prediction(
            kept.facts.source,
            paragraph.number,
            paragraph.start,
            paragraph.end,
            paragraph.text,
            paragraph.topics,
            paragraph.scores,
            {topic: score - shown.thresholds[topic] for topic, score in paragraph.scores.items()},
            why,
            title=kept.facts.title,
        )
        for paragraph, why in zip(scored, explained, strict=True)
    ]
    labels = _of(store.labels(annotations, [Task(row.text).id for row in rows]), rows)
    return render(
        "archived.html",
        place,
        shown.topics,
        a=view(rows, shown.topics),
        kept=kept,
        article=shown_article(kept.facts),
        others=[shown_article(other) for other in kept.others],
        labels=labels,
        relevant=[row.paragraph for row in rows if _counted(row, labels)],
        key=kept.digest[:16],
        **facts,
    )


def render(template: str, place: Place, topics: Sequence[Topic], **shown: object) -> str:
    """Fill in a template of the service."""
    return environment().get_template(template).render(place=place, root=place.root, topics=topics, **shown)


@lru_cache(maxsize=8)
def _bundle(path: Path, point: str) -> Bundle:
    return at_point(load_bundle(path), point)


def _predicted(model: Model, found: Sequence[Paragraph], *, explained: bool) -> list[Prediction]:
    if len(found) > model.most:
        raise RefusedError(413, f"{len(found)} texts or paragraphs exceed the limit of {model.most}")
    return predict_paragraphs(found, _bundle(model.path, model.point), explained=explained)


def _by_article(model: Model, articles: Sequence[Article]) -> list[tuple[Article, list[Prediction]]]:
    bundle = _bundle(model.path, model.point)
    named = [article for article in with_copies_named(articles) if isinstance(article, Article)]
    told = [with_language(article, bundle) for article in named]
    found = [paragraphs(article) for article in told]
    rows = iter(_predicted(model, [paragraph for group in found for paragraph in group], explained=True))
    return [(article, list(islice(rows, len(group)))) for article, group in zip(told, found, strict=True)]


def _of(labels: Mapping[str, Label], rows: Sequence[Prediction]) -> dict[int, Label]:
    found = {row.paragraph: labels.get(Task(row.text).id) for row in rows}
    return {paragraph: label for paragraph, label in found.items() if label}


def _counted(row: Prediction, labels: Mapping[int, Label]) -> tuple[str, ...]:
    """Return the topics of a paragraph: a person's where one said so, else the model's."""
    label = labels.get(row.paragraph)
    return label.topics if label else row.topics


def _as_rows(model: Model, rows: Sequence[Prediction], notes: tuple[str, ...] = ()) -> Rows:
    topics = _bundle(model.path, model.point).scorer.topics
    return Rows(", ".join(as_objects(rows, topics)), _seen(model, rows), notes)


def _seen(model: Model, rows: Sequence[Prediction]) -> Seen:
    """Sum what is known of paragraphs, whose texts stay in this process."""
    scorer = _bundle(model.path, model.point).scorer
    k = len(scorer.topics)
    if not rows:
        return Seen(0, np.zeros(columns(k)))
    edges = model.edges or Edges(np.zeros((k, BINS - 1)), np.zeros(BINS - 1))
    scores = np.array([list(row.scores.values()) for row in rows])
    facts = paragraph_facts(scorer, [row.text for row in rows], scores)
    sums = article_sums(facts, np.zeros(len(rows), np.intp), np.zeros(1, bool), edges)
    return Seen(len(rows), sums.values[0])


def _notes(articles: Sequence[Article]) -> tuple[str, ...]:
    return tuple(f"{article.source}: {said}" for article in articles for said in article.notes)


def _all_read(form: Form) -> list[Article]:
    """Return a form's articles; refuse a form of which a file cannot be read: a download could not say so."""
    articles, problems, _ = _read(form)
    if problems:
        raise RefusedError(422, "; ".join(problems))
    if not articles:
        raise RefusedError(422, "nothing to predict on: paste an article, or choose a file")
    return articles


def _read(form: Form) -> tuple[list[Article], list[str], list[str]]:
    """Return a form's articles, why files cannot be read, and why parts of files cannot.

    A form of which nothing can be read is refused.
    """
    if "\0" in form.text:
        raise RefusedError(422, "article: NUL characters are not text")
    articles = [Article(TEXT, form.text)] if form.text.strip() else []
    refused, parts = [], []
    for name, content in _named(form.files):
        try:
            for part in _file(name, content):
                if isinstance(part, Article):
                    articles.append(part)
                else:
                    parts.append(str(part))
        except RefusedError as error:
            refused.append(error)
    if refused and not articles:
        raise refused[0]
    return articles, [error.detail for error in refused], parts


def _named(files: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Give each file a name of its own, as each is a source."""
    seen: Counter[str] = Counter()
    for path, content in files:
        name = PureWindowsPath(path).name[-80:]  # of either kind of path, should a browser send one
        seen[name] += 1
        again = PurePath(name)
        yield (name if seen[name] == 1 else f"{again.stem} ({seen[name]}){again.suffix}"), content


def _file(name: str, content: bytes) -> list[Article | SourceError]:
    """Read a file as the command line reads one that is named: what its ending does not tell, its content does."""
    try:
        return articles_in(content, name)
    except SourceError as error:
        raise RefusedError(422, str(error)) from None


def _key(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
