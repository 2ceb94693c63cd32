"""The variables of one deployment, as `deploy/new-env.sh` makes them."""

from __future__ import annotations

import subprocess

from tests.compose.compose_file import ROOT


def new_variables(*words: str) -> dict[str, str]:
    """Return the variables of a new env file."""
    made = subprocess.run(  # noqa: S603 - the project's own
        ["/bin/sh", str(ROOT / "deploy" / "new-env.sh"), *words], capture_output=True, text=True, check=True
    )
    lines = [line for line in made.stdout.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
