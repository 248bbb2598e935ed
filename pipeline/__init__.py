"""Say which of your topics each paragraph of the news addresses.

The names below are imported when they are first used, so that `import pipeline` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.frames import TopicModel as TopicModel
    from pipeline.frames import compare as compare
    from pipeline.frames import evaluate as evaluate
    from pipeline.frames import load as load
    from pipeline.frames import load_corpus as load_corpus
    from pipeline.frames import load_topics as load_topics
    from pipeline.model.classifier import TopicClassifier as TopicClassifier
    from pipeline.text.vectorizer import TopicVectorizer as TopicVectorizer

_MODULES = {
    "TopicClassifier": "pipeline.model.classifier",
    "TopicModel": "pipeline.frames",
    "TopicVectorizer": "pipeline.text.vectorizer",
    "compare": "pipeline.frames",
    "evaluate": "pipeline.frames",
    "load": "pipeline.frames",
    "load_corpus": "pipeline.frames",
    "load_topics": "pipeline.frames",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
