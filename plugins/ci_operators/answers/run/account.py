"""What became of a run's records in figures: stage by stage, in words, adding up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from ci_operators.answers.run.manifests import (
    StageCounts,
    find_number,
    find_seconds,
    read_manifests,
    show_extra,
)
from ci_operators.answers.wording import Wording
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What Airflow says of a run. kind: scheduled, manual or backfill; state: of the DAG run."""

    connector: str
    source: str
    source_title: str
    debug: bool
    kind: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What Airflow says of a stage's task."""

    state: str | None = None
    try_number: int = 0


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many records met a reason, issue or note; `samples`: ids of some of them."""

    code: str
    words: str
    count: int
    samples: Sequence[str] = ()
    faq: str = ""


@dataclass(frozen=True, slots=True)
class StageAccount:
    """What one stage did; None before it has finished. records_in + added = records_out + dropped + quarantined.

    added, in `extra`: records beyond one for each that came in, when one event gives several detections.
    """

    stage: str
    state: str | None
    try_number: int
    records_in: int | None = None
    records_out: int | None = None
    dropped: Sequence[CodeCount] = ()
    quarantined: Sequence[CodeCount] = ()
    notes: Sequence[CodeCount] = ()
    duration_s: float | None = None
    bytes: int | None = None
    extra: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeliveryAccount:
    """What became of the detections that submit took: accepted + already_accepted + duplicate + waiting + unknown +
    rejected are all of them. from_waiting: beside them, accepted ones that had waited since an earlier run."""

    accepted: int
    already_accepted: int
    duplicate: int
    waiting: int
    unknown: int
    resent_unknown: int
    found_by_search: int
    rejected: int
    from_waiting: int


@dataclass(frozen=True, slots=True)
class RunAccount:
    """A run in figures. waited_s: for rate limits; note: a sentence where something is missing, else empty."""

    connector: str
    source: str
    source_title: str
    debug: bool
    kind: str
    state: str
    started_at: str | None
    ended_at: str | None
    window: Mapping[str, str] | None
    overlap_s: int
    pages: int | None
    waited_s: float | None
    duration_s: float
    stages: Sequence[StageAccount]
    delivery: DeliveryAccount | None
    note: str
    records_available: bool = True
    records_note: str = ""


def make_account(
    run: RunFacts,
    manifests: Mapping[str, object],
    tasks: Mapping[str, TaskFacts],
    wording: Wording,
    records_note: str = "",
) -> RunAccount:
    """Return the account of a run.

    manifests: by stage, from the tasks' XComs or the ledger, whatever they hold. records_note: why the run's
    artifacts cannot be read, empty if they can.
    """
    counts = read_manifests(manifests)
    debug = next(iter(counts.values())).debug if counts else run.debug
    return RunAccount(
        **_describe_run(replace(run, debug=debug)),
        **_describe_reading(counts),
        stages=[_account(stage, counts.get(stage), tasks, run.connector, wording) for stage in STAGES],
        delivery=_deliver(counts["submit"]) if "submit" in counts else None,
        note=" ".join(_find_notes(counts, manifests, tasks, debug=debug)),
        records_available=bool(counts) and not records_note,
        records_note=records_note or ("" if counts else "No stage has finished yet: there are no records."),
    )


def _describe_run(run: RunFacts) -> dict[str, Any]:
    return {**asdict(run), "started_at": _format(run.started_at), "ended_at": _format(run.ended_at)}


def _describe_reading(counts: Mapping[str, StageCounts]) -> dict[str, Any]:
    """Return what the run read, and how long it took."""
    extract = counts["extract"].extra if "extract" in counts else {}
    return {
        "window": next((found.window for found in counts.values() if found.window), None),
        "overlap_s": find_number(extract, "overlap_s") or 0,
        "pages": find_number(extract, "pages"),
        "waited_s": find_seconds(extract, "waited_s"),
        "duration_s": round(sum(found.duration_s or 0.0 for found in counts.values()), 3),
    }


def _account(
    stage: str, counts: StageCounts | None, tasks: Mapping[str, TaskFacts], connector: str, wording: Wording
) -> StageAccount:
    task = tasks.get(stage, TaskFacts())
    if counts is None:
        return StageAccount(stage, task.state, task.try_number)
    dropped, quarantined, notes = (
        _count_codes(codes, counts.samples, connector, wording)
        for codes in (counts.dropped, counts.quarantined, counts.notes)
    )
    return StageAccount(
        stage=stage,
        state=task.state,
        try_number=task.try_number,
        records_in=counts.records_in,
        records_out=counts.records_out,
        dropped=dropped,
        quarantined=quarantined,
        notes=notes,
        duration_s=counts.duration_s,
        bytes=counts.bytes,
        extra=show_extra(counts.extra),
    )


def _count_codes(
    codes: Mapping[str, int], samples: Mapping[str, Sequence[str]], connector: str, wording: Wording
) -> list[CodeCount]:
    by_number = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    return [
        CodeCount(code, wording.say(connector, code), number, samples.get(code, ()), wording.name_faq(connector, code))
        for code, number in by_number
    ]


def _deliver(submit: StageCounts) -> DeliveryAccount:
    """Return what became of the detections; those of this run that are neither named nor waiting were accepted."""
    waiting = min(find_number(submit.extra, "waiting") or 0, submit.records_out)
    duplicate = submit.dropped.get("duplicate", 0)
    unknown = submit.quarantined.get("outcome_unknown", 0)
    return DeliveryAccount(
        accepted=submit.records_out - waiting,
        already_accepted=sum(submit.dropped.values()) - duplicate,
        duplicate=duplicate,
        waiting=waiting,
        unknown=unknown,
        resent_unknown=find_number(submit.extra, "resent_unknown") or 0,
        found_by_search=find_number(submit.extra, "found_by_search") or 0,
        rejected=sum(submit.quarantined.values()) - unknown,
        from_waiting=find_number(submit.extra, "from_waiting") or 0,
    )


def _find_notes(
    counts: Mapping[str, StageCounts], manifests: Mapping[str, object], tasks: Mapping[str, TaskFacts], *, debug: bool
) -> Iterator[str]:
    """Yield what is to be said where the figures end before submit, or are not to be trusted."""
    odd = [stage for stage in STAGES if manifests.get(stage) is not None and stage not in counts]
    if odd:
        yield f"The manifest of {' and '.join(odd)} is none that this version can read: its figures are left out."
    if debug and "validate" in counts and counts["validate"].records_out:
        yield "Debug run: Recorded Future has checked the detections and stored nothing."
        return
    last = next((stage for stage in reversed(STAGES) if stage in counts), None)
    missing = STAGES[0] if last is None else next(iter(STAGES[STAGES.index(last) + 1 :]), None)
    if missing is None or missing in odd:
        return
    if last is not None and counts[last].records_out == 0:
        what = "The source had no events in the window" if last == "extract" else f"Nothing was left after {last}"
        yield f"{what}: the run ended there."
    else:
        yield _say_missing(missing, tasks.get(missing, TaskFacts()).state)


def _say_missing(stage: str, state: str | None) -> str:
    if state == "failed":
        return f"{stage.capitalize()} has failed: its log says why."
    if state == "success":
        return f"{stage.capitalize()} has finished, but its manifest is gone."
    if state in ("skipped", "removed", "upstream_failed"):
        return f"{stage.capitalize()} did not run."
    return f"{stage.capitalize()} has not finished yet."


def _format(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
