"""Status 0 if an Airflow job of this host has beaten lately: `python job_alive.py SchedulerJob`.

Tells what `airflow jobs check --local` tells, at a fiftieth of its CPU seconds: a health check runs for ever.
"""

from __future__ import annotations

import os
import socket
import sys

import psycopg2

#: As Airflow's own thresholds.
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
