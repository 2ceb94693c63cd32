#!/bin/sh
# Brings a running deployment to what this folder and .env say: git pull && sh deploy/update.sh
# Also after a change of .env, of database passwords too.
set -eu
cd "$(dirname "$0")/.."

docker compose build # while everything runs; if it fails, nothing has changed
docker compose stop scheduler # queues nothing more
docker compose stop worker # each ends its tasks, within five minutes, and reports them to the API server
docker compose up --detach --wait postgres
docker compose exec -T postgres sh /docker-entrypoint-initdb.d/databases.sh
docker compose up --detach --wait
