#!/bin/sh
# Makes the two databases, each with an owner of its own, when PostgreSQL starts on an empty volume. The ledger's
# role cannot reach Airflow's database, nor the other way round.
set -eu

create() { # role and database, password
  psql --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

create airflow "$AIRFLOW_DB_PASSWORD"
create ledger "$LEDGER_DB_PASSWORD"
