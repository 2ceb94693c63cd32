"""Who may see what: a connector's pages want the permission to read its DAG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query

from ci_operators.airflow_plugin.compat import get_auth_manager, get_user
from ci_operators.core.connector import DAG_PREFIX, RESERVED_NAMES


def find_readable(user: Annotated[Any, Depends(get_user)]) -> frozenset[str]:
    """Return the names of the connectors whose DAG the user may read, also of those that are in no file any more."""
    dag_ids = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    names = (dag_id.removeprefix(DAG_PREFIX) for dag_id in dag_ids if dag_id.startswith(DAG_PREFIX))
    return frozenset(names) - RESERVED_NAMES


Readable = Annotated[frozenset[str], Depends(find_readable)]


def choose(readable: Readable, connector: Annotated[list[str] | None, Query()] = None) -> Sequence[str]:
    """Return the names that a request is about: those it names, as far as the user may read them; all if none."""
    return sorted(readable & set(connector) if connector else readable)


Chosen = Annotated[Sequence[str], Depends(choose)]
