"""How pytest-xdist shares the tests out in `make test`: by file, and the tests of one whole Airflow together."""

from __future__ import annotations

from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling

#: Begins first, the longest first: what takes minutes, most of them waiting.
LONGEST = (
    "tests/compose/test_native_celery.py",
    "tests/end_to_end",
    "tests/package",
    "tests/faults",
    "tests/stages/test_delivery_lost_session.py",
    "tests/sources/test_stories.py",
    "tests/fuzz",
)
#: The tests of this folder share an Airflow.
TOGETHER = "end_to_end"


def rank(path: PurePosixPath) -> int:
    """Return when a file's tests begin, as a position among all."""
    text = path.as_posix()
    return next((number for number, place in enumerate(LONGEST) if place in text), len(LONGEST))


def is_long(path: PurePosixPath) -> bool:
    """Return whether a file's tests take so long that coverage, which doubles that, is left to the others."""
    return rank(path) < len(LONGEST)


class LoadAirflowScheduling(LoadFileScheduling):
    """As `--dist=loadfile`, but that a folder whose tests share an Airflow counts as one file."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return TOGETHER if PurePosixPath(path).parent.name == TOGETHER else path
