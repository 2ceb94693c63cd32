"""`explain`: shows what the ledger knows about an event, by its id or an indicator; else what its source says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import astuple

from rich.console import RenderableType

from ci_operators.answers.event.explanation import Explanation, Inquiry, explain
from ci_operators.answers.event.finder import EventFinder
from ci_operators.answers.event.search import tell_match
from ci_operators.answers.wording import Wording, make_wording
from ci_operators.commands.selection import choose_connectors
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.connectors_file import load_connectors
from ci_operators.ledger.trail import DeliveredDetection, Trail

_EMPTY = Trail((), (), (), ())


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Explain the event or the indicator. Return 1 if neither the ledger nor a source knows it."""
    found = load_connectors()
    chosen = choose_connectors(found, [options.connector] if options.connector else [])
    wording = make_wording(found.connectors)
    inquiry = Inquiry(EventFinder(terminal.now()), wording, gone_too=not options.connector)
    explanation = explain(options.event_id, chosen, inquiry)
    document = {
        "event_id": explanation.query,
        "kind": explanation.kind,
        "sentences": explanation.sentences,
        "codes_why": explanation.codes_why,
        "ledger": explanation.trail or _EMPTY,
        "steps": explanation.steps,
        "matches": [tell_match(match) for match in explanation.matches],
        "more": explanation.more,
        "sources": explanation.sources,
    }
    terminal.show(document, _draw(explanation, wording))
    return 1 if explanation.kind == "nothing" else 0


def _draw(explanation: Explanation, wording: Wording) -> Iterator[RenderableType]:
    for text in (*explanation.sentences, *explanation.codes_why):
        yield sentence(text)
    if explanation.matches:
        title = "The newest detections of the indicator" if explanation.more else "Detections of the indicator"
        yield make_table(title, _MATCH.split(","), (tuple(tell_match(match).values()) for match in explanation.matches))
    yield from _draw_trail(explanation.trail or _EMPTY, wording)


def _draw_trail(trail: Trail, wording: Wording) -> Iterator[RenderableType]:
    tables: list[tuple[str, str, list[tuple[object, ...]]]] = [
        ("Detections", _DETECTION, [_detection_row(found) for found in trail.detections]),
        ("Quarantined", _QUARANTINED, [astuple(entry) for entry in trail.quarantined]),
        (
            "Dropped",
            _DROPPED,
            [(*astuple(drop), wording.say(drop.connector, drop.reason)) for drop in trail.dropped],
        ),
        ("Runs", _RUNS, [astuple(run) for run in trail.runs]),
    ]
    for title, columns, rows in tables:
        if rows:
            yield make_table(title, columns.split(","), rows)


_MATCH = "connector,event,type,indicator,detected,state,key"
_DETECTION = "connector,indicator,detected,codes,state,batch,run,tries,first seen,settled,key"
_QUARANTINED = "connector,id,stage,issue,detail,run,seen,replayed,note"
_DROPPED = "connector,stage,reason,run,seen,rule"
_RUNS = "connector,run,kind,debug,since,until,finished"


def _detection_row(found: DeliveredDetection) -> tuple[object, ...]:
    return (
        found.connector,
        f"{found.indicator_type} {found.indicator}",
        found.detected_at,
        " ".join(found.codes),
        found.state,
        found.batch,
        found.run_id,
        found.attempts,
        found.first_seen,
        found.settled_at,
        found.key,
    )
