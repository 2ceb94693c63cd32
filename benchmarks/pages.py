"""Pages of a million different events, out of a few that are made beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, count, islice
from typing import Any, Final

import orjson

from simulator.draws import Draws
from simulator.instants import HOUR, SECOND
from simulator.okta.threat_events import threat_event
from simulator.sentinelone.scenario import threat_hour

PAGE_EVENTS: Final = 1000
#: More than the compressor's window holds, so that repetition does not make it look better than it is.
TEMPLATES: Final = 10
#: Stands in each event's id, and is replaced by the page's number.
MARK: Final = b"@@@@@@"
_SEED: Final = 7
_HOUR: Final = 490_000


def make_templates(source: str) -> list[bytes]:
    """Return JSON arrays of 1000 events each, in the shape of the simulator's scenario (no two alike)."""
    events = _EVENTS[source]()
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
        info = plan.threat.get("threatInfo")
        yield {
            **plan.threat,
            "id": threat_id,
            **({"threatInfo": {**info, "threatId": threat_id}} if info else {}),
        }


_EVENTS: Final[dict[str, Callable[[], Iterator[dict[str, Any]]]]] = {
    "okta": _okta_events,
    "sentinelone": _sentinelone_threats,
}
