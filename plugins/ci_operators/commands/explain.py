"""`explain`: the whole way of one event, by the ledger; else what its source says of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

from rich.console import RenderableType
from sqlalchemy import Connection

from ci_operators.commands.selection import choose_connectors, group_by_ledger, open_ledger
from ci_operators.commands.source_question import Answer, Coverage, ask_source
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.commands.wording import STATES, make_words, say
from ci_operators.connectors_file import load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger import overview
from ci_operators.ledger.trail import DeliveredDetection, Trail, find_connectors, find_trail

Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of an event: its way by the ledger, or the answers of the sources."""

    event_id: str
    sentences: Sequence[str]
    ledger: Trail
    sources: Sequence[Answer] = ()


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Explain the event; 1 if neither the ledger nor a source knows it."""
    found = load_connectors()
    chosen = choose_connectors(found, [options.connector] if options.connector else [])
    words = make_words(found.connectors)
    trail, coverage = _look(options.event_id, chosen, alone=bool(options.connector))
    if trail:
        explanation = Explanation(options.event_id, list(tell_trail(trail, words)), trail)
    else:
        answers = [ask_source(each, options.event_id, coverage[each.name], terminal.now()) for each in chosen]
        explanation = Explanation(options.event_id, _say_answers(answers), trail, answers)
    terminal.show(explanation, _draw(explanation, words))
    return 0 if trail or any(answer.found for answer in explanation.sources) else 1


def _look(event_id: str, chosen: Sequence[Connector], *, alone: bool) -> tuple[Trail, dict[str, Coverage]]:
    trails, coverage = [], {each.name: Coverage(None, None) for each in chosen}
    for conn_id, connectors in group_by_ledger(chosen).items():
        try:
            with open_ledger(conn_id) as connection:
                names = [each.name for each in connectors] if alone else find_connectors(connection)
                trails.append(find_trail(connection, names, event_id))
                coverage |= {each.name: _find_coverage(connection, each.name) for each in connectors}
        except CollectiveInsightsError:
            if not all(each.debug for each in connectors):  # what only checks needs no ledger
                raise
    return _join(trails), coverage


def _find_coverage(connection: Connection, name: str) -> Coverage:
    number = overview.find_id(connection, name)
    if number is None:
        return Coverage(None, None)
    last = overview.find_last_window(connection, number)
    return Coverage(overview.find_first_since(connection, number), last.until if last else None)


def _join(trails: Sequence[Trail]) -> Trail:
    return Trail(
        dropped=[entry for trail in trails for entry in trail.dropped],
        quarantined=[entry for trail in trails for entry in trail.quarantined],
        detections=[entry for trail in trails for entry in trail.detections],
        runs=[entry for trail in trails for entry in trail.runs],
    )


def tell_trail(trail: Trail, words: Words) -> Iterator[str]:
    """Yield a sentence for each thing that became of the event."""
    for drop in trail.dropped:
        rule = say(words, drop.connector, drop.reason)
        yield f"{drop.connector}: dropped by {drop.stage} ({drop.reason}) in run {drop.run_id}: {rule}"
    for entry in trail.quarantined:
        issue = say(words, entry.connector, entry.issue)
        detail = f" {entry.detail}" if entry.detail and entry.detail != issue else ""
        after = f" Replayed: {entry.replay_note}." if entry.replayed_at and entry.replayed_at >= entry.seen_at else ""
        yield (
            f"{entry.connector}: quarantined by {entry.stage} as {entry.issue} in run {entry.run_id} "
            f"(quarantine {entry.id}): {issue}{detail}{after}"
        )
    for found in trail.detections:
        yield _tell_detection(found)


def _tell_detection(found: DeliveredDetection) -> str:
    message = f" Message: {found.message}" if found.message else ""
    return (
        f"{found.connector}: detection {found.indicator_type} {found.indicator} is {found.state}: "
        f"{STATES[found.state]} (run {found.run_id}, batch {found.batch}).{message}"
    )


def _say_answers(answers: Sequence[Answer]) -> list[str]:
    if any(answer.found or answer.failed for answer in answers):
        return [answer.sentence for answer in answers if answer.found or answer.failed]
    titles = " nor ".join(dict.fromkeys(answer.source for answer in answers))
    return [f"Neither the ledger nor {titles} knows the event."]


def _draw(explanation: Explanation, words: Words) -> Iterator[RenderableType]:
    for text in explanation.sentences:
        yield sentence(text)
    yield from _draw_trail(explanation.ledger, words)


def _draw_trail(trail: Trail, words: Words) -> Iterator[RenderableType]:
    tables: list[tuple[str, str, list[tuple[object, ...]]]] = [
        ("Detections", _DETECTION, [_detection_row(found) for found in trail.detections]),
        ("Quarantined", _QUARANTINED, [astuple(entry) for entry in trail.quarantined]),
        (
            "Dropped",
            _DROPPED,
            [(*astuple(drop), say(words, drop.connector, drop.reason)) for drop in trail.dropped],
        ),
        ("Runs", _RUNS, [astuple(run) for run in trail.runs]),
    ]
    for title, columns, rows in tables:
        if rows:
            yield make_table(title, columns.split(","), rows)


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
