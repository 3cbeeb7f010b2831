#!/usr/bin/env bash
# make stop: ends the cloud of DATA and everything that it runs on the machine. The data stay; `make run` brings it back.
set -euo pipefail
cd "$(dirname "$0")/.."
DATA=${DATA:-/var/lib/nubecita}
if [ "$(id -u)" != 0 ]; then exec sudo --preserve-env=HOME,DATA,PATH "$0" "$@"; fi
if [ ! -x build/release/nubecita ]; then
  echo "build/release/nubecita is missing: run make build" >&2
  exit 1
fi
exec build/release/nubecita down --data "$DATA"
