"""The Airflow that the tests import: its own home, only these settings, no database."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from ci_operators.airflow_plugin.versions import AIRFLOW, HAS_PAGES, HAS_RETRY_POLICIES

ROOT = Path(__file__).resolve().parents[1]
#: For Python processes that tests start. Airflow uses an old name of a pathspec class, and older versions of Airflow
#: give more warnings.
IGNORED = "error,ignore:GitWildMatchPattern:DeprecationWarning" if HAS_RETRY_POLICIES else "default"
#: Up to 3.2.1, Airflow's UI loads the editor of JSON fields from a public server. It also works without the editor.
EDITOR = "https://cdn.jsdelivr.net/npm/monaco-editor@" if AIRFLOW.release < (3, 2, 2) else None
on_3_2 = pytest.mark.skipif(not HAS_PAGES, reason="asks Airflow 3.2 or newer")
on_newest = pytest.mark.skipif(not HAS_RETRY_POLICIES, reason="asks the newest Airflow")


def prepare_airflow_home() -> None:
    """Set Airflow's environment; must be called before the first import of airflow, which reads it once."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW", "COLLECTIVE_INSIGHTS")):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="airflow-home-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
