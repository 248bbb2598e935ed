"""The story of a run for MLflow's page: what it changed, against what, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.steps.changes import Ingredients, run_name
from pipeline.tracking import CHAMPION, Tracker

_ROWS = "rows/train"


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


def tell(tracker: Tracker, made: Ingredients) -> Story:
    """Compare what a run is made of with the champion, or where there is none with the run before."""
    champion = tracker.find(CHAMPION)
    run_id = champion.run_id if champion else tracker.latest_run()
    if run_id is None:
        return Story(run_name(None, made, compared_with=""), "")
    words = f"the champion, version {champion.number}" if champion else f"the run before, {run_id[:8]}"
    settings, metrics, tags = tracker.ingredients(run_id)
    before = Ingredients(settings, int(metrics.get(_ROWS, made.rows)), tags)
    return Story(run_name(before, made, compared_with=words), words)
