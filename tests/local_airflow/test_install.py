"""The installation: when it is done again, and what is said when it cannot be done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local_airflow import install
from local_airflow.install import check_python, explain, names_own_index
from local_airflow.settings import LaunchError

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
    with pytest.raises(LaunchError, match=rf"^Python {version[0]}\.{version[1]} was chosen, but 3\.11 to 3\.13"):
        check_python(version)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A checkout with two lock files; the names of what was made or installed are noted instead."""
    noted: list[str] = []

    def make(folder: Path, _python: str) -> None:
        noted.append(folder.name)
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / "python").touch()

    monkeypatch.setattr(install, "_make_environment", make)
    monkeypatch.setattr(install, "_install_requirements", lambda _folder, lock: noted.append(lock.name))
    for name in (install.DEMO_LOCK, "all.txt"):
        (tmp_path / name).write_text(name)
    return noted


def test_only_what_changed_is_installed(tmp_path: Path, installed: list[str]) -> None:
    for lock in (install.DEMO_LOCK, install.DEMO_LOCK, "all.txt", "all.txt", install.DEMO_LOCK):
        install.install(tmp_path, lock)
    assert installed == [".venv", install.DEMO_LOCK, "all.txt"], "the long list holds the demo's"
    (tmp_path / "all.txt").write_text("a==2")
    install.install(tmp_path, "all.txt")
    assert installed[3:] == ["all.txt"]


@pytest.mark.parametrize("is_broken", [True, False])
def test_another_or_a_broken_python_means_another_environment(
    tmp_path: Path, installed: list[str], monkeypatch: pytest.MonkeyPatch, is_broken: bool
) -> None:
    install.install(tmp_path, "all.txt")
    if is_broken:
        (tmp_path / ".venv" / "bin" / "python").unlink()
    else:
        monkeypatch.setattr(sys, "version_info", (3, 99))
    install.install(tmp_path, "all.txt")
    assert installed == [".venv", "all.txt"] * 2


def test_a_checkout_without_its_lock_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=rf"^all.txt is missing in {tmp_path}: the checkout is not complete"):
        install.install(tmp_path, "all.txt")


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
