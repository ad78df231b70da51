#!/usr/bin/env bash
# Pins every package, with the hashes of its files for every system, in requirements*.txt and deploy/image/requirements.txt; needs
# uv. What is pinned stays as it is, unless an argument of `uv pip compile` says otherwise: --upgrade, --upgrade-package NAME.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command ./lock-requirements.sh "$@"; }

unused=requirements-unused.txt # what packages ask for and nothing here imports; the service does without it
sed -i '/^-r /d' requirements.txt
compile "$@" --excludes <(printf '%s\n' pandas flask-openapi3) pyproject.toml --extra services --group checkout -o requirements.txt
mapfile -t used < <(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package=\1/p' requirements.txt | sort -u)
compile "$@" -c requirements.txt "${used[@]}" pyproject.toml --extra services --group checkout -o "$unused"
sed -i '/^# The following packages were excluded/,$d' "$unused"
for extra in duckdb trino; do
  compile "$@" -c requirements.txt "${used[@]}" pyproject.toml --extra "$extra" -o "requirements-$extra.txt"
  sed -i '/^# The following packages were excluded/,$d' "requirements-$extra.txt"
done
compile "$@" -c requirements.txt -c requirements-duckdb.txt -c requirements-trino.txt --group dev -o requirements-dev.txt
compile "$@" --group sbom -o deploy/image/requirements.txt
printf '%s\n' "-r $unused" >>requirements.txt
