"""`init` writes the files of the tree and keeps existing ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ci_operators.__main__ import main
from ci_operators.commands import init
from tests.airflow_home import ROOT


def test_it_writes_dags_connectors_and_connections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "new"), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert {path.name for path in (tmp_path / "new" / "dags").iterdir()} == {
        path.name for path in (ROOT / "dags").glob("*.py")
    }
    for name in written:
        source = ROOT / (name if name.startswith("dags/") else f"include/{name}")
        assert (tmp_path / "new" / name).read_bytes() == source.read_bytes()
    assert (tmp_path / "new" / "connections.example.json").stat().st_mode & 0o077 == 0


def test_it_overwrites_only_with_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "connectors.yaml"
    mine.write_text("connectors: []\n")
    assert main(["init", str(tmp_path)]) == 2
    assert "already has connectors.yaml. Nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["connectors.yaml"]
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert "COLLECTIVE_INSIGHTS_CONFIG" in capsys.readouterr().out
    assert mine.read_bytes() == (ROOT / "include" / "connectors.yaml").read_bytes()


def test_a_path_that_cannot_be_a_folder_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file")]) == 2
    assert "Cannot write the files to" in capsys.readouterr().err


def test_a_copy_of_the_plugins_folder_has_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(init, "ROOT", tmp_path)
    assert main(["init", str(tmp_path / "new")]) == 2
    assert "A copy of plugins/ does not have the files" in capsys.readouterr().err
