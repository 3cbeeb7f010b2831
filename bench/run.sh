#!/usr/bin/env bash
# make bench: builds what the measurements need and prints them; the same numbers as JSON in build/bench.json and build/bench_data.json.
#   bench/run.sh                  all
#   bench/run.sh NAME...          parts of bench.py
#   bench/run.sh data [OPTION...] the data services beside others (data.py, docs/benchmarks.md)
#   bench/run.sh scale [OPTION...] what operations cost with millions of keys, messages and items stored (scale.py): a quarter of an hour, not in `make bench`
#   bench/run.sh profile          makes bench/release.profdata anew, by which release builds are laid out (training.py): ten minutes, after changes
#                                 of what runs often
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = profile ]; then
  for what in build run test profile; do scripts/deps.sh $what; done
  cmake --preset profile >/dev/null
  cmake --build --preset profile -j "$(nproc)" --target nubecita nubecita_load | tail -n 1
  exec .venv/bin/python bench/training.py build/profile/nubecita bench/release.profdata
fi
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
