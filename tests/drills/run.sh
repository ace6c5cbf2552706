#!/usr/bin/env bash
# The drills with all that they need: tests/drills/run.sh BINARY [OPTIONS of run.py]
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 BINARY [OPTIONS of run.py]" >&2; exit 2; }
# A clock that can be set without setting the machine's.
if ! command -v faketime >/dev/null; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    log=$(mktemp)
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends faketime; } >"$log" 2>&1 || cat "$log" >&2
    rm -f "$log"
fi
exec python3 "$(dirname "$0")/run.py" "$@"
