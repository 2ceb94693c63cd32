"""A stage's manifest: the figures of one run. It is the task's XCom, and never contains a payload or a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant, read_instant
from ci_operators.core.tally import Tally
from ci_operators.core.window import Window


@dataclass(frozen=True, slots=True)
class Manifest:
    """The figures of one stage for one window.

    window, basis: the run's window, and where it comes from; debug: whether this is a debug run.
    artifact: URL of the records passed on; digest: SHA-256 of that file in hex; side_artifacts: URLs of the dropped
    (ids and reasons) and the quarantined records (events and issues). The counts are those of `Tally`. extra: counts
    that only this stage has, such as pages read.
    """

    stage: str
    connector: str
    debug: bool
    window: Window
    basis: str
    artifact: str | None
    tally: Tally
    side_artifacts: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    digest: str | None = None
    duration_s: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)

    def to_xcom(self) -> dict[str, Any]:
        """Return the manifest as plain JSON values."""
        tally = self.tally
        return {
            "stage": self.stage,
            "connector": self.connector,
            "debug": self.debug,
            "window": {
                "since": format_instant(self.window.since),
                "until": format_instant(self.window.until),
                "basis": self.basis,
            },
            "artifact": self.artifact,
            "side_artifacts": self.side_artifacts,
            "records_in": tally.records_in,
            "records_out": tally.records_out,
            "dropped": dict(tally.dropped),
            "quarantined": dict(tally.quarantined),
            "notes": dict(tally.notes),
            "samples": tally.samples,
            "bytes": self.bytes,
            "digest": self.digest,
            "duration_s": round(self.duration_s, 3),
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class Handover:
    """The part of a manifest that the next stage needs. digest: None in the manifest of an older version.

    kept: digests of the records that the stages so far have kept for the ledger, by stage.
    """

    window: Window
    basis: str
    debug: bool
    artifact: str
    records: int
    digest: str | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


def read_handover(manifest: Any) -> Handover:
    """Return the part of an upstream task's XCom that the next stage needs.

    Raises ConfigurationError if it is not a manifest: a task that a person marked as success has none.
    """
    try:
        window = manifest["window"]
        return Handover(
            window=Window(_instant(window["since"]), _instant(window["until"])),
            basis=window["basis"],
            debug=manifest["debug"],
            artifact=_text(manifest["artifact"]),
            records=manifest["records_out"],
            digest=manifest.get("digest"),
            kept=dict(manifest.get("kept") or {}),
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ConfigurationError(
            "The stage before this one left no manifest: its task was marked as success by hand, or its XCom was "
            "deleted or changed. Clear the run from extract on, or let the next scheduled run read the window again."
        ) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _instant(text: str) -> datetime:
    return read_instant(text)[0]
