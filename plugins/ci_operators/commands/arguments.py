"""The parser of the command line: commands, arguments, and help."""

from __future__ import annotations

import argparse
from typing import Any

from ci_operators.sources import name_ids

_STATUS = """exit status: 0 success; 1 something needs to be fixed or was not found; 2 wrong usage or no ledger"""
_MOMENT = "a time with a zone (2026-03-10T12:00:00Z), or how long ago (7 days)"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `command` is the name of the module to run."""
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
    init = _add(commands, "init", "write DAG files, a connectors.yaml, and an example of the Connections into a folder")
    init.add_argument("folder", metavar="DIR", help="the folder, created if it does not exist")
    init.add_argument("--force", action="store_true", help="overwrite files that exist")
    check = _add(commands, "check", "check what works for each connector, and what to fix")
    check.add_argument("connectors", nargs="*", metavar="NAME", help="connectors to check (default: all)")
    _add(commands, "schema", "print the JSON Schema of connectors.yaml", json=False)
    _add(commands, "reference", "print docs/reference.md: options, reasons, issues, notes", json=False)
    attack = _add(
        commands,
        "attack-table",
        "write the file that `attack_table` in connectors.yaml names: a newer edition of ATT&CK",
        "Techniques that are newer than this package then keep their codes.",
    )
    attack.add_argument("bundle", metavar="BUNDLE.json", help="MITRE's STIX bundle: enterprise-attack.json")
    attack.add_argument("file", metavar="FILE.json", help="the file to write")
    new = _add(commands, "new-source", "create a small source that works, in a checkout of the project")
    new.add_argument(
        "name", metavar="NAME", help="its name in connectors.yaml and its folder: lowercase letters, digits, _"
    )
    new.add_argument("title", metavar="TITLE", help="its title, such as 'Acme Cloud'")


def _add_ledger(commands: Any) -> None:
    ledger = commands.add_parser("ledger", help="migrate the ledger, show its version, rename a connector in it")
    actions = ledger.add_subparsers(dest="action", required=True, metavar="ACTION")
    migrate = _add(actions, "migrate", "create or upgrade the tables of the ledger", "Run it after each upgrade.")
    version = _add(actions, "version", "show the version of the ledger's tables, and the version that this code needs")
    for parser in (migrate, version):
        parser.add_argument(
            "--connection",
            metavar="ID",
            help="Airflow Connection of the ledger (default: those that the connectors name)",
        )
    hand_over = _add(
        actions,
        "hand-over",
        "give a connector's records in the ledger to another connector",
        "For a connector that was renamed, or removed while it had open records. NEW knows everything that OLD "
        "delivered, and its next run sends what waits, with NEW's Connections and organization_ids. If it is "
        "interrupted, run it again.",
    )
    hand_over.add_argument("old", metavar="OLD", help="a connector that is no longer in the connectors file")
    hand_over.add_argument("new", metavar="NEW", help="a connector in the file, for the same tenant")


def _add_status(commands: Any) -> None:
    status = _add(
        commands,
        "status",
        "show the health of each connector",
        "A connector is behind if its last window ended more than two update frequencies ago. Counts are for "
        "today (UTC) and for the last 7 days. Exit status 1: a connector is behind, holds detections for `settle`, has "
        "stopped sending, has open records older than the history, was removed with open records, or its ledger "
        "cannot be read.",
    )
    status.add_argument("connectors", nargs="*", metavar="CONNECTOR", help="connectors to show (default: all)")


def _add_explain(commands: Any) -> None:
    explain = _add(
        commands,
        "explain",
        "show what happened to one event",
        "Each run that read it, the criterion that dropped it, the issue that quarantined it, its detections, and what "
        "the API answered. If the ledger does not know the id, the source is asked, and the criteria are applied. "
        "For an indicator, the events whose detections have it.",
    )
    explain.add_argument(
        "event_id",
        metavar="EVENT_ID|INDICATOR",
        help=f"{name_ids()}; an address, domain or hash",
    )
    explain.add_argument("--connector", metavar="NAME", help="search only this connector")


def _add_quarantine(commands: Any) -> None:
    quarantine = commands.add_parser("quarantine", help="list, show, export, replay, and close quarantined records")
    actions = quarantine.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _add(actions, "list", "list quarantined records, newest first")
    _add_selection(listing)
    listing.add_argument("--limit", type=_positive, default=50, metavar="N", help="at most N (default: 50)")
    listing.add_argument("--before", type=_positive, metavar="ID", help="continue below this id: the next page")
    show = _add(actions, "show", "show one quarantined record with its issue")
    show.add_argument("id", type=_positive, metavar="ID", help="its number in `quarantine list`")
    show.add_argument("--connector", metavar="NAME", help="the connector, if several ledgers have this number")
    show.add_argument("--redact", action="store_true", help="hide the values of fields that can be personal data")
    export = _add(actions, "export", "write quarantined records to a file, one JSON document per line")
    export.add_argument("file", metavar="FILE.jsonl", help="only you can read it, because it contains personal data")
    _add_selection(export)
    close = _add(
        actions,
        "close",
        "close quarantined records that must not be sent",
        "Retention deletes closed records and keeps open ones. For held detections use `settle`.",
    )
    close.add_argument("ids", nargs="*", type=_positive, metavar="ID", help="numbers in `quarantine list`")
    _add_selection(close)
    _add_replay(actions)


def _add_replay(actions: Any) -> None:
    replay = _add(
        actions,
        "replay",
        "process quarantined records again, from the stage that refused them",
        "Use it after you fixed a mapping, or when Recorded Future accepts what it refused. Records are delivered "
        "exactly as a run delivers them. Those of a debug connector are only checked. For held detections use "
        "`settle`.",
    )
    replay.add_argument("ids", nargs="*", type=_positive, metavar="ID", help="numbers in `quarantine list`")
    _add_selection(replay)
    replay.add_argument(
        "--dry-run", action="store_true", help="only show what would happen to each record; nothing is sent"
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--connector", metavar="NAME", help="only this connector")
    parser.add_argument("--issue", metavar="CODE", help="only this issue")
    parser.add_argument("--since", metavar="TIME", help=f"seen since: {_MOMENT}")
    parser.add_argument("--all", action="store_true", dest="settled_too", help="also records that are settled")


def _add_settle(commands: Any) -> None:
    settle = _add(
        commands,
        "settle",
        "decide about detections whose outcome is unknown",
        "Held detections wait for this decision. With --resend they are sent by the next run that reads "
        "their window, or by the next run if the quarantine has them.",
    )
    settle.add_argument("--connector", metavar="NAME", required=True, help="their connector")
    outcome = settle.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--accepted", action="store_true", help="Recorded Future has them: do not send them again")
    outcome.add_argument(
        "--resend", action="store_true", help="send them again; named ones even if the API refused them"
    )
    settle.add_argument("names", nargs="*", metavar="KEY|EVENT_ID", help="a detection's key, or an event's id")
    settle.add_argument("--all", action="store_true", dest="everything", help="all unknown detections of the connector")


def _add_reconcile(commands: Any) -> None:
    reconcile = _add(
        commands,
        "reconcile",
        "compare the ledger with what Recorded Future has stored",
        "Times are those of the detections. The search endpoint can lag: what is missing may appear later.",
    )
    reconcile.add_argument("--connector", metavar="NAME", required=True, help="the connector")
    reconcile.add_argument("--since", metavar="TIME", required=True, help=f"start: {_MOMENT}")
    reconcile.add_argument("--until", metavar="TIME", required=True, help="end (exclusive), in the same form")
    reconcile.add_argument("--limit", type=_positive, default=100, metavar="N", help="list at most N of each kind")
    reconcile.add_argument("--mend", action="store_true", help="mark unknown detections that are found as accepted")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "whole number"  # argparse: "invalid whole number value: 'x'"
