#!/usr/bin/env bash
# make bench: builds what the measurements need and prints them; the same numbers as JSON in build/bench.json and build/bench_data.json.
#   bench/run.sh                  all
#   bench/run.sh NAME...          parts of bench.py
#   bench/run.sh data [OPTION...] the data services beside others (data.py, docs/benchmarks.md)
#   bench/run.sh scale [OPTION...] what operations cost with millions of keys, messages and items stored (scale.py): half an hour, not in `make bench`
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh build
scripts/deps.sh run
scripts/deps.sh test
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target nubecita nubecita_load store_bench | tail -n 1
case "${1:-}" in
  data | scale) exec .venv/bin/python "bench/$1.py" "${@:2}" ;;
esac
.venv/bin/python bench/bench.py "$@"
[ $# -gt 0 ] || exec .venv/bin/python bench/data.py
