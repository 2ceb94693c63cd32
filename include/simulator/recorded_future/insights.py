"""The answers of the Collective Insights API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.recorded_future.indicator_rules import INDICATOR_TYPES
from simulator.recorded_future.json_body import read_json_object
from simulator.recorded_future.refusals import refused, status_error
from simulator.recorded_future.search import search
from simulator.recorded_future.store import DetectionStore
from simulator.recorded_future.submission import Submission, read_submission, to_stored
from simulator.settings import Limits, RecordedFutureGrant, Tokens

PREFIX: Final = "/collective-insights/"
_MICROSECOND: Final = timedelta(microseconds=1)
_TOKEN: Final = re.compile(r"[a-z0-9]{32}", re.ASCII)


class CollectiveInsightsApi:
    """One Recorded Future enterprise."""

    def __init__(self, store: DetectionStore, tokens: Tokens, limits: Limits) -> None:
        self._store = store
        self._grants = tokens.recorded_future
        self._limits = limits

    def answer(self, call: Call) -> Reply:
        """Returns the answer to one request."""
        resource = call.path.removeprefix(PREFIX)
        if resource not in ("detections", "search"):
            return status_error(404)
        if call.method != "POST":
            return status_error(405)
        try:
            grant = self._grant(call, resource)
            if len(call.body) > self._limits.recorded_future_max_body:
                raise refused(413)
            return self._submit(call, grant) if resource == "detections" else self._search(call, grant)
        except RefusalError as refusal:
            return refusal.reply

    def _grant(self, call: Call, resource: str) -> RecordedFutureGrant:
        token = call.headers.get("x-rftoken", "")
        if not _TOKEN.fullmatch(token) or token not in self._grants:
            raise refused(401)
        grant = self._grants[token]
        if not (grant.may_submit if resource == "detections" else grant.may_search):
            raise refused(403)
        return grant

    def _submit(self, call: Call, grant: RecordedFutureGrant) -> Reply:
        submission = read_submission(call, grant)
        if not submission.debug:
            self._check_daily_limit(call.now, len(submission.entries))
            number = len(self._store.detections)
            self._store.append(
                [
                    to_stored(entry, number + index, submission.organizations, call.now)
                    for index, entry in enumerate(submission.entries, start=1)
                ]
            )
        facts = {"entries": len(submission.entries), "debug": submission.debug}
        reply = json_reply(200, {"result": _result(submission)})
        return Reply(reply.status, reply.body, facts=facts)

    def _check_daily_limit(self, now: int, count: int) -> None:
        limit = self._limits.recorded_future_per_day
        if limit is not None and self._store.stored_on_day_of(now) + count > limit:
            raise refused(429, f"The daily limit of {limit} detections is exceeded")

    def _search(self, call: Call, grant: RecordedFutureGrant) -> Reply:
        delay = self._limits.recorded_future_search_delay // _MICROSECOND
        own = set(grant.organizations)
        visible = [
            stored
            for stored in self._store.detections
            if stored.stored_at + delay <= call.now and own & set(stored.organizations)
        ]
        return json_reply(200, search(read_json_object(call), visible))


def _result(submission: Submission) -> dict[str, Any]:
    processed = dict.fromkeys(INDICATOR_TYPES, 0)
    for entry in submission.entries:
        processed[entry["ioc"]["type"]] += 1
    result: dict[str, Any] = {"status": "OK", "debug": submission.debug}
    if submission.summary:
        result["summary"] = {"processed": processed}
    return result
