"""The error tree as Airflow's retry policy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import RetryAction

from ci_operators.airflow_plugin.retry_policy import ErrorTreeRetryPolicy
from ci_operators.core.errors import (
    AccountingError,
    ConfigurationError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnknownOutcomeError,
)

POLICY = ErrorTreeRetryPolicy()
FATAL = (ConfigurationError, CredentialsError, RequestRefusedError, AccountingError)
RETRIABLE = (RateLimitedError, UnavailableError, UnknownOutcomeError)


@pytest.mark.parametrize(
    ("error", "action", "delay_s"),
    [
        *((kind("Fix this."), RetryAction.FAIL, None) for kind in FATAL),
        *((kind("Later.", retry_after_s=42.5), RetryAction.RETRY, 42.5) for kind in RETRIABLE),
        (UnavailableError("Later."), RetryAction.RETRY, None),  # without a time from the vendor, the task decides
        (ConfigurationError("x" * 5000), RetryAction.FAIL, None),
    ],
)
def test_an_error_of_the_tree_is_its_own_policy(error: Exception, action: RetryAction, delay_s: float | None) -> None:
    decision = POLICY.evaluate(error, try_number=1, max_tries=3)
    assert (decision.action, decision.reason) == (action, str(error)[:500])
    assert decision.retry_delay == (timedelta(seconds=delay_s) if delay_s else None)


@pytest.mark.parametrize("error", [OSError("disk full"), MemoryError(), KeyError("x")])
def test_anything_else_follows_the_tasks_own_retries(error: BaseException) -> None:
    assert POLICY.evaluate(error, try_number=1, max_tries=3).action is RetryAction.DEFAULT
