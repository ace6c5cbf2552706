#!/usr/bin/env bash
# Makes the README's picture from the example run: tests/browser/picture.sh BINARY
# Renews the page of results/example-* with this binary and photographs it. Needs chromium, node and npm (tests/browser.sh installs them).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 BINARY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
chromium=$(command -v chromium || command -v chromium-browser)
run=$(echo "$root"/results/example-*-ramp)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/{package.json,package-lock.json,picture.mjs} "$work"
(cd "$work" && npm ci --silent --no-audit --no-fund --ignore-scripts)
# In a copy: a report renews the summary, too, and the example keeps what its own version wrote.
cp -R "$run" "$work/run"
rm -f "$work/run/report.html"
"$bin" report "$work/run" >/dev/null 2>&1
node "$work/picture.mjs" "$chromium" "$work/run/report.html" "$run/report.png"
cp "$work/run/report.html" "$run/report.html"
echo "$run/report.png"
