"""What damage begins with: events of all kinds, from golden cases, specimens and the simulator's own scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens

_SOURCES = Path(__file__).parents[1] / "sources"


def _collect(specimens: Specimens) -> tuple[Any, ...]:
    golden = [
        json.loads(path.read_bytes()) for path in sorted((_SOURCES / specimens.source.name / "golden").glob("*.json"))
    ]
    kept = [each.event for each in specimens.all if isinstance(each.event, dict)]
    return (*kept, *(case["event"] for case in golden if isinstance(case.get("event"), dict)))


EVENTS = {"okta": _collect(OKTA), "sentinelone": _collect(SENTINELONE)}
