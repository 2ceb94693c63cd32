"""`python -m ci_operators attack-table`: from MITRE's bundle to the file that connectors.yaml names."""

from __future__ import annotations

import json
from argparse import Namespace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ci_operators.attack import attack_edition
from ci_operators.commands import attack_table
from ci_operators.commands.terminal import Terminal
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from tests.attack.test_edition import bundle


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small bundle."""
    path = tmp_path / "enterprise-attack.json"
    path.write_text(json.dumps({"objects": bundle()}), encoding="utf-8")
    return path


def run(source: Path, target: Path) -> str:
    shown = StringIO()
    options = Namespace(bundle=str(source), file=str(target))
    assert attack_table.run(options, Terminal(as_json=False, console=Console(file=shown, width=200))) == 0
    return shown.getvalue()


def test_the_connectors_file_uses_the_written_file(source: Path, tmp_path: Path) -> None:
    shown = run(source, tmp_path / "attack-19.json")
    assert "attack-19.json: ATT&CK version 19.1, 2 techniques and 5 retired ones. The package ships version" in shown
    assert "Put `attack_table: attack-19.json` into connectors.yaml" in shown
    config = tmp_path / "connectors.yaml"
    config.write_text("connectors: []\nattack_table: attack-19.json\n", encoding="utf-8")
    assert load_connectors(config).problems == []
    assert attack_edition().version == "19.1"


def test_an_unreadable_or_unwritable_file_is_reported(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not MITRE's STIX bundle"):
        run(tmp_path / "absent.json", tmp_path / "attack.json")
    with pytest.raises(ConfigurationError, match=r"absent/attack.json cannot be written \(No such file or directory\)"):
        run(source, tmp_path / "absent" / "attack.json")
