#!/usr/bin/env bash
# Sets up .venv and runs every check and test; with arguments: only pytest with these arguments.
# Exit 0 only if all passed. With CI=true nothing may be skipped.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

python=${PYTHON:-}
new_enough() { [[ $("$1" -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null) == True ]]; }
[[ -z $python ]] || new_enough "$python" || { echo "run-tests: PYTHON is '$python', which is no Python 3.11 or newer" >&2; exit 2; }
for candidate in python3.13 python3.12 python3.11 python3; do
  [[ -z $python ]] || break
  if command -v "$candidate" >/dev/null && new_enough "$candidate"; then python=$candidate; fi
done
[[ -n $python ]] || { echo "run-tests: no Python 3.11 or newer found; install one, or set PYTHON" >&2; exit 2; }
PYTHONPATH=$PWD "$python" -P -m launch.install --dev
export PATH="$PWD/.venv/bin:$PATH"
unset STRINGX_HOME STRINGX_DATABASE_URL STRINGX_API_KEY STRINGX_API_KEY_FILE STRINGX_BACKEND_URL
unset PYTHONDONTWRITEBYTECODE # the processes that share the tests read what one of them has compiled

if (($# > 0)); then exec python -m pytest "$@"; fi
failed=()
step() { # runs all steps, and names those that failed at the end
  echo "== $*"
  "$@" || failed+=("$1 ${2:-}")
}
all_tests() { # with CI=true what failed is run once more, alone: what passes then is flaky, and is to be mended
  local ended=0 last=.pytest_cache/v/cache/lastfailed flaky
  python -m pytest -n 4 --dist loadgroup || ended=$?
  [[ $ended == 1 && ${CI:-} == true ]] || return "$ended"
  flaky=$(python -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$last") || return 1
  (($(wc -l <<<"$flaky") <= 20)) || return 1
  echo "== again, alone: what failed"
  python -m pytest --last-failed --last-failed-no-failures none || return 1
  sed 's/^/run-tests: flaky: /' <<<"$flaky" >&2
}
python -m pytest --collect-only -qq -p no:cacheprovider &>/dev/null & # compiles them beside the checks, which take one processor
compiling=$!
step ruff check .
step ruff format --check .
step mypy
step mypy --python-version 3.10 stringx_dataops # runs on older Pythons than the services
step lint-imports
wait "$compiling" || true # what is wrong with a test is told by the run
step all_tests
((${#failed[@]} == 0)) || { printf 'run-tests: failed: %s\n' "${failed[@]}" >&2; exit 1; }
