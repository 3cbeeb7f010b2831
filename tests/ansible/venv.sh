#!/usr/bin/env bash
# Installs Ansible with its amazon.aws and community.aws collections from PyPI, once, into a cache outside the repository
# (600 MB). Prints the path of ansible-playbook.
set -euo pipefail
cd "$(dirname "$0")"
venv=${NUBECITA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nubecita}/ansible/venv
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
  echo "installing Ansible (about a minute, once)" >&2
  /usr/bin/python3 -m venv "$venv" >&2
  "$venv/bin/pip" install -q --disable-pip-version-check -r requirements.txt >&2
  cp requirements.txt "$venv/requirements.txt"
fi
echo "$venv/bin/ansible-playbook"
