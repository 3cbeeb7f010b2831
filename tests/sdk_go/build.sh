#!/usr/bin/env bash
# Builds the tests of this folder into a program in the cache outside the repository (Go's own cache makes the second time
# quick; the first takes minutes, because EC2 alone is a large package). Prints the program's path.
set -euo pipefail
cd "$(dirname "$0")"
command -v go >/dev/null || { echo "the SDK's tests need Go 1.24 or newer" >&2; exit 1; }
folder=${NUBECITA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nubecita}/sdk_go
mkdir -p "$folder"
go test -c -o "$folder/sdk.test" . >&2
echo "$folder/sdk.test"
