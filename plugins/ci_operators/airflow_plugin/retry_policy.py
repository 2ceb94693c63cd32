"""The error tree as Airflow's retry policy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryRule


class ErrorTreeRetryPolicy(ExceptionRetryPolicy):
    """A policy that fails immediately on a fatal error, and retries others after the delay that the vendor asked for.

    Other errors follow the task's own retries.
    """

    def __init__(self) -> None:
        super().__init__(
            rules=[
                RetryRule("ci_operators.core.errors.FatalError", RetryAction.FAIL),
                RetryRule("ci_operators.core.errors.RetriableError", RetryAction.RETRY),
            ]
        )

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Return the matching rule's decision with the error's own sentence and delay."""
        decision = super().evaluate(exception, try_number, max_tries, context)
        if decision.action is RetryAction.DEFAULT:
            return decision
        delay_s = getattr(exception, "retry_after_s", None)
        delay = None if delay_s is None else timedelta(seconds=delay_s)
        return RetryDecision(action=decision.action, retry_delay=delay, reason=str(exception)[:500])
