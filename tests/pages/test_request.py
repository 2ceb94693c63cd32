"""The time range of a request, and the connectors that a user can see."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.dag import DagModel
from sqlalchemy.orm import Session

from ci_operators.core.errors import ConfigurationError
from ci_operators.pages.request import Period, choose, find_readable, read_period
from tests.pages.conftest import LogIn


def test_range_is_read_with_any_zone() -> None:
    found = read_period("2026-03-01T00:00:00+01:00", "2026-03-02T00:00:00Z")
    assert found == Period(datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


def test_default_is_the_last_week() -> None:
    found = read_period()
    assert found.until - found.since == timedelta(days=7)
    assert abs(datetime.now(UTC) - found.until) < timedelta(minutes=1)


def test_since_defaults_to_a_week_before_until() -> None:
    assert read_period(None, "2026-03-08T00:00:00Z").since == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("yesterday", None, "since is not a date and time"),
        (None, "2026-13-01T00:00:00Z", "until is not a date and time"),
        ("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z", "since must be before until"),
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "since must be before until"),
    ],
)
def test_an_invalid_range_is_refused(since: str | None, until: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_period(since, until)


def test_days_count_whole_and_the_end_is_exclusive() -> None:
    period = Period(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert (period.first_day, period.end_day) == (date(2026, 3, 1), date(2026, 3, 3))
    later = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC))
    assert later.end_day == date(2026, 3, 4)


def readable_of(username: str) -> frozenset[str]:
    """Return the connectors that a user can read."""
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


def test_choice_is_limited_to_readable_connectors() -> None:
    readable = frozenset({"okta", "sentinelone"})
    assert choose(readable) == ["okta", "sentinelone"]
    assert choose(readable, ["sentinelone", "trial"]) == ["sentinelone"]
    assert choose(readable, ["trial"]) == []
