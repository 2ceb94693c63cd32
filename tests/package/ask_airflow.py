"""A script for the clean environment: writes what Airflow finds of the package as JSON. It imports no test."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> None:
    """Write the findings to the given file."""
    found = {
        "place": _place(),
        "forms": _forms(),
        "plugins": _plugins(),
        "dags": _dags(),
        "pages": _pages(),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123 - the less is imported, the better
        json.dump(found, file)


def _place() -> str:
    import ci_operators

    return str(ci_operators.__file__)


def _forms() -> dict[str, Any]:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()  # type: ignore[no-untyped-call]  # so in Airflow 3.3
    forms = {form.connection_type: form.model_dump(mode="json") for form in HookMetaService.hook_meta_data()}
    hooks = {kind: hook.hook_class_name for kind, hook in manager.hooks.items() if hook}
    return {"providers": [name for name in manager.providers if "collective" in name], "forms": forms, "hooks": hooks}


def _plugins() -> dict[str, Any]:
    from airflow import plugins_manager

    plugins, errors = plugins_manager._get_plugins()
    return {
        "names": [plugin.name for plugin in plugins],
        "errors": errors,
        "timetables": list(plugins_manager.get_timetables_plugins()),
        "links": [type(link).__name__ for link in plugins_manager.get_global_operator_extra_links()],
    }


def _dags() -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    bag = DagBag(bundle_name="clean")
    serialized = {name: json.loads(json.dumps(DagSerialization.to_dict(dag))) for name, dag in bag.dags.items()}
    again = {name: DagSerialization.from_dict(data) for name, data in serialized.items()}
    return {"errors": bag.import_errors, "tasks": {name: sorted(dag.task_ids) for name, dag in again.items()}}


def _pages() -> dict[str, Any]:
    """Send requests to the API server's own application, with Airflow's default auth manager."""
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    client = TestClient(create_app(apps="core"), raise_server_exceptions=False)
    paths = ("static/main.js", "static/vendor/LICENSE", "static/icon.svg", "api/connectors", "api/tactics")
    answers = {path: client.get(f"/collective-insights/{path}").status_code for path in paths}
    from airflow.plugins_manager import _get_ui_plugins

    places = [each for group in _get_ui_plugins() for each in group]
    return {"answers": answers, "places": {each["destination"]: each["bundle_url"] for each in places}}


if __name__ == "__main__":
    main()
