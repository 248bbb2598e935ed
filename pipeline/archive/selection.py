"""What a reader asks of the archive: days, topics, outlets, words and a threshold; a view is one with a name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Which paragraphs to show.

    Parameters
    ----------
    since, until : str or None
        First and last day, YYYY-MM-DD.
    topics : tuple of str
        Paragraphs that have one of these; empty for any topic.
    outlets : tuple of str
        Empty for all.
    words : str
        A full-text query: all words must occur in the paragraph, `"a phrase"` as it is, `word*` as a beginning.
        With words, paragraphs without a topic are found too.
    threshold : float or None
        The least score, instead of the model's own threshold of each topic.

    """

    since: str | None = None
    until: str | None = None
    topics: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    words: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A selection with a name, and whom to tell of what is new in it."""

    name: str
    slug: str
    selection: Selection
    notify: tuple[str, ...] = ()
