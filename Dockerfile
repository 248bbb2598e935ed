# The service alone: no scikit-learn, no MLflow, nobody's root, nothing to write but /corrections.
FROM python:3.12 AS build
COPY docker/serve.lock /tmp/serve.lock
RUN python -m venv /app/.venv && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/serve.lock
COPY pyproject.toml README.m[d] /app/src/
COPY kernel /app/src/kernel
COPY pipeline /app/src/pipeline
RUN /app/.venv/bin/pip install --no-cache-dir --no-deps /app/src && /app/.venv/bin/python -m compileall -q /app/.venv

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home topics && mkdir /models /corrections && chown topics /corrections
COPY --from=build /app/.venv /app/.venv
USER topics
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 TMPDIR=/tmp
VOLUME ["/models", "/corrections"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["topics"]
CMD ["serve", "--host", "0.0.0.0", "--model", "/models", "--annotations", "/corrections/annotations.sqlite3", "--token-file", "/run/secrets/topics_token"]
