"""`python -m ci_operators`: the commands of the project."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ci_operators.commands.arguments import build_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 fine, 1 something to mend or not found, 2 wrong use or no ledger."""
    options = build_parser().parse_args(arguments)
    # Airflow reads Connections from its database only in processes that say what they are.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    from ci_operators.commands.terminal import Terminal, run_command  # rich: not needed for --help

    module = import_module(f"ci_operators.commands.{options.command}")
    return run_command(lambda: module.run(options, Terminal(options.json)))


if __name__ == "__main__":
    sys.exit(main())
