#!/usr/bin/env bash
# podman with an image store of its own, for making images: the machine's own containers and settings stay untouched, and
# kernels where podman's defaults fail (cgroup v1, a hard limit on open files) get settings that work.
# Store: $NUBECITA_IMAGES, default ~/.cache/nubecita/images. Remove it with `podman.sh reset`.
set -euo pipefail
store=${NUBECITA_IMAGES:-${XDG_CACHE_HOME:-$HOME/.cache}/nubecita/images}
mkdir -p "$store/conf"

if [ "${1:-}" = reset ]; then
  umount "$store/storage/overlay" 2>/dev/null || true
  rm -rf "$store"
  exit
fi

if [ ! -f "$store/conf/containers.conf" ]; then
  {
    echo '[containers]'
    echo "default_ulimits = [\"nofile=$(ulimit -Hn):$(ulimit -Hn)\", \"nproc=2000:2000\"]"
    echo '[engine]'
    echo 'cgroup_manager = "cgroupfs"'
    echo 'events_logger = "file"'
    [ -f /sys/fs/cgroup/cgroup.controllers ] || echo 'runtime = "runc"'
    echo '[network]'
    echo 'network_backend = "netavark"'
  } > "$store/conf/containers.conf"
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$store/storage" "$store/run" > "$store/conf/storage.conf"
  printf 'unqualified-search-registries = []\nshort-name-mode = "permissive"\n' > "$store/conf/registries.conf"
  printf '{"default": [{"type": "insecureAcceptAnything"}]}\n' > "$store/conf/policy.json"
fi
export CONTAINERS_CONF=$store/conf/containers.conf CONTAINERS_STORAGE_CONF=$store/conf/storage.conf
export CONTAINERS_REGISTRIES_CONF=$store/conf/registries.conf
exec podman "$@"
