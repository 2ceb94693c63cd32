"""An auth manager that can limit users to one DAG, as FAB and Keycloak can and Airflow's simple one cannot."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from ci_operators.core.connector import DAG_PREFIX

#: A user with this prefix can read only the DAG of the connector whose name follows.
ONLY = "only-"


class RestrictedAccess(SimpleAuthManager):
    """Airflow's simple auth manager, with restricted users."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **kwargs: Any) -> bool:
        """Return whether the user has access. A restricted user needs a named DAG, which has to be the connector's."""
        allowed: bool = super().is_authorized_dag(user=user, details=details, **kwargs)
        if not user.username.startswith(ONLY):
            return allowed
        wanted = details.id if details else None
        return allowed and wanted == f"{DAG_PREFIX}{user.username.removeprefix(ONLY)}"
