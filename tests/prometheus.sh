#!/usr/bin/env bash
# A run scraped by a real Prometheus: tests/prometheus.sh BINARY DIR
# Runs `livebench run --metrics` against the embedded emulator and Debian's prometheus beside it, and asks Prometheus what it saw.
# Installs prometheus and curl when missing. "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
for name in $(compgen -e AWS_ || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1

missing=()
command -v prometheus >/dev/null || missing+=(prometheus)
command -v curl >/dev/null || missing+=(curl)
command -v python3 >/dev/null || missing+=(python3)
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

. "$here/checks.sh"
until_true() { # until_true SECONDS COMMAND...
    local left=$1
    shift
    until "$@" 2>/dev/null; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 1
    done
}

cat >"$work/load.toml" <<'TOML'
name = "scraped"
[load]
stages = [ { for = "20s", rate = 40 } ]
[thresholds]
"response.p99" = "< 10s"
[emulator]
quota = { kind = "token-bucket", rate = 30, burst = 30 }
latency = { median = "45ms", p99 = "160ms" }
TOML
"$bin" run "$work/load.toml" --out "$work/results" --quiet --metrics 127.0.0.1:0 >"$work/run.txt" 2>"$work/run.log" &
run=$!
prometheus_pid=
cleanup() {
    for pid in $run $prometheus_pid; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap cleanup EXIT
until_true 30 grep -q '^metrics' "$work/run.log" || { cat "$work/run.log"; exit 1; }
url=$(sed -n 's/^metrics *//p' "$work/run.log")
address=${url#http://}
address=${address%/metrics}

cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: livebench
    static_configs: [ { targets: [ "$address" ] } ]
YAML
free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$free" \
    >"$work/prometheus.log" 2>&1 &
prometheus_pid=$!

api="http://127.0.0.1:$free/api/v1"
# query EXPRESSION: the value of its only series, or nothing
query() {
    curl -sfG "$api/query" --data-urlencode "query=$1" |
        python3 -c 'import json, sys; r = json.load(sys.stdin)["data"]["result"]; print(r[0]["value"][1] if len(r) == 1 else "")'
}
more_than() { # more_than NUMBER EXPRESSION
    local value
    value=$(query "$2")
    [ -n "$value" ] && python3 -c 'import sys; sys.exit(not float(sys.argv[2]) > float(sys.argv[1]))' "$1" "$value"
}

curl -sf "$url" >"$work/page.txt"
check 'the page is there' grep -q '^# TYPE livebench_sent_calls_total counter' "$work/page.txt"
if command -v promtool >/dev/null; then
    check 'promtool finds no fault with it' promtool check metrics <"$work/page.txt"
fi
check 'another path is not found' test "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/other")" = 404
check 'Prometheus scrapes it' until_true 20 more_than 0 'up{job="livebench"}'
check 'calls are counted' until_true 20 more_than 100 'livebench_sent_calls_total{scenario="scraped"}'
check 'a rate can be taken: more than 30 of 40 calls per second' until_true 20 more_than 30 'rate(livebench_sent_calls_total[8s])'
check 'throttles have their cause' until_true 20 more_than 5 'livebench_calls_total{outcome="throttled_quota"}'
check 'percentiles are there' until_true 20 more_than 0.04 'livebench_time_seconds{series="response",stat="p50"}'
check 'the threshold holds so far' until_true 20 more_than 0 'livebench_threshold_holds{metric="response.p99"}'
code=0
wait "$run" || code=$?
check "the run came to its end, exit $code" test "$code" -eq 0
check 'its lines were written, too' test "$(grep -c 'offered 40/s' "$work/run.log")" -ge 15
check 'and the port is closed' test "$(curl -s -o /dev/null -w '%{http_code}' "$url")" = 000

checked
