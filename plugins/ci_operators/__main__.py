"""`python -m ci_operators`: the commands of the project."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ci_operators.airflow_plugin.compat import read_stored_connections
from ci_operators.commands.arguments import build_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit status: 0 success, 1 to be fixed or not found, 2 wrong usage or no ledger."""
    options = build_parser().parse_args(arguments)
    read_stored_connections()
    from ci_operators.commands.terminal import Terminal, run_command  # rich: not needed for --help

    terminal = Terminal(options.json)
    return run_command(lambda: int(_load(options.command).run(options, terminal)))


def _load(command: str) -> Any:
    """Import a command's module. Its imports are slow, and can print."""
    return import_module(f"ci_operators.commands.{command.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
