"""The installation: when it is repeated, and the messages when it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local_airflow import install
from local_airflow.install import check_python, explain, names_own_index
from local_airflow.settings import LaunchError
from tests.airflow_home import ROOT

OFFLINE = """\
WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'NewConnectionError('<...>: Failed to
establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/a2wsgi/
ERROR: No matching distribution found for a2wsgi==1.10.10
"""


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (OFFLINE, "cannot be downloaded: no connection to the package index (Temporary failure in name resolution)."),
        ("ERROR: one\nERROR: No match for x==9\n", "cannot be installed: ERROR: No match for x==9"),
        ("error: No space left on device (os error 28)\n", "error: No space left on device (os error 28)"),
        ("", "pip gave no reason"),
    ],
)
def test_the_cause_of_a_failed_installation_is_named(log: str, sentence: str) -> None:
    assert sentence in explain(log)
    assert "a2wsgi" not in explain(log), "the package is not the cause"


def test_a_python_that_is_not_supported_is_named() -> None:
    command = ["make", "demo", "PYTHON=/bin/false"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.11, 3.12 or 3.13 is needed, and '/bin/false' is none: install one, or name")


def test_a_python_without_venv_is_named_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(LaunchError, match=r"cannot create virtual environments.* apt install python3\.\d+-venv"):
        check_python()


def test_only_what_changed_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    python, demo, everything = tmp_path / ".venv" / "bin" / "python", tmp_path / install.DEMO_LOCK, tmp_path / "all.txt"

    def make(folder: Path, _version: str) -> None:
        done.append(folder.name)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    def install_one(lock: Path) -> list[str]:
        done.clear()
        install.install(tmp_path, lock.name)
        return done

    monkeypatch.setattr(install, "_make_environment", make)
    monkeypatch.setattr(install, "_install_requirements", lambda _folder, lock: done.append(lock.name))
    demo.write_text("a==1")
    everything.write_text("a==1\nb==1")
    assert install_one(demo) == [".venv", demo.name]
    assert install_one(demo) == []
    assert install_one(everything) == ["all.txt"]
    assert install_one(everything) == []
    assert install_one(demo) == [], "the long list holds the demo's"
    everything.write_text("a==1\nb==2")
    assert install_one(everything) == ["all.txt"]
    python.unlink()
    assert install_one(demo) == [".venv", demo.name]
    monkeypatch.setattr(sys, "version_info", (3, 99))
    assert install_one(demo) == [".venv", demo.name]


def test_a_checkout_without_its_lock_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=rf"^all.txt is missing in {tmp_path}. Complete the checkout"):
        install.install(tmp_path, "all.txt")


def test_a_configured_package_index_is_recognized(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    for text, is_own in (("timeout = 60", False), ("index-url = http://127.0.0.1:9/simple", True)):
        settings.write_text(f"[global]\n{text}\n")
        assert names_own_index(Path(sys.executable)) is is_own
