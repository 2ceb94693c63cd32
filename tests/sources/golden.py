"""Golden cases: an event and what becomes of it, each a file named after its story.

    {"event": …, "options": {…}, "expected": detection | {"dropped": reason} | {"quarantined": issue}, "notes": […]}

`event_text` stands in for `event` where the text itself is the point. `--update-golden` writes what the code gives now.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ci_operators.core.verdict import Dropped
from ci_operators.sources.source import Source
from tests.sources.specimens import Specimen, Specimens, run_steps

STORIES = ("kept", "degraded", "dropped", "quarantined")


def golden_files(directory: Path) -> list[Path]:
    """Return the golden cases of a source."""
    return sorted((directory / "golden").glob("*.json"))


def check_golden(specimens: Specimens, path: Path, *, is_update: bool) -> None:
    """Compare what becomes of a case's event with what its file says, or write it there."""
    case = json.loads(path.read_text(encoding="utf-8"))
    found = {**case, **outcome_of(specimens, case)}
    if is_update:
        path.write_text(json.dumps(found, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
        return
    assert found == case
    assert path.name.partition("_")[0] == story_of(case), "the file's name tells another story"


def outcome_of(specimens: Specimens, case: dict[str, Any]) -> dict[str, Any]:
    """Return `expected` and `notes` as the code gives them."""
    event = case["event_text"].encode() if "event_text" in case else case["event"]
    specimen = Specimen(event, case.get("options", {}))
    outcome = run_steps(specimens.source, specimens.connector(specimen.options), specimen.text)
    if outcome.detection is not None:
        return {"expected": json.loads(outcome.detection), "notes": outcome.notes}
    (verdict,) = outcome.verdicts
    said = {"dropped": verdict.reason} if isinstance(verdict, Dropped) else {"quarantined": verdict.issue}
    return {"expected": said, "notes": outcome.notes}


def story_of(case: dict[str, Any]) -> str:
    """Return the first word that the case's file has to have."""
    said = next((word for word in ("dropped", "quarantined") if word in case["expected"]), "kept")
    return "degraded" if case["notes"] else said


def untold_codes(source: Source, files: list[Path]) -> set[str]:
    """Return the source's codes that no golden case tells of."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    told = {note for case in cases for note in case["notes"]}
    told |= {str(case["expected"].get(word)) for case in cases for word in ("dropped", "quarantined")}
    return {*source.drop_reasons, *source.issues, *source.notes} - told
