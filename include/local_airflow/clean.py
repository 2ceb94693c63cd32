"""`make clean`: deletes the demo's data, unless a demo is running."""

from __future__ import annotations

import shutil
import sys

from local_airflow.folder import held_lock, remove_temporary_folder
from local_airflow.mishaps import explain_failure
from local_airflow.settings import FOLDER, LaunchError

if __name__ == "__main__":
    try:
        with held_lock(FOLDER):
            remove_temporary_folder(FOLDER / "postgres")
            shutil.rmtree(FOLDER)
    except LaunchError as err:
        sys.exit(str(err))
    except OSError as err:
        sys.exit(explain_failure(err, FOLDER) or f"{FOLDER} cannot be deleted: {err}")
