"""`make clean`: forgets the demo's data, unless a demo runs. Standard library only."""

from __future__ import annotations

import shutil
import sys

from demo.errors import DemoError
from demo.lock import held_lock
from demo.places import remove_temporary_folder
from demo.settings import FOLDER


def main() -> int:
    """Remove the data and return an exit status."""
    try:
        with held_lock(FOLDER):
            remove_temporary_folder(FOLDER / "postgres")
            shutil.rmtree(FOLDER)
    except DemoError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
