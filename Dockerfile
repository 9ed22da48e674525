# One image for every part: `docker run roomstate ingest`, `… processor`, `… migrate`. It leaves out the embedded
# ClickHouse engine (half a gigabyte), which only `up` and `store` need: here the store is a ClickHouse of its own.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /roomstate
COPY requirements.lock pyproject.toml README.md ./
RUN grep --invert-match --extended-regexp '^chdb(-core)?==' requirements.lock > parts.lock \
    && /roomstate/bin/pip install --no-cache-dir --disable-pip-version-check --requirement parts.lock
COPY state_machine state_machine
COPY storage storage
COPY ingest ingest
COPY processors processors
COPY dashboards dashboards
COPY roomstate roomstate
RUN /roomstate/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /data roomstate
COPY --from=build /roomstate /roomstate
ENV PATH=/roomstate/bin:$PATH PYTHONUNBUFFERED=1 ROOMSTATE_DATA_DIR=/data ROOMSTATE_HOST=0.0.0.0
USER roomstate
WORKDIR /data
EXPOSE 8080
ENTRYPOINT ["roomstate"]
CMD ["--help"]
