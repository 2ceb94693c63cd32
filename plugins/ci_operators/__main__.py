"""`python -m ci_operators`: the commands of the project."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ci_operators", description="Collective Insights connectors")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say of each connector what works and what to mend")
    check.add_argument("connectors", nargs="*", metavar="NAME", help="connectors to check (default: all)")
    commands.add_parser("schema", help="print the JSON Schema of connectors.yaml")
    commands.add_parser("reference", help="print docs/reference.md: options, reasons, issues, notes")
    options = parser.parse_args(arguments)
    # Airflow reads Connections from its database only in processes that say what they are.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    if options.command == "schema":
        from ci_operators.commands.schema import schema_text

        return _print(schema_text())
    if options.command == "reference":
        from ci_operators.commands.reference import reference_text

        return _print(reference_text())
    from ci_operators.commands.check import run_check

    return run_check(options.connectors)


def _print(text: str) -> int:
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
