#!/bin/sh
# Writes .env with new random secrets, or adds what docker-compose.yaml needs and is missing: sh deploy/new-env.sh
# With demo, it also adds the settings for the simulator: sh deploy/new-env.sh demo
# It never changes what .env already has.
set -eu
umask 077
cd "$(dirname "$0")/.."
[ -e .env ] || echo "# Secrets of one deployment. If FERNET_KEY is lost, the Connections are lost." > .env
chmod 600 .env
[ -z "$(tail -c 1 .env)" ] || echo >> .env # end its last line

hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }
add() { grep -q "^$1=." .env || echo "$1=$2" >> .env; }

add FERNET_KEY "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
add JWT_SECRET "$(hex 64)"
add API_SECRET_KEY "$(hex 32)"
for name in POSTGRES AIRFLOW_DB CELERY_DB LEDGER_DB REDIS; do
  add "${name}_PASSWORD" "$(hex 24)"
done
if [ "${1:-}" = demo ]; then
  add COMPOSE_PROFILES demo
  add CONNECTORS_FOLDER ./include/local_airflow
  add NEW_CONNECTORS_PAUSED False
fi
