"""The counts of a run's records, stage by stage, with each code in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from ci_operators.answers.run.manifests import FoundManifest, read_manifests
from ci_operators.answers.wording import Wording
from ci_operators.core.connector import Connector
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES, Tally
from ci_operators.sources.registry import load_source


@dataclass(frozen=True, slots=True)
class TaskState:
    """The state of a stage's task in Airflow."""

    state: str | None = None
    try_number: int = 0


@dataclass(frozen=True, slots=True)
class RunState:
    """A run in Airflow. kind: scheduled, manual or backfill; tasks, manifests: by stage, only those that exist."""

    run_id: str
    kind: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tasks: Mapping[str, TaskState] = field(default_factory=dict)
    manifests: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunAccount:
    """The figures of a run. manifests: by stage, from the tasks' XComs or the ledger; not validated."""

    connector: Connector
    run: RunState
    manifests: Mapping[str, object]
    wording: Wording

    @cached_property
    def found(self) -> dict[str, FoundManifest]:
        """Return the manifests that can be read."""
        return read_manifests(self.manifests)

    @property
    def is_debug(self) -> bool:
        """Return whether it is a debug run; before a stage has finished, the connector's option."""
        return next((each.debug for each in self.found.values()), self.connector.debug)

    def tell(self, records_note: str = "") -> dict[str, Any]:
        """Return the account. records_note: why the run's artifacts cannot be read, empty if they can."""
        found, extract, submit = self.found, self.found.get("extract"), self.found.get("submit")
        return {
            "connector": self.connector.name,
            "source": self.connector.source,
            "source_title": load_source(self.connector.source).title,
            "debug": self.is_debug,
            "kind": self.run.kind,
            "state": self.run.state,
            "started_at": _format(self.run.started_at),
            "ended_at": _format(self.run.ended_at),
            "window": next((each.window.tell() for each in found.values() if each.window), None),
            "overlap_s": (extract.count("overlap_s") if extract else None) or 0,
            "pages": extract.count("pages") if extract else None,
            "waited_s": extract.number("waited_s") if extract else None,
            "duration_s": round(sum(each.duration_s or 0.0 for each in found.values()), 3),
            "stages": [self._tell_stage(stage, found.get(stage)) for stage in STAGES],
            "delivery": _tell_delivery(submit) if submit else None,
            "note": " ".join(self._find_notes()),
            "records_available": bool(found) and not records_note,
            "records_note": records_note or ("" if found else "No stage has finished yet: there are no records."),
        }

    def _tell_stage(self, stage: str, found: FoundManifest | None) -> dict[str, Any]:
        """Return what one stage did; its counts are None before it has finished.

        records_in + added = records_out + dropped + quarantined; `extra` contains added, if it is not 0.
        """
        task, tally = self.run.tasks.get(stage, TaskState()), found.tally if found else Tally()
        return {
            "stage": stage,
            "state": task.state,
            "try_number": task.try_number,
            "records_in": tally.records_in if found else None,
            "records_out": tally.records_out if found else None,
            "dropped": self._tell_codes(tally.dropped, tally),
            "quarantined": self._tell_codes(tally.quarantined, tally),
            "notes": self._tell_codes(tally.notes, tally),
            "duration_s": found.duration_s if found else None,
            "bytes": found.bytes if found else None,
            "extra": found.show_extra() if found else {},
        }

    def _tell_codes(self, codes: Mapping[str, int], tally: Tally) -> list[dict[str, Any]]:
        """Return the number of records with each reason, issue or note, and some of their ids."""
        return [
            {
                "code": code,
                "words": self.wording.say(self.connector.name, code),
                "count": count,
                "samples": tally.samples.get(code, []),
                "faq": self.wording.name_faq(self.connector.name, code),
            }
            for code, count in sorted(codes.items(), key=lambda item: (-item[1], item[0]))
        ]

    def _find_notes(self) -> Iterator[str]:
        """Yield a sentence on why the figures end before submit or are incomplete, if they are."""
        found = self.found
        odd = [stage for stage in STAGES if self.manifests.get(stage) is not None and stage not in found]
        if odd:
            yield f"This version cannot read the manifest of {' and '.join(odd)}, so its figures are not shown."
        if self.is_debug and "validate" in found and found["validate"].tally.records_out:
            yield "Debug run: Recorded Future has checked the detections and stored nothing."
            return
        last = next((stage for stage in reversed(STAGES) if stage in found), None)
        missing = STAGES[0] if last is None else next(iter(STAGES[STAGES.index(last) + 1 :]), None)
        if missing is None or missing in odd:
            return
        if last is not None and found[last].tally.records_out == 0:
            what = "The source had no events in the window" if last == "extract" else f"Nothing was left after {last}"
            yield f"{what}: the run ended there."
        else:
            yield _say_missing(missing, self.run.tasks.get(missing, TaskState()).state)


def _tell_delivery(submit: FoundManifest) -> dict[str, int]:
    """Return the outcomes of the detections that submit received: accepted + already_accepted + duplicate + waiting +
    unknown + rejected are all of them. from_waiting: in addition, accepted ones that had waited since an earlier run.
    """
    tally = submit.tally
    waiting = min(submit.count("waiting") or 0, tally.records_out)
    duplicate, unknown = tally.dropped["duplicate"], tally.quarantined["outcome_unknown"]
    return {
        "accepted": tally.records_out - waiting,  # what is passed on and does not wait
        "already_accepted": tally.dropped.total() - duplicate,
        "duplicate": duplicate,
        "waiting": waiting,
        "unknown": unknown,
        "resent_unknown": submit.count("resent_unknown") or 0,
        "found_by_search": submit.count("found_by_search") or 0,
        "rejected": tally.quarantined.total() - unknown,
        "from_waiting": submit.count("from_waiting") or 0,
    }


def _say_missing(stage: str, state: str | None) -> str:
    if state == "failed":
        return f"{stage.capitalize()} has failed. Its log shows why."
    if state == "success":
        return f"{stage.capitalize()} has finished, but its manifest is gone."
    if state in ("skipped", "removed", "upstream_failed"):
        return f"{stage.capitalize()} did not run."
    return f"{stage.capitalize()} has not finished yet."


def _format(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
