"""Who labels: the name that a person gives, kept in a cookie of the browser."""

from typing import TypeVar
from urllib.parse import quote, unquote

from fastapi import Request, Response

from pipeline.serve.refusal import RefusedError

COOKIE = "annotator"
LONGEST = 80
_YEAR = 365 * 24 * 3600
R = TypeVar("R", bound=Response)


def remembered(request: Request) -> str:
    """Return the name that the browser remembers, empty where it has none that could be used."""
    name = unquote(request.cookies.get(COOKIE, "")).strip()
    return name if _is_name(name) else ""


def required(name: str) -> str:
    """Return a name that a form sends, without white space around it.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Raises
    ------
    RefusedError
        Where it is missing, too long or no name.

    """
    if not _is_name(name.strip()):
        raise RefusedError(422, f"your name: expected 1 to {LONGEST} printable characters")
    return name.strip()


def remember(request: Request, response: R, name: str) -> R:
    """Let the browser remember a name; scripts of the page may read and change it."""
    response.set_cookie(
        COOKIE,
        quote(required(name)),
        max_age=_YEAR,
        path=f"{request.scope.get('root_path', '')}/",
        secure=request.url.scheme == "https",
        samesite="strict",
    )
    return response


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST and name.isprintable()
