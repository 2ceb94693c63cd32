"""Exits with 0 if an Airflow job of this host has sent a heartbeat lately: `python job_alive.py SchedulerJob`.

Reports what `airflow jobs check --local` reports, in a fiftieth of its CPU time, because a health check runs often.
"""

from __future__ import annotations

import os
import socket
import sys

import psycopg2

#: Airflow's own threshold.
_SECONDS = 30
_QUERY = """
    SELECT 1 FROM job
    WHERE job_type = %s AND hostname IN (%s, %s) AND state = 'running'
      AND latest_heartbeat > now() - make_interval(secs => %s)
"""


def main(job_type: str) -> int:
    """Return the exit status."""
    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2://", "postgresql://", 1)
    connection = psycopg2.connect(address, connect_timeout=5)  # type: ignore[no-untyped-call] # psycopg2 has no types
    try:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, (job_type, socket.getfqdn(), socket.gethostname(), _SECONDS))
            return 0 if cursor.fetchone() else 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
