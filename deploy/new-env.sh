#!/bin/sh
# Prints the variables that docker-compose.yaml wants, with new random secrets: sh deploy/new-env.sh > .env
# With the word demo also what points the connectors to the simulator: sh deploy/new-env.sh demo > .env
set -eu
umask 077

hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

cat <<VARIABLES
# Secrets of one deployment: readable by its owner alone, in no repository. Losing FERNET_KEY loses the Connections.
FERNET_KEY=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')
JWT_SECRET=$(hex 64)
API_SECRET_KEY=$(hex 32)
POSTGRES_PASSWORD=$(hex 24)
AIRFLOW_DB_PASSWORD=$(hex 24)
LEDGER_DB_PASSWORD=$(hex 24)
REDIS_PASSWORD=$(hex 24)
VARIABLES
if [ "${1:-}" = demo ]; then
  cat <<VARIABLES

# The demo: connectors that are live, towards the simulator.
COMPOSE_PROFILES=demo
CONNECTORS_FOLDER=./include/demo
VARIABLES
fi
