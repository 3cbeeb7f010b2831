#!/usr/bin/env bash
# Installs this folder's clients from the npm registry, once, into a cache outside the repository (230 MB, half of it the
# Node.js that they want: Debian 12's is too old for them). Prints the folder.
set -euo pipefail
cd "$(dirname "$0")"
folder=${NUBECITA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nubecita}/clients_js
if ! cmp -s package.json "$folder/installed.json"; then
  echo "installing the JavaScript clients (some 20 seconds, once)" >&2
  mkdir -p "$folder"
  cp package.json "$folder/package.json"
  (cd "$folder" && npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts) >&2
  cp package.json "$folder/installed.json"
fi
echo "$folder"
