"""Words to search for, as a reader writes them, become a query of SQLite's full-text index."""

import re

from pipeline.errors import ArchiveError

_PART = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


def full_text_query(words: str) -> str:
    """Turn words into a query that the full-text index can only read as words.

    Parameters
    ----------
    words : str
        Words that must all occur, `"a phrase"` as it is, `word*` as a beginning. Signs within a word part it:
        `cease-fire` is the phrase of its two words.

    Returns
    -------
    str
        A query of FTS5: quoted phrases, all of which must occur.

    Raises
    ------
    ArchiveError
        Where a quotation mark is not closed, or there is no letter or digit to look for.

    """
    plain = re.sub("[“”„«»]", '"', words.replace("\0", " "))
    if plain.count('"') % 2:
        raise ArchiveError(f"words: a quotation mark is not closed in {words!r:.80}")
    parts = [_phrase(*found) for found in _PART.findall(plain)]
    query = " ".join(part for part in parts if part)
    if not query:
        raise ArchiveError(f"words: no letter or digit to look for in {words!r:.80}")
    return query


def _phrase(phrase: str, star: str, word: str) -> str:
    """Quote a phrase or a word, without a star at its end; return nothing for signs alone."""
    beginning = star or word[-1:] == "*"
    text = (phrase or word).rstrip("*")
    return f'"{text}"{"*" if beginning else ""}' if any(map(str.isalnum, text)) else ""
