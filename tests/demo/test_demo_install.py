"""The installation: when it is done again, and what is said when it cannot be done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.install import check_python, explain, find_pin, make_stamp, names_own_index, read_stamp
from demo.settings import ROOT

OFFLINE = """\
Collecting a2wsgi==1.10.10
WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError('<...>: Failed to
establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/a2wsgi/
ERROR: Could not find a version that satisfies the requirement a2wsgi==1.10.10 (from versions: none)
ERROR: No matching distribution found for a2wsgi==1.10.10
"""


def test_without_network_the_cause_is_named_and_not_the_package() -> None:
    sentence = explain(OFFLINE)
    assert sentence.startswith("The requirements cannot be downloaded: no connection to the package index (Temporary")
    assert "a2wsgi" not in sentence


def test_any_other_failure_shows_pips_last_error() -> None:
    log = "Collecting x\nERROR: one\nERROR: No matching distribution found for x==9\n"
    assert explain(log).endswith("ERROR: No matching distribution found for x==9")
    assert explain("").endswith("pip gave no reason")


@pytest.mark.parametrize("version", [(3, 10), (3, 14), (2, 7)])
def test_a_python_that_is_not_supported_is_named(version: tuple[int, int]) -> None:
    with pytest.raises(DemoError, match=rf"^Python {version[0]}\.{version[1]} was chosen, but 3\.11 to 3\.13"):
        check_python(version)


def test_another_lock_file_or_python_is_another_installation() -> None:
    stamps = {make_stamp(b"a==1", (3, 11)), make_stamp(b"a==2", (3, 11)), make_stamp(b"a==1", (3, 12))}
    assert len(stamps) == 3


def test_an_installation_without_its_python_counts_as_none(tmp_path: Path) -> None:
    stamp = tmp_path / ".installed"
    assert read_stamp(stamp) == ""
    stamp.write_text("3.11 digest")
    assert read_stamp(stamp) == ""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert read_stamp(stamp) == "3.11 digest"


def test_the_fast_installer_is_pinned_in_the_lock_file() -> None:
    lock = (ROOT / "requirements-lock.txt").read_text()
    assert str(find_pin("uv", lock)).startswith("uv==")
    assert find_pin("uv", "uvicorn==1.0\n") is None
    assert find_pin("uv", "a==1\nuv==2.0 ; sys_platform == 'linux'\n") == "uv==2.0"


def test_an_index_that_pip_is_told_of_is_not_gone_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\ntimeout = 60\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    assert not names_own_index(Path(sys.executable))
    settings.write_text("[global]\nindex-url = http://127.0.0.1:9/simple\n")
    assert names_own_index(Path(sys.executable))
    settings.write_text("")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert names_own_index(Path(sys.executable))
