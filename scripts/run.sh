#!/usr/bin/env bash
# make run: starts the cloud of DATA (unless it runs), then puts the Ghost blog of examples/ghost on it with the AWS CLI.
# Safe to run again: what is there is found and kept, posts included. The last line is "ready: <URL>".
set -euo pipefail
cd "$(dirname "$0")/.."
DATA=${DATA:-/var/lib/nubecita}
nubecita=$PWD/build/release/nubecita

if [ "$(id -u)" != 0 ]; then
  echo "nubecita makes namespaces, packet filters and containers: asking for root with sudo"
  exec sudo --preserve-env=HOME,DATA,PATH "$0" "$@"
fi

"$nubecita" doctor --data "$DATA"
"$nubecita" init --data "$DATA"
if "$nubecita" status --data "$DATA" >/dev/null 2>&1; then
  echo "the cloud of $DATA runs already"
else
  mkdir -p "$DATA/log"
  setsid nohup "$nubecita" serve --data "$DATA" >>"$DATA/log/serve.log" 2>&1 </dev/null &
  for _ in $(seq 200); do
    "$nubecita" status --data "$DATA" >/dev/null 2>&1 && break
    kill -0 $! 2>/dev/null || { tail -n 20 "$DATA/log/serve.log" >&2; echo "the cloud did not start (log: $DATA/log/serve.log)" >&2; exit 1; }
    sleep 0.05
  done
  echo "the cloud runs: $(cat "$DATA/run/endpoint") (log: $DATA/log/serve.log)"
fi
export NUBECITA_DATA=$DATA NUBECITA=$nubecita
# Where this cloud's public names are answered on this machine, if its configuration says so.
[ ! -f "$DATA/nubecita.json" ] || export NUBECITA_HTTP_PORT=$(jq -r '.http_port // 80' "$DATA/nubecita.json")
exec "$nubecita" as nubecita --data "$DATA" -- examples/ghost/deploy.sh
