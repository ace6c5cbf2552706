#!/bin/sh
# Opens a run's latency.hlog with the Python HdrHistogram package: tests/clients/run_hlog.sh RUN_DIRECTORY
# Needs python3 with venv and a package index. Prints "N passed, 0 failed" and exits 0 if all holds.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 RUN_DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check hdrhistogram==0.10.8
"$venv/bin/python" "$here/hlog.py" "$1"
