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

#: The title in the UI, and the name of the component in the browser's module, by which Airflow finds it.
TITLE = "Collective Insights"
#: The title in the navigation, which has room for one word.
SHORT_TITLE = "Insights"
PREFIX = "/collective-insights"
TASK_ROUTE = "collective-insights-task"


class LazyApplication:
    """The application of the pages, created at its first request: all processes load plugins, but one serves pages."""

    _app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on."""
        if self._app is None:
            from ci_operators.pages.application import make_application  # half a second that no task has to wait for

            self._app = make_application()
        await self._app(scope, receive, send)


class PageLink(BaseOperatorLink):
    """The link from a stage's task to the outcomes of its records.

    The API server makes it, not the task, so it is available while the task runs and after a failure.
    """

    name = "What happened to the events"

    @property
    def operators(self) -> list[type[BaseOperator]]:  # type: ignore[override]  # Airflow has a list, and reads it
        """Return the stages. Only the API server asks for them; other processes do not import them."""
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
    """Return the prefix of a file's address: empty if the UI resolves it, because Airflow may be below a path."""
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
    """The plugin with the timetable, which the scheduler reads from a serialized DAG, the pages, and their links."""

    name = "collective_insights"
    timetables = [UpdateFrequencyTimetable]  # noqa: RUF012 - declared so by Airflow, as all below
    fastapi_apps = [{"app": LazyApplication(), "url_prefix": PREFIX, "name": TITLE}] if HAS_PAGES else []
    react_apps = (
        [
            _place("nav", "collective-insights", name=SHORT_TITLE, nav_top_level=True),
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
        """Import what the child processes need, because Airflow loads plugins before it forks them."""
        del args, kwargs
        preload(sys.argv)
