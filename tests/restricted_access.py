"""An auth manager whose users may be kept to one DAG, as FAB and Keycloak keep them: Airflow's simple one cannot."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from ci_operators.core.connector import DAG_PREFIX

#: A user whose name begins so may read the DAG of the connector whose name follows, and no other.
ONLY = "only-"


class RestrictedAccess(SimpleAuthManager):
    """Airflow's simple auth manager, but for users of one connector."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **kwargs: Any) -> bool:
        """Return whether the user may: one of one connector on no other DAG, and on none when no DAG is named."""
        allowed: bool = super().is_authorized_dag(user=user, details=details, **kwargs)
        if not user.username.startswith(ONLY):
            return allowed
        wanted = details.id if details else None
        return allowed and wanted == f"{DAG_PREFIX}{user.username.removeprefix(ONLY)}"
