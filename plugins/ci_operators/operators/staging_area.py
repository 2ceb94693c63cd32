"""The staging area of artifacts: COLLECTIVE_INSIGHTS_STAGING, a URL for Airflow's object storage."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from ci_operators.core.errors import ConfigurationError

VARIABLE = "COLLECTIVE_INSIGHTS_STAGING"
#: Characters of a run's id: file systems allow names of 255 bytes.
_LONGEST_NAME = 200


def staging_url() -> str:
    """Return the staging area's URL; by default, a folder in Airflow's home.

    All workers must reach the same place: with several machines, set the variable to object storage.
    """
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow")  # Airflow's own default
    return os.environ.get(VARIABLE) or f"file://{home.expanduser().resolve()}/collective_insights"


def run_directory(dag_id: str, run_id: str) -> ObjectStoragePath:
    """Return the directory of a run's artifacts. It is the same for every try, so that a retry overwrites them."""
    return ObjectStoragePath(staging_url()) / dag_id / _name_folder(run_id)


def artifact_path(url: str) -> ObjectStoragePath:
    """Return the artifact that a manifest names."""
    return ObjectStoragePath(url)


def check_artifact(url: str, directory: ObjectStoragePath) -> None:
    """Raise ConfigurationError unless the URL is that of a file in the directory.

    The URL comes from an XCom, which anyone who can write XComs of the DAG can change: to a file of the worker's
    machine, or to the events of another connector, which would go to this connector's organization.
    """
    folder, _, name = url.rpartition("/")
    if folder != str(directory) or name in ("", ".", ".."):
        raise ConfigurationError(
            f"The artifact {url[:300]!r} is not in this run's directory {directory}: the XCom or "
            f"{VARIABLE} was changed. Clear the run from extract on."
        )


def _name_folder(run_id: str) -> str:
    """Return a folder name for a run that no other run of the DAG has. A run's id may have any characters."""
    plain = re.sub(r"[^\w.-]", "_", run_id, flags=re.ASCII)[:_LONGEST_NAME]
    if plain == run_id and plain.strip("."):
        return plain
    return f"{plain}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
