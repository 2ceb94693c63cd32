"""`quarantine`: lists, shows, exports and closes quarantined records. `replay` is in its own module."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from ci_operators.answers.ledgers import open_ledger
from ci_operators.answers.wording import make_wording
from ci_operators.commands.replay import run_replay
from ci_operators.commands.selection import refuse_everything, select_entries
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.quarantined import Entry, Wanted, close_entries, count_entries, find_newest, read_pages
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.staging.private import make_private_file

#: Members of an entry in JSON: all but its record.
_MEMBERS = (
    "id", "connector", "stage", "event_id", "issue", "detail", "run_id", "seen_at", "replayed_at", "replay_note",
)  # fmt: skip
#: Columns of the table: all members but the run.
_SHOWN = tuple(name for name in _MEMBERS if name != "run_id")
_TITLES = ("id", "connector", "stage", "event", "issue", "detail", "seen", "replayed", "note")
HIDDEN = "***"
#: Names of members, of detections and of most events, whose values do not identify a person.
SHOWN = frozenset({"type", "id", "timestamp", "mitre_codes", "field", "source_type"})


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Run the action."""
    actions = {"list": _list, "show": _show, "export": _export, "close": _close, "replay": run_replay}
    return actions[options.action](options, terminal)


def _list(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal.now())
    entries, total = list[Entry](), 0
    for conn_id in ledgers:
        with open_ledger(conn_id) as connection:
            entries += find_newest(connection, wanted, options.limit)
            total += count_entries(connection, wanted)
    entries = sorted(entries, key=lambda entry: entry.seen_at, reverse=True)[: options.limit]
    document = {"entries": [_tell(entry) for entry in entries], "total": total}
    terminal.show(document, [make_table("Quarantine", _TITLES, map(_row, entries)), *_more(entries, total)])
    return 0


def _more(entries: Sequence[Entry], total: int) -> Iterator[Any]:
    if total > len(entries) > 0:
        yield sentence(
            f"{len(entries)} of {total} shown. For the next page: --before {min(entry.id for entry in entries)}"
        )


def _show(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal.now())
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
        raise ConfigurationError(f"Several ledgers have an entry {options.id}. Add --connector with one of {names}.")
    entry = entries[0]
    record = redact_record(entry.record) if options.redact else read_record(entry.record)
    words = make_wording(load_connectors().connectors).say(entry.connector, entry.issue)
    rows = [(name.replace("_", " "), value) for name, value in zip(_SHOWN, _row(entry), strict=True)]
    text = msgspec.json.format(msgspec.json.encode(record), indent=2).decode()
    table = make_table(f"Quarantined: {words}", ("", ""), rows)
    terminal.show({**_tell(entry), "record": record}, [table, sentence(text)])
    return 0


def _export(options: argparse.Namespace, terminal: Terminal) -> int:
    ledgers, wanted = select_entries(options, terminal.now())
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


def _export_line(entry: Entry) -> bytes:
    line = _tell(entry)
    try:
        msgspec.json.decode(entry.record)
        line["record"] = msgspec.Raw(entry.record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        line["record_base64"] = base64.b64encode(entry.record).decode("ascii")
    return msgspec.json.encode(line) + b"\n"


def _close(options: argparse.Namespace, terminal: Terminal) -> int:
    refuse_everything(options)
    ledgers, wanted = select_entries(options, terminal.now())
    if options.ids and len(ledgers) > 1:
        raise ConfigurationError("Several ledgers can have these entries. Add --connector.")
    wanted, closed, held = replace(wanted, ids=options.ids or None, settled_too=False), 0, 0
    for conn_id in ledgers:
        with open_ledger(conn_id) as connection:
            for page in read_pages(connection, wanted):
                ids = [entry.id for entry in page if entry.issue != "outcome_unknown"]
                with speak_plainly(), connection.begin():
                    close_entries(connection, ids, "closed by hand: not to be sent")
                closed, held = closed + len(ids), held + len(page) - len(ids)
    words = [sentence(f"{closed} records closed. They will not be sent.")]
    if held:
        left = f"{held} held detections stay open. Use `settle` to decide about them."
        words.append(sentence(left, "yellow"))
    terminal.show({"closed": closed, "held": held}, words)
    return 1 if held or not closed else 0


def _tell(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _MEMBERS}


def _row(entry: Entry) -> tuple[object, ...]:
    return tuple(getattr(entry, name) for name in _SHOWN)


def redact_record(record: bytes) -> Any:
    """Return the record with `***` for texts and numbers that can identify a person; null stays null.

    Members that a source declares personal are hidden, and so are all members that no source declares as shown:
    a member that a vendor adds later is hidden too.
    """
    sources = [load_source(name) for name in OPTIONS]
    personal = tuple(f".{path}" for source in sources for path in source.personal)
    shown = SHOWN.union(*(source.shown for source in sources))
    try:
        return _redact(json.loads(record), personal, shown)
    except (ValueError, RecursionError):
        return f"{HIDDEN} ({len(record)} bytes that are not JSON)"


def read_record(record: bytes) -> Any:
    """Return the record as a JSON value, or as text if it is not JSON."""
    try:
        return json.loads(record)
    except (ValueError, RecursionError):
        return record.decode("utf-8", "backslashreplace")


def _redact(
    value: Any, personal: tuple[str, ...], shown: frozenset[str], path: str = "", *, is_shown: bool = False
) -> Any:
    if path.endswith(personal):  # at any depth
        return _hide(value)
    if isinstance(value, dict):
        return {
            name: _redact(member, personal, shown, f"{path}.{name}", is_shown=name in shown)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_redact(item, personal, shown, path, is_shown=is_shown) for item in value]
    return value if is_shown else _hide(value)


def _hide(value: Any) -> Any:
    """Return the value with `***` for texts and numbers; null and booleans stay, because they identify nobody."""
    if isinstance(value, dict):
        return {name: _hide(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return value if value is None or isinstance(value, bool) else HIDDEN
