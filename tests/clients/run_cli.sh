#!/usr/bin/env bash
# `livebench call` beside the real AWS CLI v1, against one emulator: tests/clients/run_cli.sh [path to the livebench binary]
# Needs python3; makes a virtual environment under the target folder and installs awscli there. Prints "N passed, 0 failed".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
bin=${1:-$here/../../target/debug/livebench}
bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")
home=${LIVEBENCH_CLIENTS_DIR:-$(dirname "$bin")/../clients}/cli
venv=$home/venv
mkdir -p "$home"

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    make_venv "$venv" || exit 2
fi
if ! "$venv/bin/python" -c 'import awscli' 2>/dev/null; then
    # The CLI whose output was ported; later ones of its major version print the same.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'awscli>=1.46.3,<2'
fi

exec "$venv/bin/python" "$here/compare_cli.py" "$bin" "$venv/bin/aws"
