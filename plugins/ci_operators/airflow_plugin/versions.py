"""The differences between the versions of Airflow that this package supports (3.1 to 3.3), under one name each.

Every other module is written for the newest version. Nothing else compares versions or catches an ImportError
(tests/airflow_plugin/test_versions.py). An entry goes when its version is no longer supported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from packaging.version import Version

from ci_operators.core.errors import ConfigurationError, FatalError

if TYPE_CHECKING:
    from airflow.sdk import CronTriggerTimetable as CronTriggerTimetable
    from airflow.sdk import DeadlineAlert as DeadlineAlert  # type: ignore[attr-defined]  # 3.3's stub leaves it out
    from airflow.sdk import DeadlineReference as DeadlineReference  # type: ignore[attr-defined]  # the same
    from airflow.sdk import SkipMixin as SkipMixin
    from airflow.sdk import SyncCallback as SyncCallback  # type: ignore[attr-defined]  # the same
    from airflow.sdk import conf as conf
    from airflow.sdk.exceptions import AirflowFailException as AirflowFailException
    from airflow.sdk.exceptions import AirflowNotFoundException as AirflowNotFoundException
    from airflow.sdk.exceptions import AirflowRescheduleException as AirflowRescheduleException
    from airflow.sdk.exceptions import AirflowSkipException as AirflowSkipException
    from airflow.sdk.exceptions import DownstreamTasksSkipped as DownstreamTasksSkipped
    from airflow.sdk.observability.stats import Stats as Stats

AIRFLOW: Final = Version(version("apache-airflow-core"))

#: 3.3.0: a task has a retry policy, and an asset a state store.
HAS_RETRY_POLICIES: Final = AIRFLOW.release >= (3, 3)
HAS_ASSET_STATE: Final = AIRFLOW.release >= (3, 3)
#: 3.3.0: a DeadlineAlert has a name. 3.2.0: it has a callback that the executor calls.
NAMES_DEADLINES: Final = AIRFLOW.release >= (3, 3)
HAS_DEADLINES: Final = AIRFLOW.release >= (3, 2)
#: 3.2.0: what the pages import from Airflow, and its UI shows them with the place that they are in.
HAS_PAGES: Final = AIRFLOW.release >= (3, 2)
#: 3.3.0: the UI resolves the bundle_url of a page against the API server's base path.
RESOLVES_BUNDLES: Final = AIRFLOW.release >= (3, 3)
#: From 3.2.0 on a factor; before, whether to double.
RETRY_BACKOFF: Final[Any] = 2 if AIRFLOW.release >= (3, 2) else True

#: The modules of names that moved: from 3.2.0 on, and before.
_MOVED: Final[Mapping[str, tuple[str, str]]] = {
    "conf": ("airflow.sdk.conf", "airflow.configuration.conf"),
    "CronTriggerTimetable": ("airflow.sdk.CronTriggerTimetable", "airflow.timetables.trigger.CronTriggerTimetable"),
    "SkipMixin": ("airflow.sdk.SkipMixin", "airflow.providers.standard.utils.skipmixin.SkipMixin"),
    "Stats": ("airflow.sdk.observability.stats.Stats", "airflow.stats.Stats"),
    **{
        name: (f"airflow.sdk.exceptions.{name}", f"airflow.exceptions.{name}")
        for name in (
            "AirflowFailException",
            "AirflowNotFoundException",
            "AirflowRescheduleException",
            "AirflowSkipException",
            "DownstreamTasksSkipped",
        )
    },
    **{
        name: (f"airflow.sdk.{name}", f"airflow.sdk.definitions.deadline.{name}")
        for name in ("DeadlineAlert", "DeadlineReference", "SyncCallback")
    },
}
PATHS: Final = {name: paths[AIRFLOW.release < (3, 2)] for name, paths in _MOVED.items()}


def __getattr__(name: str) -> Any:
    """Return what a module imports from here. It is imported when the module asks for it."""
    if name not in PATHS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, resolve_name(PATHS[name]))


@contextmanager
def failing_at_once() -> Iterator[None]:
    """Let a fatal error end the tries of a task, because Airflow before 3.3.0 has no retry policies."""
    try:
        yield
    except FatalError as err:
        if HAS_RETRY_POLICIES:
            raise
        raise resolve_name(PATHS["AirflowFailException"])(str(err)) from err


def check_deadline() -> None:
    """Raise ConfigurationError if Airflow cannot report a missed deadline."""
    if not HAS_DEADLINES:
        raise ConfigurationError(
            f"The option deadline needs Airflow 3.2.0 or newer, and this is {AIRFLOW}. Remove the option or upgrade "
            "Airflow."
        )
