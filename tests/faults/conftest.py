"""The operators' fixtures, for faults that need a whole DAG."""

from tests.operators.conftest import staging, tenant

__all__ = ["staging", "tenant"]
