"""Recorded Future's Collective Insights API: `POST /collective-insights/detections`.

Sources: Recorded Future's support article "Collective Insights API" and the models of its SDK psengine 2.14. `debug`
and `summary` are always sent, because two official pages contradict each other on their defaults.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from ci_operators.core.detection import INDICATOR_TYPES
from ci_operators.core.errors import (
    AccountingError,
    ConfigurationError,
    DailyLimitError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnknownOutcomeError,
    UnreachableError,
    UnreadableAnswerError,
)
from ci_operators.recorded_future import ABOUT
from ci_operators.recorded_future.dropped import find_named
from ci_operators.transport.api import Api, header_sign_in
from ci_operators.transport.client import USER_AGENT, Client
from ci_operators.transport.elements import decode_answer
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Answer, Headers, Vendor

DETECTIONS_PATH = "/collective-insights/detections"

_TOKEN = re.compile(r"[a-z0-9]{32}", re.ASCII)
#: How a 429 can say that it means the day. Its body is not documented: one that does not match is a short limit.
_DAILY = re.compile(r"\b(daily|per day|a day|day's|24 hours)\b", re.IGNORECASE)
#: Indicator types that an error lists.
_MOST_KINDS = 10
_WHERE = "Request a Collective Insights token from Recorded Future's support."


class _Summary(Struct, frozen=True):
    processed: dict[str, int]


class _Result(Struct, frozen=True):
    status: str
    debug: bool
    summary: _Summary


class _Body(Struct, frozen=True):
    result: _Result


_body = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Submission:
    """One request: the detections' JSON texts, and the options for all of them.

    names: the indicator type of each detection by its `transient_id`, if the detections have one.
    """

    detections: Sequence[bytes]
    types: Counter[str]
    debug: bool
    organization_ids: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the request's body, with the detections unchanged."""
        head: dict[str, object] = {"options": {"debug": self.debug, "summary": True}}
        if self.organization_ids:
            head["organization_ids"] = list(self.organization_ids)
        return b'%s,"data":[%s]}' % (json.dumps(head).encode()[:-1], b",".join(self.detections))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the API counts as processed, by indicator type; the detections it dropped, by `transient_id`, and why."""

    processed: Counter[str]
    dropped: Mapping[str, str]


def read_token(text: str, label: str) -> tuple[str, str]:
    """Return the auth header for an API token, which has 32 lower-case letters and digits."""
    token = check_token(text, label=label, where=_WHERE)
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            f"{label} is not a valid Recorded Future token: it has {len(token)} characters, but a token has 32 "
            f"lower-case letters and digits. {_WHERE}"
        )
    return "X-RFToken", token


def submit(client: Client, submission: Submission) -> Counter[str]:
    """Return what the API counts as processed, by indicator type, if it counts the detections that were sent.

    A dry run is tried again after any retriable error; a live submission only after a 429, which stores nothing.
    Raises UnknownOutcomeError if a live submission may have been stored, AccountingError if the API
    counts other detections than were sent.
    """
    return submit_named(client, submission).processed


def submit_named(client: Client, submission: Submission) -> Receipt:
    """Return what `submit` returns, and what the API dropped of a submission whose detections have names.

    Raises the errors of `submit`. The counts of the answer may leave out what it names as dropped.
    """
    if submission.debug:
        return client.retry(lambda: _read(client, submission, _post(client, submission)))
    try:
        answer = client.retry(lambda: _post_once(client, submission))
        return _read(client, submission, answer)
    except UnreadableAnswerError as err:
        raise UnknownOutcomeError(f"{err} The detections were probably stored.") from err


def check(client: Client) -> str:
    """Return what works, after the cheapest authenticated request: a dry run of one made-up detection."""
    submit(client, make_probe())
    return "the token can submit detections"


def make_probe(organization_ids: Sequence[str] = ()) -> Submission:
    """Return a dry run of one valid, made-up detection: if it is rejected, the request is wrong."""
    return Submission([_PROBE], Counter(ip=1), debug=True, organization_ids=organization_ids)


def explain(body: bytes) -> str:
    """Return the message of an error body: `message` or `error.message`."""
    try:
        answer = json.loads(body)
        said = answer.get("message") or (answer.get("error") or {}).get("message")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""


def read_cooldown(headers: Headers, now: float) -> float | None:
    """Return the seconds to wait after a 429, None if it does not say."""
    return read_retry_after(headers, now)


VENDOR = Vendor(
    title=ABOUT.title,
    explain=explain,
    cooldown=read_cooldown,
    credentials_hint="the token is unknown or revoked. " + _WHERE,
    permission_hint="the token does not have the right to submit, or its user is not in all of the organization_ids.",
    headers={"X-RF-User-Agent": USER_AGENT},  # Recorded Future asks its partners' integrations to send it
)

API = Api(about=ABOUT, vendor=VENDOR, sign_ins={"token": header_sign_in(VENDOR, read_token)}, check=check)

#: 192.0.2.1 is an address for documentation (RFC 5737), which nobody uses.
_PROBE = (
    b'{"timestamp":"2026-01-01T00:00:00.000Z","ioc":{"type":"ip","value":"192.0.2.1","source_type":"connection check"},'
    b'"incident":{"id":"connection-check","type":"connection check"},'
    b'"detection":{"type":"correlation","name":"Connection check"}}'
)


def _post(client: Client, submission: Submission) -> Answer:
    try:
        return client.send("POST", DETECTIONS_PATH, body=submission.encode())
    except RateLimitedError as err:
        if _DAILY.search(str(err)):
            raise DailyLimitError(str(err), retry_after_s=err.retry_after_s) from None
        raise


def _post_once(client: Client, submission: Submission) -> Answer:
    try:
        return _post(client, submission)
    except UnreachableError:
        raise
    except UnavailableError as err:
        wait = err.retry_after_s
        raise UnknownOutcomeError(f"{err} The detections may have been stored.", retry_after_s=wait) from err
    except RequestRefusedError as err:
        if err.status is None or err.status >= 300:
            raise
        # "created", "accepted", "no content": perhaps stored, but without the expected answer.
        # A 200 is here if it was too long to read.
        due = "The" if err.status == 200 else "200 was expected: the"
        raise UnknownOutcomeError(f"{err} {due} detections may have been stored.") from err


def _read(client: Client, submission: Submission, answer: Answer) -> Receipt:
    result = decode_answer(answer.body, _body, client.vendor.title).result
    if result.debug is not submission.debug:
        raise AccountingError(f"Recorded Future answered debug={result.debug} to debug={submission.debug}.")
    processed = Counter({kind: count for kind, count in result.summary.processed.items() if count})
    named = find_named(answer.body, submission.names, client.quote) if submission.names else {}
    if processed == submission.types:  # names of all are an echo; names of some are dropped, whatever the counts say
        return Receipt(processed, {} if len(named) == len(submission.names) else named)
    if processed == submission.types - Counter(submission.names[name] for name in named):
        return Receipt(processed, named)
    told, sent = _words(client, processed), _words(client, submission.types)
    raise AccountingError(f"Recorded Future processed {told}, but {sent} were sent.")


def _words(client: Client, counts: Counter[str]) -> str:
    """Return the counts in words. The answer's types are limited in number and length, as in any error."""
    kinds = [kind for kind in (*INDICATOR_TYPES, *sorted(set(counts) - set(INDICATOR_TYPES))) if counts[kind]]
    said = ", ".join(client.quote(f"{counts[kind]} {kind}", 60) for kind in kinds[:_MOST_KINDS]) or "nothing"
    return f"{said} and {len(kinds) - _MOST_KINDS} more" if len(kinds) > _MOST_KINDS else said
