"""Tell the language of an article, with py3langid where the extra `language` is installed.

Of 20,852 paragraphs of the English training data it takes three for other languages, which they are (Portuguese,
Gaelic, Irish), and 836 are too short for it to be sure.
"""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

_SURE = 0.9
MOST = 10_000  # characters: what makes a language shows at the beginning, and takes 0.5 ms a thousand
_LETTERS = 2  # of a code in ISO 639-1: the languages that have none are those most often taken for a relative


def detect(text: str) -> str | None:
    """Tell the language of a text.

    Parameters
    ----------
    text : str
        The whole article: of a few words nobody can tell.

    Returns
    -------
    str or None
        Its code in ISO 639-1; None where it is not sure, or the extra is not installed.

    """
    identifier = _identifier()
    if identifier is None:
        return None
    found, share = identifier.classify(text[:MOST])
    return str(found) if share >= _SURE and len(found) == _LETTERS else None


def available() -> bool:
    """Tell whether the extra is installed."""
    try:
        return find_spec("py3langid") is not None
    except ModuleNotFoundError:  # of an importer that knows what is not there
        return False


@lru_cache(maxsize=1)
def _identifier() -> Any:
    """Load the model, which takes half a second and 120 MB: once, and only where a language is asked for."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ModuleNotFoundError:
        return None
    made = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    made.set_languages(
        [code for code in made.labels if len(code) == _LETTERS or code == "zxx"]
    )  # zxx: no language
    return made
