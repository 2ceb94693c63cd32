"""Where artifacts lie: COLLECTIVE_INSIGHTS_STAGING, a URL that Airflow's object storage knows."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from airflow.sdk import ObjectStoragePath

VARIABLE = "COLLECTIVE_INSIGHTS_STAGING"


def staging_url() -> str:
    """Return the staging area's URL; by default a folder of Airflow's home, else of the temporary folder.

    Every worker must reach the same place: with several machines, set the variable to object storage.
    """
    home = os.environ.get("AIRFLOW_HOME") or tempfile.gettempdir()
    return os.environ.get(VARIABLE) or f"file://{Path(home).resolve()}/collective_insights"


def run_directory(dag_id: str, run_id: str) -> ObjectStoragePath:
    """Return the directory of a run's artifacts: the same for every try, so that a retry writes over them."""
    return ObjectStoragePath(staging_url()) / dag_id / re.sub(r"[^\w.-]", "_", run_id)


def artifact_path(url: str) -> ObjectStoragePath:
    """Return the artifact that a manifest names."""
    return ObjectStoragePath(url)
