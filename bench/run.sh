#!/usr/bin/env bash
# make bench: builds what the measurements need and prints them; the same numbers as JSON in build/bench.json and build/bench_data.json.
#   bench/run.sh                  all
#   bench/run.sh NAME...          parts of bench.py
#   bench/run.sh data [OPTION...] the data services beside others (data.py, docs/benchmarks.md)
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh build
scripts/deps.sh run
scripts/deps.sh test
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target nubecita nubecita_load store_bench | tail -n 1
if [ "${1:-}" = data ]; then
  exec .venv/bin/python bench/data.py "${@:2}"
fi
.venv/bin/python bench/bench.py "$@"
[ $# -gt 0 ] || exec .venv/bin/python bench/data.py
