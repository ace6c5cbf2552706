#!/usr/bin/env bash
# Real clients against `livebench emulate`: tests/clients/run.sh [path to the livebench binary]
# Needs python3; makes a virtual environment under the target folder and installs boto3 there.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
bin=${1:-$here/../../target/debug/livebench}
bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")
home=${LIVEBENCH_CLIENTS_DIR:-$(dirname "$bin")/../clients}
venv=$home/venv
mkdir -p "$home"

make_venv() { python3 -m venv "$venv" >"$home/venv.log" 2>&1 && "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if ! make_venv; then
        # Debian and Ubuntu ship python3 without ensurepip.
        echo "python3 -m venv failed; installing python3-venv" >&2
        sudo=
        [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq >&2
        $sudo apt-get install -y -qq python3-venv >&2
        rm -rf "$venv"
        make_venv || { cat "$home/venv.log" >&2; exit 2; }
    fi
fi
if ! "$venv/bin/python" -c 'import boto3' 2>/dev/null; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
fi

exec "$venv/bin/python" "$here/boto3_smoke.py" "$bin"
