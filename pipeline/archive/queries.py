"""Read from the archive: the stories of a selection, each once, with the paragraphs that matter quoted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quotation:
    """A paragraph with its topics.

    Parameters
    ----------
    paragraph, article, number : int
        Ids in the archive, and the paragraph's place in its article.
    text : str
    scores : dict of str to float
        By topic that the paragraph is given, the widest first; empty where it is shown for its words alone.
    before, after : str
        The paragraphs around it, empty at the ends: its context, to fold.

    """

    paragraph: int
    article: int
    number: int
    text: str
    scores: dict[str, float]
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class StoryArticle:
    """An article of a story: `about` and `mentioned` are topics, most paragraphs first."""

    id: int
    title: str
    outlet: str
    day: str
    address: str | None
    source: str
    language: str | None
    about: tuple[str, ...]
    mentioned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Articles that tell the same: quotations are of the first article alone, as the others repeat it."""

    id: int
    title: str
    articles: tuple[StoryArticle, ...]
    quotations: tuple[Quotation, ...]
    about: tuple[str, ...]
    mentioned: tuple[str, ...]

    @property
    def outlets(self) -> tuple[str, ...]:
        """Each outlet once, in the order of the articles."""
        return tuple(dict.fromkeys(article.outlet for article in self.articles))


@dataclass(frozen=True, slots=True)
class TopicCount:
    """How many stories, articles and paragraphs of a selection have a topic."""

    topic: str
    stories: int
    articles: int
    paragraphs: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many of a day's paragraphs have a topic; `scores` is the sum of its scores over all of them."""

    day: str
    topic: str
    hits: int
    paragraphs: int
    scores: float
