"""Counts the outcomes of records, so that none is lost unnoticed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ci_operators.core.errors import AccountingError
from ci_operators.core.text import clean_text
from ci_operators.core.verdict import Dropped, Quarantined

#: The stages of a run in their order. Each is an Airflow task that counts its records and returns a manifest.
STAGES = ("extract", "filter", "map", "validate", "submit")
#: The number of example ids per reason in the manifest; the stage's side artifacts have all ids.
SAMPLES_PER_REASON = 3


@dataclass
class Tally:
    """Counts of one stage. Conservation: records_in + added = records_out + dropped + quarantined.

    added: records in addition to one for each event, if an event gives several detections.
    """

    records_in: int = 0
    records_out: int = 0
    added: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, verdict: Dropped) -> None:
        """Count a dropped record."""
        self.dropped[verdict.reason] += 1
        self._sample(verdict.reason, verdict.event_id)

    def quarantine(self, verdict: Quarantined) -> None:
        """Count a quarantined record."""
        self.quarantined[verdict.issue] += 1
        self._sample(verdict.issue, verdict.event_id)

    def note(self, name: str) -> None:
        """Count a note on a record that is passed on."""
        self.notes[name] += 1

    def check_conservation(self, stage: str) -> None:
        """Raise AccountingError unless every incoming record is accounted for."""
        dropped, quarantined = self.dropped.total(), self.quarantined.total()
        if self.records_in + self.added != self.records_out + dropped + quarantined:
            raise AccountingError(
                f"Stage {stage} took {self.records_in} records and added {self.added}, but accounts for "
                f"{self.records_out} passed on, {dropped} dropped and {quarantined} quarantined: this is a bug, "
                f"please report it."
            )

    def _sample(self, reason: str, event_id: str | None) -> None:
        ids = self.samples.setdefault(reason, [])
        if event_id is not None and len(ids) < SAMPLES_PER_REASON:
            ids.append(clean_text(event_id[:80]))
