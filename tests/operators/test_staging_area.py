"""The location of artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_operators.core.errors import ConfigurationError
from ci_operators.operators.staging_area import artifact_path, check_artifact, run_directory, staging_url


def test_variable_names_the_staging_area(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", "s3://acme/staging")
    assert staging_url() == "s3://acme/staging"


@pytest.mark.parametrize("value", [None, ""])
def test_without_it_the_staging_area_is_in_airflows_home(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/opt/airflow")
    monkeypatch.delenv("COLLECTIVE_INSIGHTS_STAGING")
    if value is not None:
        monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", value)
    assert staging_url() == "file:///opt/airflow/collective_insights"


def test_without_a_home_it_is_in_airflows_default_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COLLECTIVE_INSIGHTS_STAGING")
    monkeypatch.delenv("AIRFLOW_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert staging_url() == f"file://{tmp_path}/airflow/collective_insights"


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("scheduled__2026-03-01T00:00:00+00:00", "scheduled__2026-03-01T00_00_00_00_00-034ebca4"),
        ("../../etc/passwd", ".._.._etc_passwd-3754d6cb"),
        ("plain-run_1.2", "plain-run_1.2"),
        ("..", "..-5ec1f7e7"),
        (".", ".-cdb4ee2a"),
        ("", "-e3b0c442"),
        ("r\u00fcn", "r_n-1a24c3a6"),
        ("x" * 250, "x" * 200 + "-086d4a1c"),
        ("my run/1", "my_run_1-7e011789"),
    ],
)
def test_a_run_id_is_one_folder(monkeypatch: pytest.MonkeyPatch, run_id: str, folder: str) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", "file:///staging")
    directory = run_directory("collective_insights_okta", run_id)
    assert str(directory) == f"file:///staging/collective_insights_okta/{folder}"
    assert str(artifact_path(str(directory / "map.jsonl.zst"))) == f"{directory}/map.jsonl.zst"


def test_runs_whose_ids_look_alike_have_separate_folders() -> None:
    ids = ("a_b", "a:b", "a+b", "a/b", "a b", "x" * 201, "x" * 202)
    assert len({str(run_directory("collective_insights_okta", run_id)) for run_id in ids}) == len(ids)


OWN = "file:///staging/collective_insights_okta/run/"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "file:///staging/collective_insights_other/run/extract.jsonl.zst",
        "file:///staging/collective_insights_okta/run-2/extract.jsonl.zst",
        f"{OWN}../../collective_insights_other/run/extract.jsonl.zst",
        f"{OWN}..",
        OWN,
        "/staging/collective_insights_okta/run/extract.jsonl.zst",
        "s3://aws_default@staging/collective_insights_okta/run/extract.jsonl.zst",
        "",
    ],
)
def test_an_artifact_outside_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("COLLECTIVE_INSIGHTS_STAGING", "file:///staging")
    directory = run_directory("collective_insights_okta", "run")
    check_artifact(f"{OWN}extract.jsonl.zst", directory)
    with pytest.raises(ConfigurationError, match="is not in this run's directory"):
        check_artifact(url, directory)
