#!/usr/bin/env bash
# Opens a run's latency.hlog with the Python HdrHistogram package: tests/clients/run_hlog.sh RUN_DIRECTORY
# Needs python3 and a package index. Prints "N passed, 0 failed" and exits 0 if all holds.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 RUN_DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
make_venv "$home/venv" || exit 2
"$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check hdrhistogram==0.10.8
"$home/venv/bin/python" "$here/hlog.py" "$1"
