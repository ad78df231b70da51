#!/usr/bin/env bash
# Starts StringX DataOps: in a container (default) or, with --local, on this machine without Docker.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
image=dbt-data-ops:latest
container=dbt-dataops-service
volume=dbt-data-ops
home=/var/lib/stringx

usage() {
  cat <<'TEXT'
usage: ./start-service.sh [-d]        build the image and run it (-d: in the background)
       ./start-service.sh --local     without Docker: a virtual environment and an embedded PostgreSQL
       ./start-service.sh --local --kafka  … and a Kafka broker (needs Java 17 and Maven)
       … --with duckdb,trino          and what checks of DuckDB and Parquet, and of Trino need; one of them or both

Environment, all optional (each secret also reads from the file that NAME_FILE names):
  STRINGX_HOME             state; default .stringx/
  DATAOPS_PORT             5001      BACKEND_PORT  5002      DOCS_PORT  8001
  BIND_HOST                default 127.0.0.1
  ALLOWED_HOSTS            further names by which the services may be asked, separated by commas
  STRINGX_DATABASE_URL     an external internal database: postgresql://user:password@host:port/dbname
  STRINGX_DATABASE_DIRECT_URL  the same database, if the other one leads to a pooler such as PgBouncer
  BACKEND_URL DATAOPS_URL  where each service finds the other
  DBT_PROJECT_DIR DBT_PROFILES_DIR  your own copy of stringx/
  WORKER_CONCURRENCY       warm dbt processes; default: cores
  WORKER_MAX_CHECKS        checks that one serves before it is replaced; 1: a `dbt test` process for each
  BATCH_CHECKS             16: small checks of one target that run as one `dbt test` where they wait; 1: each alone
  QUEUE_LIMIT              checks that may wait; beyond it 429
  LEASE_SECONDS            20: how soon another worker takes over the checks of one that fell silent
  RETENTION_RESULTS_DAYS   400       RETENTION_SAMPLES_DAYS  30       RETENTION_DELIVERED_DAYS  7
  PUBLIC_URL               where people reach the Backend: https://checks.example.org
  DOCS_URL                 where people reach the docs portal
  TRUSTED_PROXIES          networks of the proxies in front of the Backend: 10.0.0.0/8
  OIDC_ISSUER OIDC_CLIENT_ID OIDC_CLIENT_SECRET  people sign in to the dashboard at this OpenID provider; needs PUBLIC_URL
  OIDC_ROLES               what their groups may do: staff=viewer, data=editor@nyc+crm, owners=admin
  OIDC_GROUPS_CLAIM        groups    OIDC_SCOPES              openid profile email
  RETENTION_POINTS_DAYS    400       RETENTION_DAYS_YEARS     5
  RETENTION_AUDIT_DAYS     400
  STRINGX_SECRETS          folder of secret files; default $STRINGX_HOME/secrets
  DUCKDB_FOLDERS           folders below which targets of DuckDB may read files: /data:/lake
  DUCKDB_BUCKETS           buckets that they may read: s3://lake, https://minio.example.com:9000/lake/orders
  STRINGX_API_KEY STRINGX_SERVICE_KEY STRINGX_SIGNING_SECRET  instead of generated ones
  STRINGX_DEMO=0           without the demo
  PROBE_FOLDER             folder in which workers, the Kafka trigger and docs-refresh write files for probes
  KAFKA_BOOTSTRAP_SERVERS  host:port of Kafka brokers: starts the Kafka trigger
  KAFKA_TOPIC_PREFIX       default stringx.quality-check: the topics PREFIX.requests, .results and .requests.dlq
  KAFKA_SECURITY_PROTOCOL  PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL
  KAFKA_SASL_MECHANISM     PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD
  KAFKA_SSL_CAFILE KAFKA_SSL_CERTFILE KAFKA_SSL_KEYFILE KAFKA_SSL_KEY_PASSWORD  files in PEM, and the key's password
  KAFKA_PORT               9092: of the broker that --kafka starts; its controller takes the next one
  TARGET_*                 passwords that Target documents name
  NOTIFY_*                 addresses and signing secrets that Channel documents name
  OPENLINEAGE_URL          a receiver of OpenLineage events, such as http://marquez:5000; OPENLINEAGE_API_KEY is its key
  OPENLINEAGE_ENDPOINT     api/v1/lineage    OPENLINEAGE_NAMESPACE    stringx: that of jobs
  OTEL_EXPORTER_OTLP_ENDPOINT  a collector of traces, such as http://collector:4318; other OTEL_* are OpenTelemetry's own
  PYTHON                   the Python (3.11 or newer) that makes .venv; one that another Python has made is made anew
TEXT
}

