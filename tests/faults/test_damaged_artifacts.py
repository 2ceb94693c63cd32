"""An artifact that is damaged between two stages fails the run. The next scheduled run delivers its window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci_operators.core.errors import FatalError
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES
from tests.operators.conftest import Chain, Tenant
from tests.sources.sentinelone.specimens import threat

EVENTS = 40
Damage = Callable[[bytes, bytes], bytes]
#: The damage of an artifact's bytes; the second argument has the bytes of the same stage in an earlier run.
DAMAGES: dict[str, Damage] = {
    "emptied": lambda _whole, _older: b"",
    "cut at half": lambda whole, _older: whole[: len(whole) // 2],
    "without its last byte": lambda whole, _older: whole[:-1],
    "one byte flipped": lambda whole, _older: _flip(whole, len(whole) // 2),
    "followed by another": lambda whole, older: whole + older,
    "swapped with an older one": lambda _whole, older: older,
}


def _flip(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def add_events(tenant: Tenant, source: str, hours_ago: float, first: int) -> None:
    for number in range(first, first + EVENTS):
        if source == "okta":
            tenant.add_events(1, hours_ago, uuid=f"id-{number}", actor={"displayName": f"198.51.100.{number}"})
            continue
        at = format_instant(tenant.ago(hours_ago))
        info = {"threatId": str(number), "createdAt": at, "updatedAt": at, "sha1": f"{number:040x}", "sha256": None}
        tenant.simulator.add_threat(threat(info=info, id=str(number)))


def artifact(manifest: dict[str, Any]) -> Path:
    return Path(str(manifest["artifact"]).removeprefix("file://"))


def run_to(chain: Chain, run: Any, last: str) -> dict[str, Any]:
    """Run the stages up to `last`; return its manifest."""
    for stage in STAGES[: STAGES.index(last)]:
        chain.run_task(stage, run)
    return chain.run_task(last, run)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("before", STAGES[:-1])
@pytest.mark.parametrize("source", ["okta", "sentinelone"])
def test_the_run_fails_and_the_next_one_delivers_everything(
    source: str, before: str, damage: str, tenant: Tenant
) -> None:
    chain, stage = tenant.chain(source), STAGES[STAGES.index(before) + 1]
    add_events(tenant, source, 1.5, first=0)
    older = artifact(chain.run_all(tenant.scheduled(3, 1, "older"))[before]).read_bytes()
    add_events(tenant, source, 0.5, first=EVENTS)
    run = tenant.scheduled(1, 0.2, "struck")
    path = artifact(run_to(chain, run, before))
    path.write_bytes(DAMAGES[damage](path.read_bytes(), older))
    with pytest.raises(FatalError, match=rf"The artifact {path.name} .*[cC]lear the run from extract on"):
        chain.run_task(stage, run)
    assert chain.watermark == format_instant(tenant.ago(1)), "the watermark moved past what was lost"
    chain.run_all(tenant.scheduled(0.2, 0, "next"))
    assert Counter(Counter(tenant.sent_ids).values()) == {1: 2 * EVENTS}
    assert chain.watermark == format_instant(tenant.now)
