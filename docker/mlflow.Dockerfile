# The tracking server with the driver for PostgreSQL.
FROM python:3.12-slim
RUN pip install --no-cache-dir "mlflow>=3.17,<3.18" "psycopg2-binary>=2.9" && useradd --uid 10001 --create-home mlflow \
    && mkdir /artifacts && chown mlflow /artifacts
USER mlflow
EXPOSE 5000
