"""Fixtures of the faults that need a whole DAG: the operators' own."""

from tests.operators.conftest import staging, tenant

__all__ = ["staging", "tenant"]
