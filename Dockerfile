# One image for all of Airflow's services in docker-compose.yaml: `docker compose build`.
# A build needs a package index (PIP_INDEX_URL names another than pip's own); a start needs no network.

# Pins come first: they change less often than the code, so that a rebuild takes them from the cache.
FROM apache/airflow:3.3.2-python3.11 AS packages
ARG PIP_INDEX_URL
COPY --chown=airflow:0 requirements-image.txt /tmp/requirements/
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements/requirements-image.txt


FROM packages AS wheel
# The same files give the same wheel, byte for byte.
ENV SOURCE_DATE_EPOCH=1767225600
COPY --chown=airflow:0 pyproject.toml setup.py README.md LICENSE NOTICE /tmp/project/
COPY --chown=airflow:0 plugins/ci_operators /tmp/project/plugins/ci_operators
COPY --chown=airflow:0 dags/ /tmp/project/dags/
COPY --chown=airflow:0 include/connectors.yaml include/connectors.schema.json include/connections.example.json \
  /tmp/project/include/
# In a copy: a build writes beside its sources, and not every engine gives their folder to airflow.
RUN cp -R /tmp/project /tmp/build \
 && pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /tmp/wheels /tmp/build


FROM packages
# (Airflow itself is not imported: it would write an airflow.cfg with generated keys into this layer.)
COPY --from=wheel --chown=airflow:0 /tmp/wheels/ /tmp/wheels/
RUN pip install --no-index --no-deps /tmp/wheels/*.whl \
 && python -c "import celery; assert celery.VERSION < (5, 7), celery.VERSION"

COPY --chown=airflow:0 dags/ /opt/airflow/dags/
COPY --chown=airflow:0 include/ /opt/airflow/include/
COPY --chown=airflow:0 deploy/ /opt/airflow/deploy/
# Made here, so that a volume mounted there belongs to the same user. Artifacts hold personal data.
RUN mkdir -p /opt/airflow/logs /opt/airflow/staging /opt/airflow/demo && chmod 0700 /opt/airflow/staging

USER airflow
