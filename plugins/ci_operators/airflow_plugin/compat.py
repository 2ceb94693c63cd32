"""The parts of Airflow that this package uses although they are not public, under one name each.

Public is what Airflow's "Public Interface" page, its page on plugins and the Task SDK reference list. Everything else
may change in any version. It is imported only here, and only when a module asks for the name, so that a DAG file does
not import the models that the pages need. tests/airflow_plugin/test_compat.py checks each entry.

(What Airflow's web page offers to components is not public either. pages/static/element.js uses it, and tests in a
browser check it.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from ci_operators.airflow_plugin import versions

if TYPE_CHECKING:
    from airflow.api_fastapi.app import get_auth_manager as get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity as DagAccessEntity
    from airflow.api_fastapi.common.db.common import SessionDep as SessionDep
    from airflow.api_fastapi.core_api.security import get_user as get_user
    from airflow.api_fastapi.core_api.security import requires_access_dag as requires_access_dag
    from airflow.models.dag import DagModel as DagModel
    from airflow.models.dagrun import DagRun as DagRun
    from airflow.models.taskinstance import TaskInstance as TaskInstance
    from airflow.models.xcom import XComModel as XComModel
    from airflow.secrets.metastore import MetastoreBackend as MetastoreBackend


@dataclass(frozen=True, slots=True)
class PrivateUse:
    """A use of Airflow that may break with any version.

    path: where Airflow has it. used_by: modules of this package, or a file. reason: why nothing public serves.
    parts: the attributes that we use.
    """

    path: str
    used_by: tuple[str, ...]
    reason: str
    parts: tuple[str, ...] = ()


_MODELS = ("pages.airflow_runs",)
_LIST = (
    "the REST API gives the last run and the number of failed runs of one DAG at a time, so that a page of 1000 "
    "connectors would take 2000 requests in place of two statements"
)
_RUN = (
    "the REST API takes a request for the run, one for its tasks and one for each XCom, and a permission on XComs that "
    "readers of the run may not have"
)
_ACCESS = "nothing public lets a plugin's routes ask for Airflow's login and permissions"
_API = "airflow.api_fastapi"

PRIVATE_USES: Final[Mapping[str, PrivateUse]] = {
    "DagModel": PrivateUse("airflow.models.dag.DagModel", _MODELS, _LIST, ("dag_id", "is_paused")),
    "DagRun": PrivateUse(
        "airflow.models.dagrun.DagRun",
        _MODELS,
        f"{_LIST}; {_RUN}",
        ("id", "dag_id", "run_id", "run_type", "run_after", "state", "start_date", "end_date"),
    ),
    "TaskInstance": PrivateUse(
        "airflow.models.taskinstance.TaskInstance",
        _MODELS,
        _RUN,
        ("dag_id", "run_id", "task_id", "state", "try_number"),
    ),
    "XComModel": PrivateUse(
        "airflow.models.xcom.XComModel", _MODELS, _RUN, ("dag_id", "run_id", "task_id", "key", "map_index", "value")
    ),
    "SessionDep": PrivateUse(
        f"{_API}.common.db.common.SessionDep",
        ("pages.asked_run", "pages.connectors", "pages.exports"),
        "the models need a session that ends with the request",
    ),
    "get_user": PrivateUse(f"{_API}.core_api.security.get_user", ("pages.application", "pages.request"), _ACCESS),
    "requires_access_dag": PrivateUse(f"{_API}.core_api.security.requires_access_dag", ("pages.asked_run",), _ACCESS),
    "DagAccessEntity": PrivateUse(
        f"{_API}.auth.managers.models.resource_details.DagAccessEntity", ("pages.asked_run",), _ACCESS, ("RUN",)
    ),
    "get_auth_manager": PrivateUse(
        f"{_API}.app.get_auth_manager",
        ("pages.request",),
        "auth managers are public, but not how to get the one in use; the REST API lists 100 readable DAGs a request",
    ),
    "Stats": PrivateUse(
        versions.PATHS["Stats"],
        ("operators.metrics",),
        "nothing public sends metrics where Airflow sends its own",
        ("incr", "gauge", "timing"),
    ),
    "MetastoreBackend": PrivateUse(
        "airflow.secrets.metastore.MetastoreBackend",
        ("hooks.connection",),
        "to a task, a Connection that cannot be decrypted looks like one that does not exist",
        ("get_connection",),
    ),
    "Job": PrivateUse(
        "airflow.jobs.job.Job",
        ("deploy/job_alive.py",),
        "`airflow jobs check --local` takes seconds of CPU, and the REST API's health does not tell hosts apart",
        ("job_type", "hostname", "state", "latest_heartbeat"),
    ),
    "ensure_secrets_backend_loaded": PrivateUse(
        "airflow.sdk.execution_time.supervisor.ensure_secrets_backend_loaded",
        ("__main__",),
        "outside of tasks it reads Connections from the database only after `read_stored_connections`",
    ),
}


def __getattr__(name: str) -> Any:
    """Return what a module imports from here. Raises ImportError, in a sentence, if Airflow no longer has it."""
    if name not in PRIVATE_USES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, find_private(name))


def find_private(name: str) -> Any:
    """Return the object of Airflow for a name of the list. Raises ImportError, in a sentence, if a part is missing."""
    use = PRIVATE_USES[name]
    try:
        found = resolve_name(path := use.path)
        for path in (f"{use.path}.{part}" for part in use.parts):
            resolve_name(path)
    except (ImportError, AttributeError) as err:
        raise ImportError(
            f"Airflow {version('apache-airflow-core')} has no {path}. Needed by {' and '.join(use.used_by)}: "
            f"{use.reason}. Install a version of Airflow that this package's requirements allow."
        ) from err
    return found


def read_stored_connections() -> None:
    """Let this process read Connections from Airflow's database, as Airflow's own commands do."""
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
