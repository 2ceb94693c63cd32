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
    RetriableError,
    UnavailableError,
    UnknownOutcomeError,
)

POLICY = ErrorTreeRetryPolicy()


@pytest.mark.parametrize("kind", [ConfigurationError, CredentialsError, RequestRefusedError, AccountingError])
def test_a_fatal_error_fails_at_once_with_its_sentence(kind: type[Exception]) -> None:
    decision = POLICY.evaluate(kind("Mend this."), try_number=1, max_tries=3)
    assert (decision.action, decision.reason) == (RetryAction.FAIL, "Mend this.")


@pytest.mark.parametrize("kind", [RateLimitedError, UnavailableError, UnknownOutcomeError])
def test_a_retriable_error_comes_again_when_the_vendor_asked(kind: type[RetriableError]) -> None:
    decision = POLICY.evaluate(kind("Later.", retry_after_s=42.5), try_number=1, max_tries=3)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay == timedelta(seconds=42.5)
    assert decision.reason == "Later."


def test_a_vendor_that_names_no_time_leaves_it_to_the_task() -> None:
    decision = POLICY.evaluate(UnavailableError("Later."), try_number=1, max_tries=3)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, None)


@pytest.mark.parametrize("error", [OSError("disk full"), MemoryError(), KeyError("x")])
def test_anything_else_follows_the_tasks_own_retries(error: BaseException) -> None:
    assert POLICY.evaluate(error, try_number=1, max_tries=3).action is RetryAction.DEFAULT


def test_a_long_sentence_is_cut() -> None:
    reason = POLICY.evaluate(ConfigurationError("x" * 5000), try_number=1, max_tries=3).reason
    assert reason == "x" * 500
