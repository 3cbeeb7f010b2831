#!/usr/bin/env bash
# Installs what nubecita needs from Debian 12's packages: `scripts/deps.sh build` (compiler and libraries),
# `scripts/deps.sh run` (podman, HAProxy, databases, clients), `scripts/deps.sh test` (what the tests need; also a Python
# environment in .venv and JavaScript clients in ~/.cache/nubecita), `scripts/deps.sh profile` (for bench/run.sh profile).
# Safe to run again: packages that are there are left alone. Needs root (asks for sudo otherwise).
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev mold ccache cmake ninja-build libstdc++-12-dev
  python3 librocksdb-dev libssl-dev libboost1.81-dev libboost-json1.81-dev libfmt-dev libpugixml-dev libgtest-dev
  libnftables-dev libmnl-dev libcli11-dev libsnappy-dev liblz4-dev libzstd-dev libbz2-dev zlib1g-dev libgflags-dev libre2-dev libjemalloc-dev)
run_packages=(podman runc conmon netavark aardvark-dns fuse-overlayfs uidmap haproxy dnsmasq-base nftables iproute2 mmdebstrap
  awscli curl jq postgresql-15 postgresql-client-15 mariadb-server mariadb-client npm ca-certificates procps)
test_packages=(python3-venv python3-pip skopeo socat busybox-static iputils-ping netcat-openbsd nginx-light wrk redis-server
  s3cmd rclone)
profile_packages=(llvm-19)

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"

missing() { # the packages of "$@" that are not installed
  local p
  for p in "$@"; do
    dpkg-query -W -f='${db:Status-Abbrev}\n' "$p" 2>/dev/null | grep -q '^ii' || echo "$p"
  done
}

install() {
  local want=() p
  for p in $(missing "$@"); do
    # A program that is already there by other means (npm of a Node.js that is not Debian's) is as good.
    [ "$p" = npm ] && command -v npm >/dev/null && continue
    want+=("$p")
  done
  [ ${#want[@]} -gt 0 ] || return 0
  echo "installing ${#want[@]} packages: ${want[*]}"
  # The database and proxy packages would start servers of their own; ours are started by nubecita alone.
  $sudo mkdir -p /etc/postgresql-common
  grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
    echo 'create_main_cluster = false' | $sudo tee -a /etc/postgresql-common/createcluster.conf >/dev/null
  local policy=/usr/sbin/policy-rc.d made=""
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
    made=1
  fi
  local rc=0
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${want[@]}" >/tmp/nubecita-apt.log 2>&1 || rc=$?
  [ -z "$made" ] || $sudo rm -f $policy
  if [ $rc -ne 0 ]; then
    tail -n 20 /tmp/nubecita-apt.log >&2
    echo "apt-get failed (log: /tmp/nubecita-apt.log)" >&2
    exit $rc
  fi
}

case "${1:-}" in
  build) install "${build_packages[@]}" ;;
  run) install "${run_packages[@]}" ;;
  profile) install "${profile_packages[@]}" ;;
  test)
    install "${test_packages[@]}"
    if [ ! -x .venv/bin/python ] || ! cmp -s tests/requirements.txt .venv/requirements.txt; then
      /usr/bin/python3 -m venv .venv
      .venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
      cp tests/requirements.txt .venv/requirements.txt
    fi
    tests/clients/js/install.sh >/dev/null ;;
  *) echo "usage: $0 build|run|test" >&2; exit 2 ;;
esac
