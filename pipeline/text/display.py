"""Show text of unknown origin on a terminal: whatever could move the cursor or hide words is written out."""

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"  # all but tab and line feed; halves of surrogate pairs
_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IN_TEXT = re.compile(f"[{_CONTROLS}]")
_IN_LINE = re.compile(f"[{_CONTROLS}{_REORDERING}\t\n\u2028\u2029]")


def printable(text: str) -> str:
    r"""Escape the control characters of a text.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        With `\x1b` in place of an escape character; tabs and line ends stay.

    """
    return _IN_TEXT.sub(_escape, text)


def one_line(text: str) -> str:
    r"""Escape what would end the line, or reorder it, in a file name or a message.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        With `\n` in place of a line feed, `\u202e` in place of a right-to-left override, and `\udce9` in place of
        the byte E9 of a name that is not UTF-8.

    """
    return _IN_LINE.sub(_escape, text)


def score_text(score: float) -> str:
    """Write a score so that it differs from its neighbours.

    Parameters
    ----------
    score : float
        From 0 to 1.

    Returns
    -------
    str
        With two decimals; near 0 and 1 with up to four, so that 1.00 is no score of everything, or `>0.9999`.

    """
    for decimals in (2, 3, 4):
        text = f"{score:.{decimals}f}"
        if 0 < float(text) < 1:
            return text
    return ">0.9999" if score >= 0.5 else "<0.0001"  # noqa: PLR2004


def _escape(match: "re.Match[str]") -> str:
    return match[0].encode("unicode_escape").decode()
