# The tracking server with the driver for PostgreSQL, at the versions of docker/mlflow.lock.
FROM python:3.12-slim
COPY docker/mlflow.lock /tmp/mlflow.lock
RUN pip install --no-cache-dir --require-hashes -r /tmp/mlflow.lock && useradd --uid 10001 --create-home mlflow \
    && mkdir /artifacts && chown mlflow /artifacts
COPY docker/mlflow-entrypoint /usr/local/bin/mlflow-entrypoint
USER mlflow
EXPOSE 5000
ENTRYPOINT ["mlflow-entrypoint"]
