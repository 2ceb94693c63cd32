"""Golden cases: an event and its outcome, each in a file named after its story.

    {"event": …, "options": {…}, "expected": detection | [detection, …] | {"dropped": reason} | {"quarantined": issue},
     "notes": […]}

`event_text` replaces `event` if the raw text matters. `--update-golden` writes the current outcomes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ci_operators.core.verdict import Dropped
from tests.sources.specimens import Specimen, Specimens, run_steps


class GoldenCases:
    """The cases in the folder of a source's tests. behind_the_filter: codes that no event of the chain has, since the
    filter hides their events from the mapping; `contract.py` calls the mapping alone."""

    specimens: Specimens
    behind_the_filter: ClassVar[set[str]] = set()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Create a test for each case."""
        if "golden" in metafunc.fixturenames:
            metafunc.parametrize("golden", golden_files(self.specimens), ids=lambda path: path.stem)

    def test_golden_case(self, golden: Path, request: pytest.FixtureRequest) -> None:
        case = json.loads(golden.read_text(encoding="utf-8"))
        found = {**case, **outcome_of(self.specimens, case)}
        if request.config.getoption("--update-golden"):
            golden.write_text(json.dumps(found, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
            return
        assert found == case
        assert golden.name.partition("_")[0] == story_of(case), "the file's name has another story"

    def test_every_code_has_its_golden_case(self) -> None:
        cases = [json.loads(path.read_text(encoding="utf-8")) for path in golden_files(self.specimens)]
        told = {note for case in cases for note in case["notes"]}
        told |= {
            code
            for case in cases
            if isinstance(case["expected"], dict)
            for code in case["expected"].values()
            if isinstance(code, str)
        }
        source = self.specimens.source
        assert {*source.drop_reasons, *source.issues, *source.notes} - told == self.behind_the_filter


def golden_files(specimens: Specimens) -> list[Path]:
    """Return the golden cases of a source."""
    return sorted((specimens.folder / "golden").glob("*.json"))


def outcome_of(specimens: Specimens, case: dict[str, Any]) -> dict[str, Any]:
    """Return the current `expected` and `notes`."""
    event = case["event_text"].encode() if "event_text" in case else case["event"]
    specimen = Specimen(event, case.get("options", {}))
    outcome = run_steps(specimens.source, specimens.connector(specimen.options), specimen.text)
    if outcome.detections:
        found = [json.loads(detection) for detection in outcome.detections]
        return {"expected": found if isinstance(outcome.mapped, list) else found[0], "notes": outcome.notes}
    (verdict,) = outcome.verdicts
    said = {"dropped": verdict.reason} if isinstance(verdict, Dropped) else {"quarantined": verdict.issue}
    return {"expected": said, "notes": outcome.notes}


def story_of(case: dict[str, Any]) -> str:
    """Return the required first word of the case's file name."""
    said = next((word for word in ("dropped", "quarantined") if word in case["expected"]), "kept")
    return "degraded" if case["notes"] else said
