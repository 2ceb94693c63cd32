from __future__ import annotations

import subprocess
import sys

from tests.airflow_home import ROOT


def test_the_quick_tests_import_no_airflow() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "tests.quick", "-p", "no:cacheprovider"]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - ours
