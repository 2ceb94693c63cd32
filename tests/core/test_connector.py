"""The options that every connector has."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ci_operators.core.connector import Connector, Destination


def make(**options: Any) -> Connector:
    return Connector.model_validate({"name": "acme", "source": "okta", **options})


def test_defaults_are_those_of_the_integration_center() -> None:
    connector = make()
    assert connector.source_conn_id == "okta_default"
    assert connector.destination_conn_id == "recorded_future_default"
    assert connector.update_frequency == timedelta(minutes=30)
    assert connector.initial_import == timedelta(days=1)
    assert connector.debug is True
    assert connector.organization_ids == ()
    assert connector.dag_id == "collective_insights_acme"


def test_options_are_read_as_people_write_them() -> None:
    connector = make(
        source_conn_id="okta_emea",
        update_frequency="1 hour",
        max_window="12 hours",
        publication_delay="0 seconds",
        debug=False,
        organization_ids=["uhash:abc1"],
    )
    assert connector.source_conn_id == "okta_emea"
    assert (connector.update_frequency, connector.max_window) == (timedelta(hours=1), timedelta(hours=12))
    assert connector.publication_delay == timedelta(0)
    assert connector.organization_ids == ("uhash:abc1",)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"update_frequency": "30 seconds"}, "at least 1 minute"),
        ({"update_frequency": "often"}, "a number and a unit"),
        ({"publication_delay": timedelta(seconds=-1)}, "at least 0"),
        ({"max_window": "10 minutes"}, "must not be shorter than update_frequency .30 minutes."),
        ({"organization_ids": ["abc"]}, "uhash"),
        ({"batch_size": 0}, "greater than or equal to 1"),
        ({"batch_size": 1001}, "less than or equal to 1000"),
        ({"batch_size": "100"}, "valid integer"),
        ({"debug": "no"}, "valid boolean"),
        ({"name": "Acme Inc."}, "match pattern"),
        ({"name": "a" * 81}, "at most 80"),
        ({"source_conn_id": ""}, "at least 1 character"),
        ({"frequency": "1 hour"}, "not permitted"),
        ({"deadline": "soon"}, "a number and a unit"),
        ({"deadline": "30 seconds"}, "at least 1 minute"),
        ({"notify": {"SmtpNotifier": {}}}, "match pattern"),
        ({"notify": {"package:name": {}}}, "match pattern"),
        ({"notify": {"package.Name": "soc@example.com"}}, "valid dict"),
        ({"notify": ["package.Name"]}, "valid dict"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        make(**options)


def test_an_entry_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(ValidationError):
        Connector.model_validate(["acme"])


def test_paths_of_files_are_read_from_a_directory() -> None:
    connector = make()
    assert connector.resolve_paths(Path("/etc")) is connector

    class WithTable(Connector):
        table_file: str | None = None

    for path, resolved in (("a.csv", "/etc/a.csv"), ("/srv/a.csv", "/srv/a.csv"), (None, None)):
        assert WithTable(name="acme", source="x", table_file=path).resolve_paths(Path("/etc")).table_file == resolved


def test_an_initial_import_begins_where_the_source_still_has_its_events() -> None:
    class Brief(Connector):
        source_keeps = timedelta(days=7)

    assert Brief.model_validate({"name": "acme", "source": "x", "initial_import": "7 days"})
    with pytest.raises(ValidationError, match="at most 7 days, because the source does not keep its events longer"):
        Brief.model_validate({"name": "acme", "source": "x", "initial_import": "8 days"})


def test_run_params_replace_only_run_options() -> None:
    assert make().for_run({"debug": False, "batch_size": 5}) == make()


def test_a_share_of_the_daily_limit_is_kept_from_backfills() -> None:
    assert Destination().limit_for_bulk == 12_000
    assert Destination(daily_limit=10, reserved_share=0).limit_for_bulk == 10
    with pytest.raises(ValidationError, match="less than 1"):
        Destination(reserved_share=1)
