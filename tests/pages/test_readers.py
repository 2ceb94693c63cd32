"""Which connectors a user may see."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from sqlalchemy.orm import Session

from ci_operators.pages.readers import choose, find_readable
from tests.pages.conftest import LogIn


def readable_of(username: str) -> frozenset[str]:
    """Return what a user may read."""
    user: Any = SimpleAuthManagerUser(username=username, role="viewer")
    return find_readable(user)


def test_connectors_are_those_whose_dags_the_user_may_read(log_in: LogIn, metadata: Session) -> None:
    del log_in  # sets the auth manager
    for dag_id in ("sales", "collective_insights_maintenance", "collective_insights_gone"):
        metadata.add(DagModel(dag_id=dag_id, bundle_name="dags"))  # type: ignore[no-untyped-call]
    metadata.commit()
    assert readable_of("anybody") == {"okta", "sentinelone", "trial", "gone"}
    assert readable_of("only-okta") == {"okta"}
    assert readable_of("only-sales") == frozenset()


def test_choice_is_all_unless_some_are_named_and_never_more_than_may_be_read() -> None:
    readable = frozenset({"okta", "sentinelone"})
    assert choose(readable) == ["okta", "sentinelone"]
    assert choose(readable, ["sentinelone", "trial"]) == ["sentinelone"]
    assert choose(readable, ["trial"]) == []
