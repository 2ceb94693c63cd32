"""Pages of a million different events, made of a few templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import chain, count, cycle, islice
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from simulator.draws import Draws
from simulator.instants import HOUR, SECOND
from simulator.okta.threat_events import threat_event
from simulator.sentinelone.scenario import threat_hour

PAGE_EVENTS: Final = 1000
#: More than the compressor's window, so that repetition does not improve the result.
TEMPLATES: Final = 10
#: Placeholder in each event's id for the page's number.
MARK: Final = b"@@@@@@"
_TESTS: Final = Path(__file__).resolve().parents[1] / "tests" / "sources"
_SEED: Final = 7
_HOUR: Final = 490_000


def make_templates(source: str) -> list[bytes]:
    """Return JSON arrays of 1000 different events each, like those of the simulator's scenario. For a source that is
    not listed here, they are like its golden cases."""
    events = _EVENTS[source]() if source in _EVENTS else _golden_events(source)
    return [orjson.dumps(list(islice(events, PAGE_EVENTS))) for _ in range(TEMPLATES)]


def number_events(template: bytes, page: int) -> bytes:
    """Return the template with the ids of page `page`."""
    return template.replace(MARK, b"%06d" % page)


def _okta_events() -> Iterator[dict[str, Any]]:
    draws = Draws(_SEED, "benchmark")
    for number in count():
        event = threat_event(draws, _HOUR * HOUR + number * SECOND, None)
        yield {**event, "uuid": f"{MARK.decode()}{event['uuid'][len(MARK) :]}"}


def _sentinelone_threats() -> Iterator[dict[str, Any]]:
    planned = chain.from_iterable(threat_hour(_SEED, hour) for hour in count(_HOUR))
    for number, plan in enumerate(planned):
        threat_id = f"1{MARK.decode()}{number:012d}"
        info = plan.event.get("threatInfo")
        yield {
            **plan.event,
            "id": threat_id,
            **({"threatInfo": {**info, "threatId": threat_id}} if info else {}),
        }


def find_decoder(source: str) -> Callable[[bytes], object]:
    """Return the function that decodes an event into the members that the source's steps read."""
    event = import_module(f"ci_operators.sources.{source}.event")
    shape = next(each for each in vars(event).values() if isinstance(each, type) and hasattr(each, "event_id"))
    return msgspec.json.Decoder(shape).decode


def _golden_events(source: str) -> Iterator[dict[str, Any]]:
    draws, decode = Draws(_SEED, "benchmark"), find_decoder(source)
    cases = [json.loads(path.read_bytes()) for path in sorted(_TESTS.glob(f"{source}/golden/kept_*.json"))]
    usual = []
    for event in (case["event"] for case in cases if "event" in case and not case.get("options")):
        with suppress(msgspec.ValidationError, orjson.JSONEncodeError):  # read, but not usual
            decode(orjson.dumps(event))
            usual.append(event)
    for event in cycle(usual):
        yield {**event, "benchmark": f"{MARK.decode()}{draws.hexadecimal(32)}"}


_EVENTS: Final[dict[str, Callable[[], Iterator[dict[str, Any]]]]] = {
    "okta": _okta_events,
    "sentinelone": _sentinelone_threats,
}
