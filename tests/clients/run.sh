#!/usr/bin/env bash
# Real clients against `livebench emulate`: tests/clients/run.sh [path to the livebench binary]
# Needs python3; makes a virtual environment under the target folder and installs boto3 there. Prints "N passed, 0 failed".
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
bin=${1:-$here/../../target/debug/livebench}
bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")
home=${LIVEBENCH_CLIENTS_DIR:-$(dirname "$bin")/../clients}
venv=$home/venv
mkdir -p "$home"

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    make_venv "$venv" || exit 2
fi
if ! "$venv/bin/python" -c 'import boto3' 2>/dev/null; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
fi

exec "$venv/bin/python" "$here/boto3_smoke.py" "$bin"
