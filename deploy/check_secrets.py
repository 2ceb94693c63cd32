"""Checks the secrets of .env before a migration: `python deploy/check_secrets.py` exits with 0 if they can be used.

Without this check, a wrong password appears as a database that does not answer, and a wrong FERNET_KEY as missing
Connections.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

_PASSWORDS = ("AIRFLOW_DB_PASSWORD", "CELERY_DB_PASSWORD", "LEDGER_DB_PASSWORD", "REDIS_PASSWORD")
_QUERY = """
    SELECT conn_id, password FROM connection WHERE is_encrypted AND password <> ''
    UNION ALL SELECT conn_id, extra FROM connection WHERE is_extra_encrypted AND extra <> ''
"""


def main(environment: Mapping[str, str]) -> int:
    """Print the first problem and return the exit status."""
    problem = next(_find_problems(environment), None)
    if problem is None:
        return 0
    sys.stderr.write(f"{problem}\n")
    return 1


def _find_problems(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _PASSWORDS:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", environment[name]):
            yield (
                f"{name} has a character that cannot be part of a URL. Use only letters, digits, - and _. "
                f"Change it in .env, then run `sh deploy/update.sh`."
            )
    try:
        keys = MultiFernet([Fernet(key.strip()) for key in environment["AIRFLOW__CORE__FERNET_KEY"].split(",")])
    except ValueError as err:
        yield f"FERNET_KEY is not a Fernet key ({err}). Restore the correct one in .env."
        return
    try:
        lost = sorted(set(_find_undecryptable(keys, environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])))
    except OperationalError as err:
        yield f"Airflow's database rejects AIRFLOW_DB_PASSWORD or does not answer: {err.orig}"
        return
    if lost:
        yield (
            f"FERNET_KEY does not decrypt the Connections {', '.join(lost)}: it is not the key that encrypted them. "
            f"Restore that key in .env. If it is lost, delete them (`docker compose run --rm init airflow connections "
            f"delete ID`) and enter them again."
        )


def _find_undecryptable(keys: MultiFernet, address: str) -> Iterator[str]:
    with create_engine(address).connect() as connection:
        if not inspect(connection).has_table("connection"):
            return  # nothing has been migrated yet
        for conn_id, secret in connection.execute(text(_QUERY)):
            try:
                keys.decrypt(secret)
            except InvalidToken:
                yield conn_id


if __name__ == "__main__":
    sys.exit(main(os.environ))
