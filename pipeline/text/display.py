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


def _escape(match: "re.Match[str]") -> str:
    return match[0].encode("unicode_escape").decode()
