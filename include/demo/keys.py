"""The secrets of one Airflow, made once and kept beside its database."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from demo.errors import DemoError


@dataclass(frozen=True)
class Keys:
    """What Airflow would otherwise invent at each start, and the password of the login."""

    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    api_secret: str = field(repr=False)
    admin_password: str = field(repr=False)


def load_keys(path: Path) -> Keys:
    """Returns the keys stored in `path`, made first if need be, readable by its owner only."""
    if not path.exists():
        write_secret(path, json.dumps(asdict(_make_keys()), indent=2))
    try:
        return Keys(**json.loads(path.read_text()))
    except (ValueError, TypeError) as err:
        raise DemoError(
            f"{path} cannot be read as keys: `make clean` forgets it together with the demo's data."
        ) from err


def write_secret(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    draft.replace(path)


def _make_keys() -> Keys:
    return Keys(
        fernet_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
        jwt_secret=secrets.token_urlsafe(64),
        api_secret=secrets.token_urlsafe(32),
        admin_password=secrets.token_urlsafe(12),
    )
