"""Where artifacts lie: COLLECTIVE_INSIGHTS_STAGING, a URL that Airflow's object storage knows."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from ci_operators.core.errors import ConfigurationError

VARIABLE = "COLLECTIVE_INSIGHTS_STAGING"
#: Of a run's id: file systems take names of 255 bytes.
_LONGEST_NAME = 200


def staging_url() -> str:
    """Return the staging area's URL; by default a folder of Airflow's home.

    Every worker must reach the same place: with several machines, set the variable to object storage.
    """
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow")  # Airflow's own default
    return os.environ.get(VARIABLE) or f"file://{home.expanduser().resolve()}/collective_insights"


def run_directory(dag_id: str, run_id: str) -> ObjectStoragePath:
    """Return the directory of a run's artifacts: the same for every try, so that a retry writes over them."""
    return ObjectStoragePath(staging_url()) / dag_id / _name_folder(run_id)


def artifact_path(url: str) -> ObjectStoragePath:
    """Return the artifact that a manifest names."""
    return ObjectStoragePath(url)


def check_artifact(url: str, directory: ObjectStoragePath) -> None:
    """Raise ConfigurationError unless the URL is one of a file in the directory.

    It comes from an XCom, which whoever may write XComs of the DAG can change: to a file of the worker's machine, or
    to the events of another connector, which would go to this one's organisation.
    """
    folder, _, name = url.rpartition("/")
    if folder != str(directory) or name in ("", ".", ".."):
        raise ConfigurationError(
            f"The artifact {url[:300]!r} is not in this run's directory {directory}: the XCom or "
            f"{VARIABLE} was changed. Clear the run from extract on."
        )


def _name_folder(run_id: str) -> str:
    """Return a folder's name for a run that no other run of the DAG has: a person may have named it as he likes."""
    plain = re.sub(r"[^\w.-]", "_", run_id, flags=re.ASCII)[:_LONGEST_NAME]
    if plain == run_id and plain.strip("."):
        return plain
    return f"{plain}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
