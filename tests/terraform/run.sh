#!/usr/bin/env bash
# make test-terraform: the real Terraform with the real AWS provider applies stacks/ through `nubecita as`.
# Not part of make test: the provider's build takes minutes and hundreds of megabytes.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v terraform >/dev/null || { echo "terraform is not installed: nothing was tested" >&2; exit 1; }
scripts/deps.sh run
scripts/deps.sh test
make -s build
NUBECITA_MIRROR=$(tests/terraform/provider.sh) exec .venv/bin/python -m pytest -q -p no:cacheprovider --timeout 3000 -x "$@" tests/terraform/stack_check.py
