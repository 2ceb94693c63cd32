"""Log the outcome of a stage: a dozen lines with counts, never a payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ci_operators.staging.manifest import Manifest

#: Counts that only a retry of the same task uses.
_BOOKKEEPING = ("counted_since", "clear_number", "told_before")


def tell(log: Any, manifest: Manifest, words: Mapping[str, str]) -> None:
    """Log what a stage did. words: the meaning of each reason, issue, and note code."""
    tally = manifest.tally
    log.info("Window %s (%s)%s", manifest.window, manifest.basis, ", debug run" if manifest.debug else "")
    log.info(
        "%s: %d in, %d out in %.1f s",
        manifest.stage,
        tally.records_in,
        tally.records_out,
        manifest.duration_s,
    )
    for verb, counts in (("dropped", tally.dropped), ("quarantined", tally.quarantined), ("noted", tally.notes)):
        for code, count in sorted(counts.items()):
            examples = f" For example {', '.join(tally.samples[code])}." if tally.samples.get(code) else ""
            log.info("%d %s, %s: %s%s", count, verb, code, words.get(code, ""), examples)
    for name, value in manifest.extra.items():
        if value and name not in _BOOKKEEPING:
            log.info("%s: %s", name.replace("_", " "), value)
    if manifest.artifact:
        log.info("Artifact (%d bytes): %s", manifest.bytes, manifest.artifact)
