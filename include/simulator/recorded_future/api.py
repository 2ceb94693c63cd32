"""The answers of the Collective Insights API."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson

from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.faults import Fault, dressed
from simulator.recorded_future.indicator_rules import INDICATOR_TYPES
from simulator.recorded_future.refusals import refused, status_error
from simulator.recorded_future.search import search
from simulator.recorded_future.store import DetectionStore
from simulator.recorded_future.submission import Submission, read_json_object, read_submission, to_stored
from simulator.settings import ORGANIZATION, RECORDED_FUTURE_TOKEN, RecordedFutureGrant
from simulator.vendor import Setup, SignIn, Tenant

PREFIX: Final = "/collective-insights/"
_MICROSECOND: Final = timedelta(microseconds=1)
_TOKEN: Final = re.compile(r"[a-z0-9]{32}", re.ASCII)


class RecordedFutureTenant(Tenant):
    """One Recorded Future enterprise, the destination. It has no events."""

    name = "recorded_future"
    prefixes = (PREFIX,)
    sign_in = SignIn(RECORDED_FUTURE_TOKEN)
    usage = (
        f"POST /collective-insights/detections   X-RFToken: {RECORDED_FUTURE_TOKEN}\n"
        f"POST /collective-insights/search       (organization {ORGANIZATION})"
    )
    own_faults = frozenset({"store_then_status", "store_then_drop", "wrong_counts"})

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.store = DetectionStore(setup.state_directory)
        self._limits = setup.limits

    def answer(self, call: Call) -> Reply:
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

    def error(self, call: Call, status: int) -> Reply:
        return status_error(status)

    def strike_own(self, fault: Fault, call: Call) -> Reply | None:
        reply = self.answer(call)
        if fault.kind == "store_then_drop":
            return None
        if fault.kind == "store_then_status":
            return dressed(fault, status_error(fault.status))
        return replace(reply, body=_miscounted(reply.body)) if reply.status == 200 else reply

    def close(self) -> None:
        self.store.close()

    def _grant(self, call: Call, resource: str) -> RecordedFutureGrant:
        token, known = call.headers.get("x-rftoken", ""), self.setup.tokens.recorded_future
        if not _TOKEN.fullmatch(token) or token not in known:
            raise refused(401)
        grant = known[token]
        if not (grant.may_submit if resource == "detections" else grant.may_search):
            raise refused(403)
        return grant

    def _submit(self, call: Call, grant: RecordedFutureGrant) -> Reply:
        submission = read_submission(call, grant)
        if not submission.debug:
            self._check_daily_limit(call.now, len(submission.entries))
            number = len(self.store.detections)
            self.store.append(
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
        if limit is not None and self.store.stored_on_day_of(now) + count > limit:
            raise refused(429, f"The daily limit of {limit} detections is exceeded")

    def _search(self, call: Call, grant: RecordedFutureGrant) -> Reply:
        delay = self._limits.recorded_future_search_delay // _MICROSECOND
        own = set(grant.organizations)
        visible = [
            stored
            for stored in self.store.detections
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


def _miscounted(body: bytes) -> bytes:
    answer = orjson.loads(body)
    processed = answer.get("result", {}).get("summary", {}).get("processed")
    if processed:
        processed[max(processed, key=processed.__getitem__)] -= 1
    return orjson.dumps(answer)
