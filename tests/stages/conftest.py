"""Fixtures of the deliveries."""

from tests.stages.desk import blind, desk

__all__ = ["blind", "desk"]
