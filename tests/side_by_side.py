"""How pytest-xdist shares the tests out in `make test`: by file, and never two whole Airflows at the same time."""

from __future__ import annotations

from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling

#: Folders whose tests run whole Airflows: one worker has them all.
WITH_AIRFLOW = ("end_to_end", "compose")


class LoadAirflowScheduling(LoadFileScheduling):
    """As `--dist=loadfile`, but that the folders of `WITH_AIRFLOW` count as one file."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "Airflow" if PurePosixPath(path).parent.name in WITH_AIRFLOW else path
