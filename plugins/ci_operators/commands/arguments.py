"""The command line: which commands there are, what each takes, and its help."""

from __future__ import annotations

import argparse
from typing import Any

from ci_operators.sources import name_ids

_STATUS = """exit status: 0 fine; 1 something is to be mended, or was not found; 2 wrong use, or no ledger"""
_MOMENT = "with a time zone (2026-03-10T12:00:00Z), or how long ago (7 days)"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `command` names the module that runs."""
    parser = argparse.ArgumentParser(
        prog="python -m ci_operators", description="Collective Insights connectors.", epilog=_STATUS
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_setup(commands)
    _add_ledger(commands)
    _add_status(commands)
    _add_explain(commands)
    _add_quarantine(commands)
    _add_settle(commands)
    _add_reconcile(commands)
    return parser


def _add(commands: Any, name: str, about: str, details: str = "", *, json: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=f"{about[:1].upper()}{about[1:]}. {details}".strip(),
        epilog=_STATUS,
    )
    if json:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    else:
        parser.set_defaults(json=False)
    return parser


def _add_setup(commands: Any) -> None:
    init = _add(commands, "init", "write DAG files, a connectors.yaml and an example of Connections into a folder")
    init.add_argument("folder", metavar="DIR", help="the folder, created if it does not exist")
    init.add_argument("--force", action="store_true", help="overwrite files that exist")
    check = _add(commands, "check", "say of each connector what works and what to mend")
    check.add_argument("connectors", nargs="*", metavar="NAME", help="connectors to check (default: all)")
    _add(commands, "schema", "print the JSON Schema of connectors.yaml", json=False)
    _add(commands, "reference", "print docs/reference.md: options, reasons, issues, notes", json=False)
    new = _add(
        commands, "new-source", "start a source in a checkout of the project: a small one that works, to be changed"
    )
    new.add_argument(
        "name", metavar="NAME", help="its word in connectors.yaml and its folder: small letters, digits, _"
    )
    new.add_argument("title", metavar="TITLE", help="its name for people, such as 'Acme Cloud'")


def _add_ledger(commands: Any) -> None:
    ledger = commands.add_parser(
        "ledger", help="bring the ledger's tables up to date, tell their version, rename a connector in it"
    )
    actions = ledger.add_subparsers(dest="action", required=True, metavar="ACTION")
    migrate = _add(
        actions, "migrate", "make the ledger's tables, or bring them up to date", "Run it after each update."
    )
    version = _add(actions, "version", "tell which version the ledger's tables have, and which this code needs")
    for parser in (migrate, version):
        parser.add_argument(
            "--connection", metavar="ID", help="Airflow Connection of the ledger (default: those the connectors name)"
        )
    hand_over = _add(
        actions,
        "hand-over",
        "give what a connector has left in the ledger to another one",
        "For a connector that was renamed, or removed while something was open: NEW knows all that OLD delivered, and "
        "its next run sends what waits, with NEW's Connections and organization_ids. Broken off, run it again.",
    )
    hand_over.add_argument("old", metavar="OLD", help="a connector that is in the connectors file no more")
    hand_over.add_argument("new", metavar="NEW", help="a connector of the file, of the same tenant")


def _add_status(commands: Any) -> None:
    status = _add(
        commands,
        "status",
        "tell how each connector stands",
        "Behind is a connector whose last window ended more than two update frequencies ago. Counts are those of "
        "today (UTC) and of the last 7 days. Exit status 1: a connector is behind, holds detections for `settle`, has "
        "stopped sending, has open records older than the history, left the file with something open, or its ledger "
        "cannot be read.",
    )
    status.add_argument("connectors", nargs="*", metavar="CONNECTOR", help="connectors to show (default: all)")


def _add_explain(commands: Any) -> None:
    explain = _add(
        commands,
        "explain",
        "tell the whole way of one event",
        "Each run that met it, the criterion that dropped it, the issue that quarantined it, its detections and what "
        "the API said. An id that the ledger does not know is asked of the source, and held against the criteria. "
        "An indicator gives the events whose detections have it.",
    )
    explain.add_argument(
        "event_id",
        metavar="EVENT_ID|INDICATOR",
        help=f"{name_ids()}; an address, domain or hash",
    )
    explain.add_argument("--connector", metavar="NAME", help="look with this connector alone")


def _add_quarantine(commands: Any) -> None:
    quarantine = commands.add_parser("quarantine", help="list, show, export, replay and close what could not go on")
    actions = quarantine.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _add(actions, "list", "list quarantined records, the newest first")
    _add_selection(listing)
    listing.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most N (default: 50)")
    listing.add_argument("--before", type=_positive, metavar="ID", help="go on below this id: the next page")
    show = _add(actions, "show", "show one quarantined record with its issue")
    show.add_argument("id", type=_positive, metavar="ID", help="its number in `quarantine list`")
    show.add_argument("--connector", metavar="NAME", help="the connector, where several ledgers have the number")
    show.add_argument("--redact", action="store_true", help="hide the values of fields that may be personal data")
    export = _add(actions, "export", "write quarantined records to a file, a JSON text in each line")
    export.add_argument("file", metavar="FILE.jsonl", help="only you may read it: it holds personal data")
    _add_selection(export)
    close = _add(
        actions,
        "close",
        "close quarantined records that shall not be sent",
        "Retention deletes closed records; open ones stay, however old. Held detections are for `settle`.",
    )
    close.add_argument("ids", nargs="*", type=_positive, metavar="ID", help="numbers in `quarantine list`")
    _add_selection(close)
    _add_replay(actions)


def _add_replay(actions: Any) -> None:
    replay = _add(
        actions,
        "replay",
        "take quarantined records through their stage and the later ones again",
        "After a mapping was mended, or Recorded Future takes what it refused. Records are delivered exactly as a run "
        "delivers them. Those of a debug connector are only checked. Held detections are for `settle`.",
    )
    replay.add_argument("ids", nargs="*", type=_positive, metavar="ID", help="numbers in `quarantine list`")
    _add_selection(replay)
    replay.add_argument("--dry-run", action="store_true", help="only say what would become of each; nothing is sent")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="NAME", help="of this connector alone")
    parser.add_argument("--issue", metavar="CODE", help="with this issue alone")
    parser.add_argument("--since", metavar="TIME", help=f"seen since then: {_MOMENT}")
    parser.add_argument("--all", action="store_true", dest="settled_too", help="also those that were replayed")


def _add_settle(commands: Any) -> None:
    settle = _add(
        commands,
        "settle",
        "settle detections that may have arrived",
        "They wait for it where unknown_policy is hold. Set to be sent again, they go with the next run that reads "
        "their window, or with the next run at all if the quarantine has them.",
    )
    settle.add_argument("--connector", metavar="NAME", required=True, help="their connector")
    outcome = settle.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--accepted", action="store_true", help="Recorded Future has them: never send them again")
    outcome.add_argument(
        "--resend", action="store_true", help="send them again; named ones also if the API refused them"
    )
    settle.add_argument("names", nargs="*", metavar="KEY|EVENT_ID", help="a detection's key, or an event's id")
    settle.add_argument("--all", action="store_true", dest="everything", help="all unknown ones of the connector")


def _add_reconcile(commands: Any) -> None:
    reconcile = _add(
        commands,
        "reconcile",
        "hold the ledger against what Recorded Future has stored",
        "By the detections' own times. The search endpoint may lag behind: what is missing may still show.",
    )
    reconcile.add_argument("--connector", metavar="NAME", required=True, help="the connector")
    reconcile.add_argument("--since", metavar="TIME", required=True, help=f"begin: {_MOMENT}")
    reconcile.add_argument("--until", metavar="TIME", required=True, help="end, exclusive: the same")
    reconcile.add_argument("--limit", type=_positive, default=100, metavar="N", help="list at most N of each kind")
    reconcile.add_argument("--mend", action="store_true", help="mark unknown detections that are found as accepted")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "whole number"  # argparse: "invalid whole number value: 'x'"
