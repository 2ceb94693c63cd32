#!/bin/sh
# Creates the databases, each with its own role that cannot access the others, when PostgreSQL starts on an empty volume.
# On another volume, deploy/update.sh runs it to create what is missing and to set the passwords.
set -eu

provide() { # role and database, password
  psql --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" --username "${POSTGRES_USER:-postgres}" \
       --dbname postgres --quiet <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

provide airflow "$AIRFLOW_DB_PASSWORD"
provide celery "$CELERY_DB_PASSWORD"
provide ledger "$LEDGER_DB_PASSWORD"
