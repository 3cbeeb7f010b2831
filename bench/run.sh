#!/usr/bin/env bash
# make bench: builds what the measurements need and prints them; the same numbers as JSON in build/bench.json.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/deps.sh build
scripts/deps.sh run
scripts/deps.sh test
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" --target nubecita nubecita_load store_bench | tail -n 1
exec .venv/bin/python bench/bench.py "$@"
