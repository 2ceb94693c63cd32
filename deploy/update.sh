#!/bin/sh
# Updates a running deployment to this folder and .env: git pull && sh deploy/update.sh
# Run it after a change of .env too, including database passwords.
set -eu
cd "$(dirname "$0")/.."

docker compose build # while everything runs: if it fails, nothing has changed
docker compose stop scheduler # no new tasks are queued
docker compose stop worker # each worker ends its tasks within five minutes, and reports them to the API server
docker compose up --detach --wait postgres
docker compose exec -T postgres sh /docker-entrypoint-initdb.d/databases.sh
docker compose up --detach --wait
