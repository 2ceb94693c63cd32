"""What a task's log tells: a dozen lines with counts, never a payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ci_operators.staging.manifest import Manifest


def tell(log: Any, manifest: Manifest) -> None:
    """Log what a stage did."""
    tally = manifest.tally
    log.info("Window %s (%s)%s", manifest.window, manifest.basis, ", debug run" if manifest.debug else "")
    log.info(
        "%s: %d in, %d out in %.1f s",
        manifest.stage,
        tally.records_in,
        tally.records_out,
        manifest.duration_s,
    )
    _tell_counts(log, "dropped", tally.dropped, tally.samples)
    _tell_counts(log, "quarantined", tally.quarantined, tally.samples)
    _tell_counts(log, "noted", tally.notes, {})
    for name, value in manifest.extra.items():
        if value:
            log.info("%s: %s", name.replace("_", " "), value)
    if manifest.artifact:
        log.info("Artifact (%d bytes): %s", manifest.bytes, manifest.artifact)


def _tell_counts(log: Any, verb: str, counts: Mapping[str, int], samples: Mapping[str, list[str]]) -> None:
    for code, count in sorted(counts.items()):
        examples = f", for example {', '.join(samples[code])}" if samples.get(code) else ""
        log.info("%d %s: %s%s", count, verb, code, examples)
