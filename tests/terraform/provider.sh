#!/usr/bin/env bash
# Builds the real AWS provider 3.22.0 with the Go client, once, into a cache outside the repository, and lays it out as a
# filesystem mirror for Terraform. Prints the mirror's path. Five minutes on two cores; nothing when it is there.
set -euo pipefail
cache=${NUBECITA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nubecita}/terraform
folder=$cache/mirror/registry.terraform.io/hashicorp/aws/3.22.0/linux_amd64
binary=$folder/terraform-provider-aws_v3.22.0_x5
if [ ! -x "$binary" ]; then
  command -v go >/dev/null || { echo "building the provider needs Go 1.20 or newer (apt-get install golang)" >&2; exit 1; }
  echo "building terraform-provider-aws 3.22.0 (about five minutes, once)" >&2
  package=github.com/terraform-providers/terraform-provider-aws
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  cat >go.mod <<EOF
module nubecita.test/provider

go 1.20

require $package v1.60.1-0.20201218215723-9c9a116a857f
EOF
  printf 'package main\n\nimport _ "%s/aws"\n\nfunc main() {}\n' "$package" >main.go
  go mod tidy >&2
  mkdir -p "$folder"
  go build -trimpath -ldflags "-s -w" -o "$binary.new" "$package" >&2
  mv "$binary.new" "$binary"
fi
echo "$cache/mirror"
