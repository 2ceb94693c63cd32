"""The error tree, grouped by recovery. It is also the tasks' retry policy.

    CollectiveInsightsError
    ├── FatalError                  fail at once; the sentence says what to fix
    │   ├── ConfigurationError      connectors.yaml, trigger form, Airflow Connection
    │   ├── CredentialsError        401, 403: the vendor rejects the token, or the token lacks a right
    │   ├── RequestRefusedError     another 4xx: the vendor rejects the request
    │   ├── DamagedArtifactError    a staged file is not what its stage wrote
    │   └── AccountingError         counts that must be equal differ
    └── RetriableError              the same call can succeed later, see `retry_after_s`
        ├── RateLimitedError        429
        │   └── DailyLimitError     429 that means the whole day
        ├── UnavailableError        5xx, broken connection, timeout
        │   └── UnreachableError    no connection: nothing was sent
        ├── UnreadableAnswerError   HTML, incomplete JSON, or nothing instead of JSON
        ├── StagingError            the staging area cannot store an artifact
        ├── UnknownOutcomeError     a submission that may have been stored
        └── LedgerError             the ledger's database failed, or another run took over the connector

What is wrong with one record is not an error but a value: `core.verdict.Quarantined`.
"""

from __future__ import annotations


class CollectiveInsightsError(Exception):
    """Base class of all errors that this package raises on purpose. The message is a sentence for its user."""


class FatalError(CollectiveInsightsError):
    """A retry cannot help. A person has to fix what the message says."""


class ConfigurationError(FatalError):
    """A connector's entry, a trigger form or an Airflow Connection is wrong."""


class CredentialsError(FatalError):
    """The vendor rejects the token, or the token lacks a right."""


class RequestRefusedError(FatalError):
    """The vendor rejects the request. status: the HTTP status, None if no request was sent."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DamagedArtifactError(FatalError):
    """A staged file is not what its stage wrote: records would be lost unnoticed."""


class AccountingError(FatalError):
    """Counts that must be equal differ: records could be lost or sent unnoticed."""


class RetriableError(CollectiveInsightsError):
    """The same call can succeed later. retry_after_s: the wait that the vendor asked for, if any."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimitedError(RetriableError):
    """The vendor answered 429."""


class DailyLimitError(RateLimitedError):
    """The vendor accepts nothing more today."""


class UnavailableError(RetriableError):
    """The vendor answered 5xx, not in time, or not at all."""


class UnreachableError(UnavailableError):
    """There was no connection: the vendor did not receive the request."""


class UnreadableAnswerError(RetriableError):
    """A 200 with an unexpected body."""


class StagingError(RetriableError):
    """The staging area cannot store an artifact: it is full, or the user that runs the tasks cannot write to it."""


class UnknownOutcomeError(RetriableError):
    """A submission was sent, and it is not known whether it was stored."""


class LedgerError(RetriableError):
    """The ledger's database failed, or another run took over the connector: nothing more can be sent."""
