"""The plugin that Airflow registers: the timetable, the pages and the links to them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperatorLink

from ci_operators.airflow_plugin.connection_ports import PortlessTest
from ci_operators.airflow_plugin.preload import preload
from ci_operators.airflow_plugin.versions import HAS_PAGES, RESOLVES_BUNDLES, conf
from ci_operators.timetables.update_frequency import UpdateFrequencyTimetable

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

#: In the UI, and of the component that the browser's module defines: Airflow looks it up by this name.
TITLE = "Collective Insights"
PREFIX = "/collective-insights"
TASK_ROUTE = "collective-insights-task"


class LazyApplication:
    """The pages' application, made at its first request: all of Airflow's processes load plugins, one serves pages."""

    _app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the request on."""
        if self._app is None:
            from ci_operators.pages.application import make_application  # half a second that no task has to wait for

            self._app = make_application()
        await self._app(scope, receive, send)


class PageLink(BaseOperatorLink):
    """Leads from a stage's task to what became of its records.

    Made by the API server, not by the task: it is there while the task runs, and when it has failed.
    """

    name = "What became of the events"

    @property
    def operators(self) -> list[type[BaseOperator]]:  # type: ignore[override]  # Airflow has a list, and reads it
        """Return the stages. The API server asks for them; all other processes load the plugin, and need not wait."""
        from ci_operators.operators.extract import ExtractOperator
        from ci_operators.operators.filter import FilterOperator
        from ci_operators.operators.map import MapOperator
        from ci_operators.operators.submit import SubmitOperator
        from ci_operators.operators.validate import ValidateOperator

        return [ExtractOperator, FilterOperator, MapOperator, ValidateOperator, SubmitOperator]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address of the task's page."""
        del operator
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        run_id = quote(ti_key.run_id, safe=":+")  # as in Airflow's own links, whose tabs compare the letters
        return f"{base}/dags/{ti_key.dag_id}/runs/{run_id}/tasks/{ti_key.task_id}/plugin/{TASK_ROUTE}"


def _find_base() -> str:
    """Return what precedes the address of a file: nothing, as Airflow may be below a path, where the UI resolves it."""
    if RESOLVES_BUNDLES:
        return ""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + "/"


def _place(destination: str, url_route: str, **more: Any) -> dict[str, Any]:
    """Return a place in the UI where the component shows itself."""
    static = f"{_find_base()}collective-insights/static"
    return {
        "name": TITLE,
        "bundle_url": f"{static}/main.js",
        "destination": destination,
        "url_route": url_route,
        "icon": f"{static}/icon.svg",
        "icon_dark_mode": f"{static}/icon-dark.svg",
        **more,
    }


class CollectiveInsightsPlugin(AirflowPlugin):
    """Registers the timetable (the scheduler reads it from a serialised DAG), the pages and the links to them."""

    name = "collective_insights"
    timetables = [UpdateFrequencyTimetable]  # noqa: RUF012 - declared so by Airflow, as all below
    fastapi_apps = [{"app": LazyApplication(), "url_prefix": PREFIX, "name": TITLE}] if HAS_PAGES else []
    react_apps = (
        [
            _place("nav", "collective-insights", nav_top_level=True),
            _place("dag_run", "collective-insights-run"),
            _place("task_instance", TASK_ROUTE),
        ]
        if HAS_PAGES
        else []
    )
    operator_extra_links = [PageLink()] if HAS_PAGES else []
    fastapi_root_middlewares = [{"middleware": PortlessTest, "name": "Test button of Connections"}]  # noqa: RUF012

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Import early what the processes need that this one forks: Airflow loads plugins before it forks."""
        del args, kwargs
        preload(sys.argv)
