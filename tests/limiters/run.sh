#!/usr/bin/env bash
# Limiters that nobody here wrote: nginx's limit_req and HAProxy's stick tables, in front of the emulator, probed by livebench.
#
#   tests/limiters/run.sh path/to/livebench [nginx|haproxy]...
#
# nginx's `burst=B nodelay` lets B + 1 through at once; HAProxy's rate counters are sliding counters that count refused calls too.
# Everything listens on loopback. Debian packages are installed when they are missing.
set -euo pipefail
livebench=$(realpath "$1")
shift
limiters=("$@")
[ $# -gt 0 ] || limiters=(nginx haproxy)
wanted() { [[ " ${limiters[*]} " == *" $1 "* ]]; }
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

for tool in nginx haproxy; do
  if ! PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null; then
    apt-get install -y --no-install-recommends "$tool" >"$work/apt.log" 2>&1 ||
      { apt-get update >>"$work/apt.log" 2>&1 && apt-get install -y --no-install-recommends "$tool" >>"$work/apt.log" 2>&1; }
  fi
done
PATH=$PATH:/usr/sbin
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "nothing on port $1" >&2; exit 1; }

printf '[emulator]\nquota = { kind = "none" }\n' >"$work/open.toml"
emulator=$(free_port)
"$livebench" emulate --listen "127.0.0.1:$emulator" --config "$work/open.toml" >"$work/emulate.log" 2>&1 &
pids+=($!)
wait_for "$emulator"

nginx_port=$(free_port)
sed -e "s|@WORK@|$work|g; s|@PORT@|$nginx_port|g; s|@EMULATOR@|$emulator|g" "$here/nginx.conf" >"$work/nginx.conf"
nginx -c "$work/nginx.conf" -e "$work/nginx-error.log" &
pids+=($!)
haproxy_port=$(free_port)
sed -e "s|@PORT@|$haproxy_port|g; s|@EMULATOR@|$emulator|g" "$here/haproxy.cfg" >"$work/haproxy.cfg"
haproxy -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
pids+=($!)
wait_for "$nginx_port"
wait_for "$haproxy_port"

probe() { "$livebench" probe --live off --endpoint-url "http://127.0.0.1:$1" --out "$work/results-$2" --output json >"$work/$2.json"; }

# Both at the same time: a probe waits nearly all of its time.
probing=()
if wanted nginx; then probe "$nginx_port" nginx & probing+=($!); fi
if wanted haproxy; then probe "$haproxy_port" haproxy & probing+=($!); fi
for pid in "${probing[@]}"; do wait "$pid"; done

if wanted nginx; then
  echo 'nginx: limit_req rate=5r/s burst=9 nodelay lets 9 + 1 through at once'
  python3 "$here/expect.py" "$work/nginx.json" token-bucket 5 10 free
fi

if wanted haproxy; then
  echo 'HAProxy: http_req_rate(2s) gt 20 counts refused calls, too'
  python3 "$here/expect.py" "$work/haproxy.json" sliding-counter 10 20 cost
fi
