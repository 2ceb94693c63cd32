"""The connectors file as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_operators.core.errors import ConfigurationError
from ci_operators.pages.configuration import current_file


def test_file_is_read_once_until_it_changes(connectors_file: Path) -> None:
    first = current_file()
    assert current_file() is first
    connectors_file.write_text("connectors: []")
    assert current_file().connectors == []


def test_missing_file_is_told_with_the_mend(connectors_file: Path) -> None:
    connectors_file.unlink()
    with pytest.raises(ConfigurationError, match="The API server cannot read the connectors file"):
        current_file()
