"""The variables of one deployment, as `deploy/new-env.sh` creates them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.compose.compose_file import ROOT


def write_env(project: Path, *words: str) -> Path:
    """Run the script in a folder that represents the project, and return the file that it writes."""
    script = project / "deploy" / "new-env.sh"
    script.parent.mkdir(exist_ok=True)
    shutil.copy(ROOT / "deploy" / script.name, script)
    subprocess.run(["/bin/sh", str(script), *words], cwd="/", umask=0o022, check=True)  # noqa: S603 - the project's own
    return project / ".env"


def new_variables(*words: str) -> dict[str, str]:
    """Return the variables of a new env file."""
    with tempfile.TemporaryDirectory() as folder:
        return read_variables(write_env(Path(folder), *words))


def read_variables(file: Path) -> dict[str, str]:
    """Return the variables of an env file."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
