"""The fixtures of the command line's tests: both ask the same answers."""

from __future__ import annotations

from tests.commands.conftest import connect, desk, simulator

__all__ = ["connect", "desk", "simulator"]
