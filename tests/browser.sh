#!/usr/bin/env bash
# The pages of runs, comparisons, histories, probes and plans in a real browser: tests/browser.sh BINARY DIR
# Makes good, bad and killed runs, two comparisons, a history, two probes and a plan below DIR and opens their pages in headless Chromium: at 1280 and at 390 px, light,
# dark and printed. Screenshots are left in DIR/screenshots. Installs Debian's chromium and nodejs when missing. "N passed, 0 failed" at the end.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2/screenshots"
work=$(cd "$2" && pwd)
for name in $(compgen -e AWS_ || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1

missing=()
chromium=$(command -v chromium || command -v chromium-browser || true)
[ -n "$chromium" ] || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
    chromium=$(command -v chromium || command -v chromium-browser)
fi

# The packages go beside the runs, so that the sources stay as they are.
mkdir -p "$work/node"
cp "$here"/browser/{package.json,package-lock.json,checks.mjs} "$work/node"
(cd "$work/node" && npm ci --silent --no-audit --no-fund --ignore-scripts)

only() { # the one directory below $1
    local found=("$1"/*/)
    echo "${found[0]%/}"
}
run() { # run NAME SCENARIO ARGUMENTS...: a run below $work/NAME, however it ends
    local name=$1 scenario=$2
    shift 2
    "$bin" run "$here/../scenarios/$scenario.toml" --out "$work/$name" --live off "$@" >"$work/$name.txt" 2>&1 || true
}

run good ramp --virtual-time
run bad spike --virtual-time
run mixed idempotency --virtual-time
run closed closed --virtual-time
"$bin" run "$here/../scenarios/steady.toml" --out "$work/killed" --live off >/dev/null 2>&1 &
killed=$!
sleep 6
{ kill -9 "$killed" && wait "$killed"; } 2>/dev/null || true
"$bin" report "$(only "$work/killed")" >"$work/killed.txt" 2>&1 || true

pages=()
for name in good bad mixed closed killed; do
    pages+=("$name=$(only "$work/$name")/report.html")
done
# The same service twice; and a slower one that throttles, which must be forced.
run again ramp --virtual-time --seed 8
sed 's/^quota = .*/quota = { kind = "token-bucket", rate = 25.0, burst = 25 }/; s/median = "[0-9]*ms"/median = "70ms"/' "$here/../scenarios/ramp.toml" >"$work/slower.toml"
"$bin" run "$work/slower.toml" --out "$work/slower" --live off --virtual-time --seed 9 >"$work/slower.txt" 2>&1 || true
"$bin" compare "$work/good" "$work/again" --output html >"$work/alike.html" 2>/dev/null || true
"$bin" compare "$work/good" "$work/slower" --force --output html >"$work/unlike.html" 2>/dev/null || true
"$bin" plan --peak 20/s --launches 1 --out "$work/plan" >"$work/plan.txt" 2>&1 || true
# Twelve nights of one experiment. In the last five the summaries say what they would of a service that has become slower.
for night in $(seq 12); do
    run "night$night" steady --virtual-time --seed "$night"
    mkdir -p "$work/nights"
    mv "$(only "$work/night$night")" "$work/nights/night-$(printf %02d "$night")"
done
node -e '
const fs = require("fs");
for (const path of process.argv.slice(1)) {
  const summary = JSON.parse(fs.readFileSync(path));
  for (const name of ["p50_us", "p95_us", "p99_us"]) summary.latency.response.ok[name] = Math.round(1.4 * summary.latency.response.ok[name]);
  fs.writeFileSync(path, JSON.stringify(summary));
}' "$work"/nights/night-{08,09,10,11,12}/summary.json
"$bin" history "$work/nights" --output html >"$work/history.html"
# A probe of a token bucket, made again from its directory; and one that is too short to tell anything.
"$bin" probe --emulator "$here/../deploy/probe.toml" --virtual-time --out "$work/probe" >"$work/probe.txt" 2>&1 || true
"$bin" report "$work/probe" --output html >"$work/probe.html" 2>/dev/null
cmp "$work/probe.html" "$(only "$work/probe")/report.html" >&2 || { echo "report --output html is not the probe's page" >&2; exit 1; }
"$bin" probe --emulator "$here/../deploy/probe.toml" --virtual-time --max-calls 12 --out "$work/short" >"$work/short.txt" 2>&1 || true
pages+=("probed=$work/probe.html" "probed-short=$(only "$work/short")/report.html")
pages+=("history=$work/history.html" "planned=$(only "$work/plan")/plan.html" "compared-alike=$work/alike.html" "compared-unlike=$work/unlike.html")
cd "$work/node"
exec node checks.mjs "$chromium" "$work/screenshots" "${pages[@]}"