die() {
  echo "start-service: $*" >&2
  exit 2
}

find_python() { # the newest that is new enough; PYTHON decides where it is set
  local candidate
  if [[ -n ${PYTHON:-} ]]; then
    command -v -- "$PYTHON" >/dev/null || die "PYTHON is '$PYTHON', which is no program"
    new_enough "$PYTHON" || die "PYTHON is '$PYTHON', which is $("$PYTHON" -V 2>&1); give 3.11 or newer"
    python=$PYTHON
    return
  fi
  for candidate in python3.13 python3.12 python3.11 python3 python; do
    if command -v "$candidate" >/dev/null && new_enough "$candidate"; then
      python=$candidate
      return
    fi
  done
  candidate=$(command -v python3 || true)
  [[ -n $candidate ]] || die "no Python found; install 3.11 or newer, or set PYTHON to one"
  die "$("$candidate" -V 2>&1) is too old; install 3.11 or newer, or set PYTHON to one"
}

new_enough() {
  [[ $("$1" -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null) == True ]]
}

run_local() {
  find_python
  PYTHONPATH=$root exec "$python" -P -m launch.local
}

run_docker() {
  local name path options=()
  docker info >/dev/null 2>&1 ||
    die "no Docker engine answers; start it, or run ./start-service.sh --local, which needs none"
  local dataops=${DATAOPS_PORT:-5001} backend=${BACKEND_PORT:-5002} docs=${DOCS_PORT:-8001} host=${BIND_HOST:-127.0.0.1}
  for name in dataops backend docs; do
    [[ ${!name} =~ ^[0-9]{1,5}$ ]] || die "${name^^}_PORT is '${!name}'; give a whole number from 1 to 65535"
  done
  # Variables go by name alone, so that no value stands in the list of processes.
  for name in DATAOPS_PORT BACKEND_PORT DOCS_PORT ALLOWED_HOSTS STRINGX_DATABASE_URL STRINGX_DATABASE_DIRECT_URL BACKEND_URL DATAOPS_URL KAFKA_BOOTSTRAP_SERVERS \
    WORKER_CONCURRENCY WORKER_MAX_CHECKS BATCH_CHECKS QUEUE_LIMIT LEASE_SECONDS RETENTION_RESULTS_DAYS RETENTION_SAMPLES_DAYS \
    RETENTION_DELIVERED_DAYS PUBLIC_URL DOCS_URL TRUSTED_PROXIES RETENTION_POINTS_DAYS RETENTION_DAYS_YEARS RETENTION_AUDIT_DAYS STRINGX_DEMO PROBE_FOLDER DUCKDB_BUCKETS STRINGX_API_KEY STRINGX_SERVICE_KEY STRINGX_SIGNING_SECRET \
    KAFKA_TOPIC_PREFIX KAFKA_SECURITY_PROTOCOL KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD \
    OIDC_ISSUER OIDC_CLIENT_ID OIDC_CLIENT_SECRET OIDC_ROLES OIDC_GROUPS_CLAIM OIDC_SCOPES \
    OPENLINEAGE_URL OPENLINEAGE_ENDPOINT OPENLINEAGE_API_KEY OPENLINEAGE_NAMESPACE $(compgen -e OTEL_ || true) \
    KAFKA_SSL_KEY_PASSWORD $(compgen -e TARGET_ || true) $(compgen -e NOTIFY_ | grep -vx NOTIFY_SOCKET || true); do
    if [[ -n ${!name:-} && $name != TARGET_*_FILE && $name != NOTIFY_*_FILE ]]; then options+=(-e "$name"); fi
  done
  # Folders and files of this machine are mounted where they are.
  for name in DBT_PROJECT_DIR DBT_PROFILES_DIR STRINGX_SECRETS STRINGX_DATABASE_URL_FILE STRINGX_DATABASE_DIRECT_URL_FILE STRINGX_API_KEY_FILE \
    STRINGX_SERVICE_KEY_FILE STRINGX_SIGNING_SECRET_FILE KAFKA_SASL_PASSWORD_FILE KAFKA_SSL_KEY_PASSWORD_FILE OIDC_CLIENT_SECRET_FILE OPENLINEAGE_API_KEY_FILE \
    KAFKA_SSL_CAFILE KAFKA_SSL_CERTFILE KAFKA_SSL_KEYFILE $(compgen -e TARGET_ || true) $(compgen -e NOTIFY_ | grep -vx NOTIFY_SOCKET || true); do
    [[ -n ${!name:-} ]] || continue
    if [[ ($name == TARGET_* || $name == NOTIFY_*) && $name != *_FILE ]]; then continue; fi
    path=$(cd -- "$(dirname -- "${!name}")" 2>/dev/null && printf '%s/%s' "$(pwd -P)" "$(basename -- "${!name}")") || path=
    [[ -n $path && -e $path ]] || die "$name is '${!name}', which does not exist"
    export "$name=$path"
    options+=(-e "$name" -v "$path:$path")
  done
  # Folders of targets' files are mounted where they are, for reading.
  if [[ -n ${DUCKDB_FOLDERS:-} ]]; then
    options+=(-e DUCKDB_FOLDERS)
    local folder folders
    IFS=: read -ra folders <<<"$DUCKDB_FOLDERS"
    for folder in "${folders[@]}"; do
      [[ -z $folder ]] && continue
      [[ $folder == /* && -d $folder ]] || die "DUCKDB_FOLDERS holds '$folder', which is no folder; give absolute paths, separated by colons"
      options+=(-v "$folder:$folder:ro")
    done
  fi
  # The state is the volume's and the container listens for its published ports: both mean something else inside.
  if [[ -n ${STRINGX_HOME:-} ]]; then options+=(-e "STRINGX_HOME=$home"); fi
  if [[ -n ${BIND_HOST:-} ]]; then options+=(-e BIND_HOST=0.0.0.0); fi
  options+=(--read-only --tmpfs /tmp:size=256m --cap-drop ALL --security-opt no-new-privileges:true)
  options+=(-e LAUNCH_COMPLETE=1 --name "$container" --stop-timeout 40 --add-host host.docker.internal:host-gateway
    -p "$host:$dataops:$dataops" -p "$host:$backend:$backend" -p "127.0.0.1:$docs:$docs" -v "$volume:$home")
  docker build ${with:+--build-arg "WITH=$with"} -t "$image" "$root"
  docker rm -f "$container" >/dev/null 2>&1 || true
  echo "starting $container: DataOps http://127.0.0.1:$dataops, Backend http://127.0.0.1:$backend, docs http://127.0.0.1:$docs"
  echo "read the key: docker exec $container cat $home/api-key"
  if [[ $detach == no ]]; then exec docker run "${options[@]}" "$image"; fi
  docker run -d "${options[@]}" "$image" >/dev/null
  wait_until_ready
}

wait_until_ready() { # shows the log up to the lines that say `ready`
  local line answer=1
  while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ $line == ready* ]]; then
      answer=0
      break
    fi
  done < <(docker logs -f "$container" 2>&1)
  ((answer == 0)) || die "$container ended before it was ready; see: docker logs $container"
  echo "it runs in the background; stop it: docker stop $container"
}

mode=docker
detach=no
kafka=no
with=
wants=
for argument in "$@"; do
  if [[ $wants == with ]]; then
    for name in ${argument//,/ }; do
      [[ $name == duckdb || $name == trino ]] || die "--with '$argument': there are duckdb and trino; give one, or both with a comma"
      [[ ,$with, == *,$name,* ]] || with+=${with:+,}$name
    done
    [[ -n $with ]] || die "--with needs a name: --with duckdb,trino"
    wants=
    continue
  fi
  case $argument in
    --local) mode=local ;;
    -d) detach=yes ;;
    --kafka) kafka=yes ;;
    --with) wants=with ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die "unknown argument '$argument'; see ./start-service.sh --help" ;;
  esac
done
[[ -z $wants ]] || die "--with needs a name: --with duckdb,trino"
if [[ $mode == local ]]; then
  [[ $detach == no ]] || die "-d goes with Docker; --local stays in the foreground"
  if [[ $kafka == yes ]]; then export LAUNCH_KAFKA=1; else unset LAUNCH_KAFKA; fi
  if [[ -n $with ]]; then export LAUNCH_WITH=${with//,/ }; else unset LAUNCH_WITH; fi
  run_local
else
  [[ $kafka == no ]] || die "--kafka goes with --local; with Docker, compose.yaml starts a broker, or set KAFKA_BOOTSTRAP_SERVERS"
  run_docker
fi
