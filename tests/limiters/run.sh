#!/usr/bin/env bash
# Limiters that nobody here wrote, probed by livebench: tests/limiters/run.sh path/to/livebench [CASE]...
# nginx's limit_req with and without nodelay and its limit_conn, HAProxy's stick tables, three strategies of the Python package `limits` and
# two of its limits at once, Node's rate-limiter-flexible, Rust's governor. expect.py knows what is true of each; a line a case, exit code 1 if
# one is wrong. Everything listens on loopback. What is missing is installed by apt, pip, npm and cargo and kept under target/limiters, or in
# $LIVEBENCH_LIMITERS_DIR; what cannot be installed is said, and its cases are left out.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 path/to/livebench [CASE]..." >&2; exit 2; }
livebench=$(realpath "$1")
shift
all=(nginx-nodelay nginx-delay nginx-conn haproxy limits-fixed limits-moving limits-counter limits-stacked rate-limiter-flexible governor)
cases=("$@")
[ $# -gt 0 ] || cases=("${all[@]}")
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${LIVEBENCH_LIMITERS_DIR:-$root/target/limiters}
mkdir -p "$home"
home=$(cd "$home" && pwd)
. "$root/tests/clients/venv.sh"
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 PATH=$PATH:/usr/sbin

# ---- what is missing is installed ----------------------------------------------------------------------------------
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
packages() {
  $sudo apt-get install -y -qq --no-install-recommends "$@" >"$work/apt.log" 2>&1 ||
    { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "$@"; } >>"$work/apt.log" 2>&1
}
installed_nginx() { command -v nginx >/dev/null || packages nginx; }
installed_haproxy() { command -v haproxy >/dev/null || packages haproxy; }
installed_limits() {
  cmp -s "$here/requirements.txt" "$home/python/requirements.txt" && return
  rm -rf "$home/python"
  mkdir -p "$home/python"
  make_venv "$home/python/venv" &&
    "$home/python/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" &&
    cp "$here/requirements.txt" "$home/python/"
}
installed_rate_limiter_flexible() {
  { command -v node && command -v npm; } >/dev/null || packages nodejs npm || return
  mkdir -p "$home/node"
  # The modules are looked for beside the file that uses them.
  cp "$here/server.mjs" "$home/node/"
  cmp -s "$here/package.json" "$home/node/installed.json" && return
  cp "$here/package.json" "$home/node/"
  (cd "$home/node" && npm install --silent --no-audit --no-fund) && cp "$here/package.json" "$home/node/installed.json"
}
installed_governor() {
  mkdir -p "$home/governor/src"
  cp "$here/governor/Cargo.toml" "$home/governor/"
  cp "$here/governor/src/main.rs" "$home/governor/src/"
  cargo build --quiet --release --manifest-path "$home/governor/Cargo.toml" --target-dir "$home/governor/target"
}

# family CASE: what it needs.
family() {
  case $1 in
    nginx-*) echo nginx ;;
    limits-*) echo limits ;;
    haproxy | governor) echo "$1" ;;
    rate-limiter-flexible) echo rate_limiter_flexible ;;
    *) echo "no such case: $1; there are ${all[*]}" >&2; exit 2 ;;
  esac
}
declare -A there=()
ready=()
for name in "${cases[@]}"; do
  needs=$(family "$name")
  if [ -z "${there[$needs]:-}" ]; then
    if "installed_$needs" >"$work/install.log" 2>&1; then there[$needs]=yes; else
      there[$needs]=no
      echo "$needs cannot be installed, and its cases are left out:"
      tail -n 3 "$work/install.log" "$work/apt.log" 2>/dev/null | sed 's/^/  /' || true
    fi
  fi
  [ "${there[$needs]}" = no ] || ready+=("$name")
done
[ "${#ready[@]}" -gt 0 ] || { echo "no limiter is there" >&2; exit 1; }

