"""What a run changed: its config, data and code beside those of the champion or of the run before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.tracking import CHAMPION, Tracker

_ELSEWHERE = ("output", "tracking.")  # where a run is written, not what it is
_IN_FULL = ("gate.", "thresholds.points.")  # their last parts would read as metrics
_ROWS = "rows/train"
_MOST_SETTINGS, _LONGEST_VALUE, _LONGEST_NAME = 4, 30, 200


@dataclass(frozen=True)
class Ingredients:
    """What a run was made of.

    Parameters
    ----------
    settings : mapping of str to str
        The config by dotted keys.
    rows : int
        Training paragraphs.
    tags : mapping of str to str
        `data_sha256`, `test_sha256`, `label_set_sha256`, `git_commit` and `git_dirty`; an older run may lack
        some.

    """

    settings: Mapping[str, str]
    rows: int
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Story:
    """What a run changed.

    Parameters
    ----------
    name : str
        The changes in one line, which names the run.
    compared_with : str
        The run that it is compared with, in words; empty for a first run.

    """

    name: str
    compared_with: str

    def as_markdown(self, parts: Sequence[str]) -> str:
        """Write the description of the run: the parts, and what was changed."""
        against = f" (against {self.compared_with})" if self.compared_with else ""
        return "\n\n".join([*parts, f"**Changed**{against}: {self.name}."])


def tell_story(tracker: Tracker, made: Ingredients) -> Story:
    """Compare what a run is made of with the champion, or where there is none with the run before."""
    champion = tracker.find(CHAMPION)
    run_id = champion.run_id if champion else tracker.latest_run()
    if run_id is None:
        return Story(run_name(None, made, compared_with=""), "")
    words = f"the champion, version {champion.number}" if champion else f"the run before, {run_id[:8]}"
    settings, metrics, tags = tracker.ingredients(run_id)
    before = Ingredients(settings, int(metrics.get(_ROWS, made.rows)), tags)
    return Story(run_name(before, made, compared_with=words), words)


def changes(before: Ingredients, after: Ingredients) -> list[str]:
    """Say what differs, the config first, then data and code.

    Parameters
    ----------
    before, after : Ingredients

    Returns
    -------
    list of str
        Such as `C 0.5→1.0` and `+312 rows`; empty where nothing differs.

    """
    return [*setting_changes(before.settings, after.settings), *_data(before, after), *_code(before, after)]


def setting_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say which settings differ, by the last part of their keys where that is clear."""
    keys = [key for key in sorted({*before, *after}) if not key.startswith(_ELSEWHERE)]
    last = Counter(key.rpartition(".")[2] for key in keys)
    differing = [key for key in keys if before.get(key) != after.get(key)]
    named = [f"{_named(key, last)} {_short(before.get(key))}→{_short(after.get(key))}" for key in differing]
    more = len(named) - _MOST_SETTINGS
    return named if more <= 0 else [*named[:_MOST_SETTINGS], f"{more} more settings"]


def _named(key: str, last: Counter[str]) -> str:
    end = key.rpartition(".")[2]
    return end if last[end] == 1 and not key.startswith(_IN_FULL) else key


def run_name(before: Ingredients | None, after: Ingredients, *, compared_with: str) -> str:
    """Name a run by what it changed.

    Parameters
    ----------
    before : Ingredients or None
        None for a first run.
    after : Ingredients
    compared_with : str
        What `before` is, such as `version 3`.

    Returns
    -------
    str

    """
    if before is None:
        return f"first run, {after.rows:,} rows"
    name = ", ".join(changes(before, after)) or f"nothing changed since {compared_with}"
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _data(before: Ingredients, after: Ingredients) -> list[str]:
    more, found = after.rows - before.rows, []
    if more:
        found.append(f"{more:+,} row{'s' if abs(more) > 1 else ''}")
    elif _differ("data_sha256", before, after):
        found.append("other training data")
    if _differ("test_sha256", before, after):
        found.append("other test data")
    if _differ("label_set_sha256", before, after):
        found.append("other label set")
    return found


def _code(before: Ingredients, after: Ingredients) -> list[str]:
    commit = after.tags.get("git_commit", "unknown")
    found = [f"code {commit[:7]}"] if _differ("git_commit", before, after) else []
    return [*found, "uncommitted files"] if after.tags.get("git_dirty") == "true" else found


def _differ(tag: str, before: Ingredients, after: Ingredients) -> bool:
    """Compare a tag; a run of before that lacks it tells nothing."""
    return tag in before.tags and before.tags[tag] != after.tags.get(tag)


def _short(value: str | None) -> str:
    text = "none" if value is None else value
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
