#!/usr/bin/env bash
# make test-terraform [PARTS="stacks sdk ansible"]: real clients that nobody here wrote, through `nubecita as`:
#   stacks   Terraform with the real AWS provider applies stacks/
#   sdk      the calls of the provider's newer versions, by the Go SDK v2 (tests/sdk_go)
#   ansible  the same site by Ansible's amazon.aws and community.aws (tests/ansible)
# Not part of make test: what they need takes minutes to build and a gigabyte of disk, all of it in ~/.cache/nubecita.
set -euo pipefail
cd "$(dirname "$0")/../.."
parts=("$@")
[ $# -gt 0 ] || parts=(stacks sdk ansible)
scripts/deps.sh run
scripts/deps.sh test
make -s build
check() { .venv/bin/python -m pytest -q -p no:cacheprovider --timeout 3000 -x -rP "$1"; }
for part in "${parts[@]}"; do
  echo "== $part"
  case "$part" in
    stacks)
      command -v terraform >/dev/null || { echo "terraform is not installed" >&2; exit 1; }
      NUBECITA_MIRROR=$(tests/terraform/provider.sh) check tests/terraform/stack_check.py ;;
    sdk)
      NUBECITA_SDK_TEST=$(tests/sdk_go/build.sh) check tests/sdk_go/sdk_go_check.py ;;
    ansible)
      NUBECITA_ANSIBLE=$(tests/ansible/venv.sh) check tests/ansible/ansible_check.py ;;
    *) echo "there is no part $part" >&2; exit 2 ;;
  esac
done