# ---- the servers ---------------------------------------------------------------------------------------------------
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "nothing on port $1" >&2; exit 1; }
# serve COMMAND...: in the background, ended with the script.
serve() {
  "$@" >>"$work/servers.log" 2>&1 &
  pids+=($!)
}
declare -A port=()
for name in "${ready[@]}"; do port[$name]=$(free_port); done
# What nginx and HAProxy stand before: an emulator without a limit, whose answers take a while for the cap on calls in flight.
emulator=$(free_port)
printf '[emulator]\nquota = { kind = "none" }\nlatency = "20ms"\n' >"$work/open.toml"
serve "$livebench" emulate --listen "127.0.0.1:$emulator" --config "$work/open.toml"
wait_for "$emulator"
if [ "${there[nginx]:-}" = yes ]; then
  for name in nginx-nodelay nginx-delay nginx-conn; do port[$name]=${port[$name]:-$(free_port)}; done
  cp "$here/refused.conf" "$work/"
  sed -e "s|@WORK@|$work|g; s|@EMULATOR@|$emulator|g; s|@BUCKET@|${port[nginx-nodelay]}|; s|@QUEUE@|${port[nginx-delay]}|; s|@FLIGHT@|${port[nginx-conn]}|" \
    "$here/nginx.conf" >"$work/nginx.conf"
  serve nginx -c "$work/nginx.conf" -e "$work/nginx-error.log"
fi
for name in "${ready[@]}"; do
  at=${port[$name]}
  python=$home/python/venv/bin/python
  case $name in
    nginx-*) ;;
    haproxy)
      sed -e "s|@PORT@|$at|g; s|@EMULATOR@|$emulator|g" "$here/haproxy.cfg" >"$work/haproxy.cfg"
      serve haproxy -db -f "$work/haproxy.cfg"
      ;;
    limits-fixed) serve "$python" "$here/server.py" "$at" fixed 5/1 ;;
    limits-moving) serve "$python" "$here/server.py" "$at" moving 10/1 ;;
    limits-counter) serve "$python" "$here/server.py" "$at" counter 10/2 ;;
    limits-stacked) serve "$python" "$here/server.py" "$at" moving 10/1 40/10 ;;
    rate-limiter-flexible) serve node "$home/node/server.mjs" "$at" 10 1 ;;
    governor) serve "$home/governor/target/release/livebench-governor" "$at" 5 10 ;;
  esac
done
for name in "${ready[@]}"; do wait_for "${port[$name]}"; done

# ---- the probes ----------------------------------------------------------------------------------------------------
# Exit code 3 is an honest "inconclusive": expect.py reads it like any other finding.
probe() {
  local code=0
  "$livebench" probe --live off --endpoint-url "http://127.0.0.1:${port[$1]}" --out "$work/results-$1" --output json \
    >"$work/$1.json" 2>"$work/$1.log" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || { echo "the probe of $1 ended with exit code $code" >&2; cat "$work/$1.log" >&2; return 1; }
}
# Two at a time: a probe waits most of its time, but what it decides is late where every core is busy.
failed=0
for ((first = 0; first < ${#ready[@]}; first += 2)); do
  probing=()
  for name in "${ready[@]:first:2}"; do
    probe "$name" &
    probing+=($!)
  done
  for pid in "${probing[@]}"; do wait "$pid" || failed=1; done
done
[ "$failed" = 0 ] || exit 1
# On a busy machine, or where a window begins while the first burst is sent, half a minute may show too little: what is wrong is tried once
# more, alone. Whatever is guaranteed and wrong is no such case; of a guaranteed range that holds the true burst, its likeliest number is.
for name in "${ready[@]}"; do
  python3 "$here/expect.py" "$work" "$name" >"$work/first.txt" && continue
  grep -q GUARANTEED "$work/first.txt" && continue
  head -n -1 "$work/first.txt"
  echo "       $name is probed again"
  probe "$name"
done
python3 "$here/expect.py" "$work" "${ready[@]}"
