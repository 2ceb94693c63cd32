"""The error tree, ordered by what to do about an error; it is also the tasks' retry policy.

    CollectiveInsightsError
    ├── FatalError                  fail at once; the sentence says what to mend
    │   ├── ConfigurationError      connectors.yaml, trigger form, Airflow Connection
    │   ├── CredentialsError        401, 403: the vendor knows the token not, or its rights are too few
    │   ├── RequestRefusedError     another 4xx: the vendor refuses the request as it stands
    │   ├── DamagedArtifactError    a staged file is not what its stage wrote
    │   └── AccountingError         counts that must agree do not
    └── RetriableError              the same call may go well later, see `retry_after_s`
        ├── RateLimitedError        429
        │   └── DailyLimitError     429 that means the whole day
        ├── UnavailableError        5xx, broken connection, time-out
        │   └── UnreachableError    no connection came about: nothing was sent
        ├── UnreadableAnswerError   HTML, half a JSON text or nothing where JSON was due
        ├── StagingError            the staging area does not take an artifact
        ├── UnknownOutcomeError     a submission that may have been stored
        └── LedgerError             the ledger's database failed, or another run has taken the connector over

What is wrong with one record is not an error but a value: `core.verdict.Quarantined`.
"""

from __future__ import annotations


class CollectiveInsightsError(Exception):
    """Root of everything this package raises on purpose. The text is one sentence for its user."""


class FatalError(CollectiveInsightsError):
    """Trying again cannot help; somebody has to mend what the sentence names."""


class ConfigurationError(FatalError):
    """A connector's entry, a trigger form or an Airflow Connection is wrong."""


class CredentialsError(FatalError):
    """The vendor refuses the token, or the token lacks a right."""


class RequestRefusedError(FatalError):
    """The vendor refuses the request as it stands. `status`: the answer's, None if it was not even asked."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DamagedArtifactError(FatalError):
    """A staged file is not what its stage wrote: passing it on would lose records unseen."""


class AccountingError(FatalError):
    """Counts that must agree do not: records would be lost or sent unseen."""


class RetriableError(CollectiveInsightsError):
    """The same call may go well later. `retry_after_s`: seconds the vendor asked for, if it did."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimitedError(RetriableError):
    """The vendor answered 429."""


class DailyLimitError(RateLimitedError):
    """The vendor takes no more today."""


class UnavailableError(RetriableError):
    """The vendor answered 5xx, not in time, or not at all."""


class UnreachableError(UnavailableError):
    """No connection came about: the vendor saw nothing of the request."""


class UnreadableAnswerError(RetriableError):
    """A 200 whose body is not what it has to be."""


class StagingError(RetriableError):
    """The staging area does not take an artifact: it is full, or closed to the user that runs the tasks."""


class UnknownOutcomeError(RetriableError):
    """A submission left, and nobody can say whether it was stored."""


class LedgerError(RetriableError):
    """The ledger's database failed, or another run holds the connector now: nothing more may be sent."""
