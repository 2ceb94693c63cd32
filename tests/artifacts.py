"""Artifacts as tests write and read them: without a source and without a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import zstandard

from ci_operators.core.window import Window
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import Artifact, write_artifact
from ci_operators.transport.paging import Page

_WINDOW = Window(datetime(2026, 3, 10, 11, tzinfo=UTC), datetime(2026, 3, 10, 12, tzinfo=UTC))


def read_all(found: Any) -> list[bytes]:
    """Return the records of an artifact or of its path, [] if it does not exist; AssertionError if truncated."""
    if found is None:
        return []
    path: Any = found.path if isinstance(found, Artifact) else found
    left, text = path.read_bytes(), b""
    while left:
        frame = zstandard.ZstdDecompressor().decompressobj()
        text += frame.decompress(left)
        assert frame.eof, f"{path.name} breaks off"
        left = frame.unused_data
    return text.split(b"\n")[:-1]


def read_quarantined(result: StageResult) -> list[dict[str, Any]]:
    """Return the entries of a stage's quarantine."""
    return [json.loads(entry) for entry in read_all(result.side_artifacts.get("quarantined"))]


def write_all(path: Any, records: Iterable[bytes]) -> Artifact:
    """Return the artifact of some records at a path."""
    with write_artifact(path) as out:
        out.write_all(list(records))
    return out.artifact


def find_artifact(path: Any) -> Artifact:
    """Return the artifact at a path, as the manifest of an older version describes it."""
    return Artifact(path, len(read_all(path)))


def extract_pages(pages: Iterable[list[bytes]], directory: Any) -> StageResult:
    """Return what extract writes for the events of some pages."""
    return extract(lambda _window, _tokens: map(Page, pages), _WINDOW, "events of a test", directory)
