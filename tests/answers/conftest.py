"""The fixtures of the command line's tests, since both use the same answers."""

from __future__ import annotations

from tests.commands.conftest import connect, desk, simulator

__all__ = ["connect", "desk", "simulator"]
