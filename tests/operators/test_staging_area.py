"""Where artifacts lie."""

from __future__ import annotations

import pytest

from ci_operators.operators.staging_area import artifact_path, run_directory, staging_url


def test_variable_names_the_staging_area(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", "s3://acme/staging")
    assert staging_url() == "s3://acme/staging"


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_airflows_home_holds_it(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/opt/airflow")
    monkeypatch.delenv("COLLECTIVE_INSIGHTS_STAGING")
    if value is not None:
        monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", value)
    assert staging_url() == "file:///opt/airflow/collective_insights"


def test_without_a_home_it_is_the_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLLECTIVE_INSIGHTS_STAGING")
    monkeypatch.delenv("AIRFLOW_HOME")
    assert staging_url().endswith("/collective_insights")


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("scheduled__2026-03-01T00:00:00+00:00", "scheduled__2026-03-01T00_00_00_00_00"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("my run/1", "my_run_1"),
    ],
)
def test_a_run_id_is_one_folder(monkeypatch: pytest.MonkeyPatch, run_id: str, folder: str) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", "file:///staging")
    directory = run_directory("collective_insights_okta", run_id)
    assert str(directory) == f"file:///staging/collective_insights_okta/{folder}"
    assert str(artifact_path(str(directory / "map.jsonl.zst"))) == f"{directory}/map.jsonl.zst"
