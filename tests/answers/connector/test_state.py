"""The state of a connector in one word, the same for every view."""

from __future__ import annotations

from typing import Any

import pytest

from ci_operators.answers.connector.health import ConnectorHealth
from ci_operators.answers.connector.state import DagState, find_all_remarks, find_state
from ci_operators.answers.run.account import RunState
from ci_operators.ledger.breaker import Streak
from ci_operators.ledger.overview import Delivered
from tests.answers.staged_run import AT

WELL, FAILED = (RunState("r", "scheduled", state) for state in ("success", "failed"))
WINDOW = Delivered(AT, AT, "r", AT)


@pytest.mark.parametrize(
    ("health", "dag", "level", "word"),
    [
        ({"problem": "Away."}, None, "bad", "Not readable"),
        ({}, None, "bad", "No DAG"),
        ({"stopped": Streak(3, AT, AT)}, DagState(True, FAILED, 0), "idle", "Paused"),
        ({"stopped": Streak(3, AT, AT)}, DagState(False, FAILED, 0), "bad", "Stopped sending"),
        ({"behind": True}, DagState(False, FAILED, 1), "bad", "Failing"),
        ({"behind": True, "last_window": WINDOW}, DagState(False, WELL, 0), "behind", "Behind"),
        ({"debug": True}, DagState(False, WELL, 0), "dry", "Dry run"),
        ({"debug": True}, DagState(False, None, 0), "idle", "Not run yet"),
        ({"last_window": WINDOW}, DagState(False, WELL, 0), "good", "On time"),
        ({}, DagState(False, WELL, 0), "idle", "Nothing yet"),
    ],
)
def test_a_state_is_the_worst_thing_that_is_known(
    health: dict[str, Any], dag: DagState | None, level: str, word: str
) -> None:
    assert find_state(ConnectorHealth("a", "okta", **{"debug": False, **health}), dag) == (level, word)


@pytest.mark.parametrize(
    ("dag", "remarks"),
    [
        (None, ["Airflow has not read its DAG yet", "is behind"]),
        (DagState(True, None, 0), ["Its DAG is paused", "is behind"]),
        (DagState(False, None, 0), ["is behind", "It has not run yet"]),
        (DagState(False, WELL, 0), ["is behind"]),
    ],
)
def test_each_airflow_state_has_its_sentence(dag: DagState | None, remarks: list[str]) -> None:
    found = list(find_all_remarks(ConnectorHealth("a", "okta", False, behind=True), dag))
    assert [text.startswith(begin) for text, begin in zip(found, remarks, strict=True)] == [True] * len(remarks)
