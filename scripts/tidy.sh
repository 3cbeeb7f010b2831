#!/usr/bin/env bash
# clang-tidy over the given files, or over those that differ from the last commit.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset dev >/dev/null
files=("$@")
if [ ${#files[@]} = 0 ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d HEAD -- '*.cpp'; git ls-files --others --exclude-standard -- '*.cpp')
fi
[ ${#files[@]} -gt 0 ] || { echo "no changed files"; exit 0; }
clang-tidy-19 -p build/dev --quiet "${files[@]}"
