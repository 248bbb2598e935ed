"""Which model a report is about: its run, version, commit and config, and what the gate said of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.report.document import Section


@dataclass(frozen=True)
class Origin:
    """The model that a report or a card is about.

    Parameters
    ----------
    about : mapping of str to str
        What its bundle says of itself.
    name, version : str, optional
        As registered, where it is.
    settings : str, optional
        Its config as YAML.
    evaluated : str, optional
        When, in UTC.
    failures : tuple of str or None
        Where it fails the gate, in words; None where no gate was applied.
    floors : str, optional
        What the gate requires, in words; empty where none is configured.

    """

    about: Mapping[str, str]
    name: str = ""
    version: str = ""
    settings: str = ""
    evaluated: str = ""
    failures: tuple[str, ...] | None = None
    floors: str = ""

    @property
    def refused(self) -> bool:
        """Whether the model failed the gate."""
        return bool(self.failures)

    @property
    def verdict(self) -> str:
        """What the gate said, in a sentence."""
        if self.failures is None:
            return "Measured without the gate."
        if self.failures:
            return f"It did NOT pass its gate: {'; '.join(self.failures)}."
        return f"It passed its gate: {self.floors}." if self.floors else "No gate is configured."

    @property
    def gate(self) -> str:
        """What the gate said, for a tag of the run and for the history of promotions."""
        return "; ".join(self.failures or ()) or (f"passed: {self.floors}" if self.floors else "none configured")

    def facts(self) -> pd.DataFrame:
        """Return a row a fact: run, commit, digests of the data, version, date."""
        facts = {name.replace("_", " "): value or "none" for name, value in self.about.items()}
        named = {"model": self.name, "version": self.version, "evaluated": self.evaluated}
        rows = [*((name, value) for name, value in named.items() if value), *facts.items()]
        return pd.DataFrame(rows, columns=["fact", "value"])

    def sections(self) -> list[Section]:
        """Return what a report opens with, and the config where it is known."""
        config = [Section("settings", "Config", code=self.settings)] if self.settings else []
        return [Section("verdict", "Verdict", self.verdict, (self.facts(),)), *config]

    def to_dict(self) -> dict[str, object]:
        """Return what identifies the model, and the verdict, for JSON."""
        gate = None if self.failures is None else {"passed": not self.failures, "failures": list(self.failures)}
        named = {"model": self.name, "version": self.version, "evaluated": self.evaluated}
        return {**named, "about": dict(self.about), "gate": gate, "config": self.settings}
