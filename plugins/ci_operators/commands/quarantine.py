"""`quarantine`: list, show, export and close what could not go on; `replay` has a module of its own."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from ci_operators.answers.ledgers import group_by_ledger, open_ledger
from ci_operators.answers.wording import make_wording
from ci_operators.commands.redaction import read_record, redact_record
from ci_operators.commands.selection import choose_connectors, read_moment
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.connectors_file import load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.quarantined import Entry, Wanted, close_entries, count_entries, find_newest, read_pages
from ci_operators.staging.private import make_private_file

_LIST = ("id", "connector", "stage", "event", "issue", "detail", "seen", "replayed", "note")


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as it is listed: without its record."""

    id: int
    connector: str
    stage: str
    event_id: str | None
    issue: str
    detail: str
    run_id: str
    seen_at: Any
    replayed_at: Any
    replay_note: str | None


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Do what `action` says."""
    if options.action == "replay":
        from ci_operators.commands.replay import run_replay

        return run_replay(options, terminal)
    actions = {"list": _list, "show": _show, "export": _export, "close": _close}
    return actions[options.action](options, terminal)


def select_entries(options: argparse.Namespace, terminal: Terminal) -> tuple[dict[str, list[Connector]], Wanted]:
    """Return the ledgers that options are about, with their connectors, and the entries they want there."""
    found = load_connectors()
    chosen = choose_connectors(found, [options.connector] if options.connector else [])
    wanted = Wanted(
        connectors=[options.connector] if options.connector else None,
        issue=getattr(options, "issue", None),
        since=read_moment("--since", getattr(options, "since", None), terminal.now()),
        before=getattr(options, "before", None),
        settled_too=getattr(options, "settled_too", False),
    )
    return group_by_ledger(chosen), wanted


def refuse_everything(options: argparse.Namespace) -> None:
    """Raise ConfigurationError unless the options name what the action is about."""
    if not options.ids and not options.connector and not options.issue:
        raise ConfigurationError(f"Name what to {options.action}: ids of `quarantine list`, --connector or --issue.")


def _list(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal)
    entries, total = list[Entry](), 0
    for conn_id in ledgers:
        with open_ledger(conn_id) as connection:
            entries += find_newest(connection, wanted, options.limit)
            total += count_entries(connection, wanted)
    entries = sorted(entries, key=lambda entry: entry.seen_at, reverse=True)[: options.limit]
    listed = [_listed(entry) for entry in entries]
    document = {"entries": listed, "total": total}
    terminal.show(document, [make_table("Quarantine", _LIST, map(_row, listed)), *_more(entries, total)])
    return 0


def _more(entries: Sequence[Entry], total: int) -> Iterator[Any]:
    if total > len(entries) > 0:
        yield sentence(f"{len(entries)} of {total}; the next ones: --before {min(entry.id for entry in entries)}")


def _show(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal)
    wanted = Wanted(connectors=wanted.connectors, ids=[options.id], settled_too=True)
    entries = list[Entry]()
    for conn_id in ledgers:
        with open_ledger(conn_id) as connection:
            entries += [entry for page in read_pages(connection, wanted) for entry in page]
    if not entries:
        terminal.show({}, [sentence(f"The quarantine has no entry {options.id}.")])
        return 1
    if len(entries) > 1:
        names = ", ".join(entry.connector for entry in entries)
        raise ConfigurationError(f"Several ledgers have an entry {options.id}: add --connector, one of {names}.")
    entry = entries[0]
    record = redact_record(entry.record) if options.redact else read_record(entry.record)
    document = {**msgspec.to_builtins(_listed(entry)), "record": record}
    words = make_wording(load_connectors().connectors).say(entry.connector, entry.issue)
    rows = [(name.replace("_", " "), value) for name, value in zip(_FIELDS, _row(_listed(entry)), strict=True)]
    text = msgspec.json.format(msgspec.json.encode(record), indent=2).decode()
    terminal.show(document, [make_table(f"Quarantined: {words}", ("", ""), rows), sentence(text)])
    return 0


_FIELDS = ("id", "connector", "stage", "event_id", "issue", "detail", "seen_at", "replayed_at", "replay_note")


def _export(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal)
    target, count = Path(options.file), 0
    draft = target.with_name(f".{target.name}.draft")
    try:
        make_private_file(draft)
        with draft.open("wb") as file:
            for conn_id in ledgers:
                with open_ledger(conn_id) as connection:
                    for page in read_pages(connection, wanted):
                        file.writelines(_export_line(entry) for entry in page)
                        count += len(page)
        draft.replace(target)
    except OSError as err:
        raise ConfigurationError(f"{target} cannot be written: {err.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    terminal.show({"file": str(target), "exported": count}, [sentence(f"{count} records exported to {target}.")])
    return 0


def _close(options: argparse.Namespace, terminal: Terminal) -> int:
    refuse_everything(options)
    ledgers, wanted = select_entries(options, terminal)
    if options.ids and len(ledgers) > 1:
        raise ConfigurationError("Several ledgers may have these entries: add --connector.")
    wanted, closed, held = replace(wanted, ids=options.ids or None, settled_too=False), 0, 0
    for conn_id in ledgers:
        with open_ledger(conn_id) as connection:
            for page in read_pages(connection, wanted):
                ids = [entry.id for entry in page if entry.issue != "outcome_unknown"]
                with speak_plainly(), connection.begin():
                    close_entries(connection, ids, "closed by hand: not to be sent")
                closed, held = closed + len(ids), held + len(page) - len(ids)
    words = [sentence(f"{closed} records closed: they are not sent.")]
    if held:
        left = f"{held} held detections are left open: `settle` says whether Recorded Future has them."
        words.append(sentence(left, "yellow"))
    terminal.show({"closed": closed, "held": held}, words)
    return 1 if held or not closed else 0


def _export_line(entry: Entry) -> bytes:
    line: dict[str, Any] = msgspec.to_builtins(_listed(entry))
    try:
        msgspec.json.decode(entry.record)
        line["record"] = msgspec.Raw(entry.record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        line["record_base64"] = base64.b64encode(entry.record).decode("ascii")
    return msgspec.json.encode(line) + b"\n"


def _listed(entry: Entry) -> Listed:
    return Listed(**{name: getattr(entry, name) for name in Listed.__slots__})


def _row(listed: Listed) -> tuple[object, ...]:
    return tuple(getattr(listed, name) for name in _FIELDS)
