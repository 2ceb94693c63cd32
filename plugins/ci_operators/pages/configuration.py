"""The connectors file as it stands, read again when it has changed: the API server lives for weeks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.errors import ConfigurationError


def current_file() -> ConnectorsFile:
    """Return what the connectors file holds now. Raises ConfigurationError when it cannot be read."""
    path = connectors_path()
    try:
        found = path.stat()
    except OSError as err:
        raise ConfigurationError(
            f"The API server cannot read the connectors file {path} ({err.strerror}): it needs the same file, "
            "by COLLECTIVE_INSIGHTS_CONFIG, as the workers."
        ) from None
    return _load(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _load(path: Path, changed_ns: int, size: int) -> ConnectorsFile:
    del changed_ns, size  # they tell one content of the file from another
    return load_connectors(path)
