"""A digest as a page that mail programs show: tables and style attributes, no script and no picture."""

from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.archive.digest import rows
from pipeline.archive.digest.rows import Digest

if TYPE_CHECKING:
    from jinja2 import Environment

_TALLEST = 32  # pixels of the timeline's highest bar


def as_html(digest: Digest) -> bytes:
    """Write a digest as one page.

    Parameters
    ----------
    digest : Digest

    Returns
    -------
    bytes

    """
    return _environment().get_template("digest.html").render(digest=digest, rows=rows).encode()


def height(count: int, days: tuple[tuple[str, int], ...]) -> int:
    """Return the height of a bar.

    Parameters
    ----------
    count : int
        What it stands for.
    days : tuple of (str, int)
        The timeline that it is in.

    Returns
    -------
    int
        Pixels; 1 for none, so that the day is seen.

    """
    most = max(count for _, count in days) or 1
    return max(round(_TALLEST * count / most), 1)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from pipeline.predict.html import environment

    made = environment().overlay()
    made.globals = {**made.globals, "height": height}
    return made
