"""Okta's own options."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ci_operators.sources.okta.options import OktaConnector


def test_defaults_are_the_documented_criteria() -> None:
    connector = OktaConnector(name="acme")
    assert connector.private_addresses == "send"
    assert connector.outcome_reasons_file is None
    assert connector.source == "okta"


def test_the_tables_path_is_read_from_the_files_directory() -> None:
    connector = OktaConnector(name="acme", outcome_reasons_file="reasons.csv")
    assert connector.resolve_paths(Path("/etc/ci")).outcome_reasons_file == "/etc/ci/reasons.csv"
    absolute = OktaConnector(name="acme", outcome_reasons_file="/srv/reasons.csv")
    assert absolute.resolve_paths(Path("/etc/ci")).outcome_reasons_file == "/srv/reasons.csv"
    assert OktaConnector(name="acme").resolve_paths(Path("/etc/ci")).outcome_reasons_file is None


def test_a_policy_is_send_or_drop() -> None:
    with pytest.raises(ValidationError, match="'send' or 'drop'"):
        OktaConnector.model_validate({"name": "acme", "source": "okta", "private_addresses": "hide"})
