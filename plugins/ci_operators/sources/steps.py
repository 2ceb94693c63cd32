"""The filter and map steps of every source, made from what the source decides about one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from ci_operators.core.attack import NOTES as ATTACK_NOTES
from ci_operators.core.detection import MAX_NAME_LENGTH, Detection, encode_detection, shorten_id
from ci_operators.core.instant import normalise_instant
from ci_operators.core.verdict import Dropped, Note, Quarantined, Step

#: Issue code -> its meaning. Every source has these, and adds its own.
ISSUES = {
    "event_not_an_object": "The event is not a JSON object.",
    "missing_event_id": "The event has no id and cannot be distinguished from others.",
    "missing_timestamp": "The event has no time.",
    "unreadable_timestamp": "The event's time is not a date.",
}
#: Note code -> its meaning. Every source has these.
NOTES = {**ATTACK_NOTES, "timestamp_without_zone": "The event's time has no time zone and is read as UTC."}


class Event(Protocol):
    """The members of an event that a step reads."""

    @property
    def event_id(self) -> str | None:
        """Return the id of the event."""


Read = TypeVar("Read", bound=Event)


class IssueError(Exception):
    """An event cannot become a detection, for one of the source's issue codes. It is quarantined."""


def make_criteria(
    read: Callable[[bytes], Read | None], find_reason: Callable[[Read, Any], str | None]
) -> Callable[[Any], Step]:
    """Return a function that makes a connector's filter step, which passes an event on unchanged or says why not.

    read: returns the members of an event, None if it is not a JSON object. find_reason: returns the code of the
    criterion that excludes it by the connector's options, None if none does.
    """

    def criteria_for(connector: Any) -> Step:
        def keep(event: bytes) -> bytes | Dropped | Quarantined:
            members = read(event)
            if members is None:
                return Quarantined("event_not_an_object", None, ISSUES["event_not_an_object"])
            reason = find_reason(members, connector)
            return event if reason is None else Dropped(reason, members.event_id)

        return keep

    return criteria_for


def make_mapping(
    read: Callable[[bytes], Read | None],
    map_event: Callable[[Read, Any, Note], Detection | list[Detection]],
    issues: Mapping[str, str],
    prepare: Callable[[Any], object] = lambda connector: None,
) -> Callable[[Any, Note], Step]:
    """Return a function that makes a connector's map step, which returns the detections of an event or an issue.

    map_event: returns the detection of an event by the connector's options, or several with different indicators; it
    raises IssueError if there can be none. issues: each issue code that only this source raises -> its meaning.
    prepare: gets the connector before its first event, and raises ConfigurationError for options that cannot work.
    """

    meanings = {**ISSUES, **issues}

    def mapping_for(connector: Any, note: Note) -> Step:
        prepare(connector)

        def to_detections(event: bytes) -> bytes | list[bytes] | Quarantined:
            members = read(event)
            if members is None:
                return Quarantined("event_not_an_object", None, ISSUES["event_not_an_object"])
            try:
                found = map_event(members, connector, note)
            except IssueError as err:
                return Quarantined(str(err), members.event_id, meanings[str(err)])
            return _encode_each(found) if isinstance(found, list) else encode_detection(found)

        return to_detections

    return mapping_for


def _encode_each(detections: list[Detection]) -> list[bytes]:
    """Return the JSON texts of an event's detections, one for each indicator."""
    texts: dict[tuple[str, str], bytes] = {}
    for each in detections:
        texts.setdefault((each.ioc.type, each.ioc.value), encode_detection(each))
    return list(texts.values())


def read_event_id(event: Event) -> str:
    """Return the id of an event, as in a detection. Raises IssueError if the event has none."""
    event_id = shorten_id(event.event_id or "")
    if not event_id:
        raise IssueError("missing_event_id")
    return event_id


def read_timestamp(note: Note, *times: str | None) -> str:
    """Return the first of an event's times that is a date, in the format of Recorded Future's API.

    Notes a time without a zone, and a time that is not a date if another one replaces it. Raises IssueError
    if none is a date.
    """
    is_replaced = False
    for text in times:
        if not text:
            continue
        try:
            timestamp, has_zone = normalise_instant(text)
        except ValueError:
            is_replaced = True
            continue
        if is_replaced:
            note("timestamp_replaced")
        if not has_zone:
            note("timestamp_without_zone")
        return timestamp
    raise IssueError("unreadable_timestamp" if is_replaced else "missing_timestamp")


def clip(text: str | None) -> str:
    """Return a name without surrounding spaces, cut to the longest name that a detection can have."""
    return (text or "").strip()[:MAX_NAME_LENGTH]
