#!/usr/bin/env bash
# Shards that meet in an S3 bucket: moto's S3 on 127.0.0.1, and a binary that is built with the feature `s3`: tests/machines/s3.sh BINARY DIR
# Installs the Python packages that it lacks. "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
for name in $(compgen -e | grep -E '^(AWS|LIVEBENCH|SLURM)_' || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1
. "$here/../checks.sh"
. "$here/../clients/venv.sh"
make_venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements-s3.txt"

moto= emulator=
cleanup() {
    [ -z "$moto" ] || kill "$moto" 2>/dev/null || true
    [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
}
trap cleanup EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$work/venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$work/moto.log" 2>&1 &
moto=$!
s3=http://127.0.0.1:$port
until python3 -c "import urllib.request as u; u.urlopen('$s3/moto-api/data.json')" 2>/dev/null; do
    kill -0 "$moto" || { cat "$work/moto.log" >&2; exit 1; }
    sleep 0.2
done
python3 -c "import urllib.request as u; u.urlopen(u.Request('$s3/launch', method='PUT'))"
objects() { python3 -c "import re, sys, urllib.request as u; print(*re.findall('<Key>(.*?)</Key>', u.urlopen('$s3/launch?list-type=2').read().decode()))"; }

"$bin" emulate --listen 127.0.0.1:0 >"$work/emulator.log" 2>&1 &
emulator=$!
until grep -q 'listening on' "$work/emulator.log"; do sleep 0.1; done
endpoint=$(grep -o 'http://[0-9.:]*' "$work/emulator.log" | head -n 1)
arrived() { python3 -c "import json, urllib.request as u; print(json.load(u.urlopen('$endpoint/_livebench/health'))['arrivals'])"; }

printf 'name = "many"\n[load]\nstages = [ { for = "2s", rate = 40 } ]\n[thresholds]\nok = "> 0%%"\n' >"$work/a.toml"
# Shards $2... of three, into $work/$1; their exit codes.
export AWS_ENDPOINT_URL_S3=$s3 AWS_REGION=us-east-1
meet() {
    local name=$1 pids=() n pid code codes=
    shift
    for n in "$@"; do
        "$bin" run "$work/a.toml" --shard "$n/3" --barrier s3://launch/first/try --barrier-timeout "${PATIENCE:-60s}" --out "$work/$name/parts" \
            --live off --endpoint-url "$endpoint" --region us-east-1 >/dev/null 2>"$work/$name-$n.log" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        code=0
        wait "$pid" || code=$?
        codes="$codes$code "
    done
    echo "$codes" >"$work/$name.codes"
}
merged() { # whether all parts of $1 are there, with one start, and merge into the whole schedule
    local code=0
    [ "$(md5sum "$work/$1"/parts/*/start.json | cut -d' ' -f1 | sort -u | wc -l)" -eq 1 ] || return 1
    [ "$(find "$work/$1/parts" -name start.json | wc -l)" -eq 3 ] || return 1
    "$bin" merge "$work/$1/parts" --out "$work/$1/merged" >"$work/$1.txt" 2>"$work/$1.err" || code=$?
    # On a busy machine a shard may be late, which costs trust; no call may be missing or doubled.
    [ "$code" -eq 0 ] || [ "$code" -eq 3 ] || return 1
    ! grep -qE 'left out|is missing|unfinished|made twice' "$work/$1.txt" || return 1
    [ "$(tail -q -n +2 "$work/$1"/merged/*/samples.csv | cut -d, -f1 | sort -un | wc -l)" -eq 80 ]
}

meet whole 0 1 2
check "whole: three shards start over one bucket and merge (exit codes $(cat "$work/whole.codes"))" merged whole
check "whole: one decision is left behind ($(objects))" test "$(objects)" = first/try/start-1.json

before=$(arrived)
PATIENCE=6s meet short 0 2
check "short: without shard 1 the others abort" test "$(cat "$work/short.codes")" = '75 75 '
check 'short: they say so' grep -q 'was aborted, and nothing was sent: 2 of 3 shards were there; missing: 1/3' "$work/short-0.log"
check 'short: no call arrived' test "$(arrived)" -eq "$before"
check 'short: no part was begun' test ! -e "$work/short/parts"

# The sign of a shard that was killed long ago, and two decisions, lie there by now.
python3 -c "import urllib.request as u; u.urlopen(u.Request('$s3/launch/first/try/ready-1-0123456789abcdef.json', b'{}', method='PUT'))"
meet again 0 1 2
check "again: another run over the same prefix starts and merges (exit codes $(cat "$work/again.codes"))" merged again

# Nothing beyond this machine is asked without a word, and nothing in the clear at all.
refused() { # what is said, the endpoint of S3
    local code=0
    AWS_ENDPOINT_URL_S3=$2 "$bin" run "$work/a.toml" --shard 0/3 --barrier s3://launch/first --out "$work/refused" --endpoint-url "$endpoint" >/dev/null 2>"$work/refused.log" || code=$?
    [ "$code" -eq 2 ] && grep -q -- "$1" "$work/refused.log"
}
check 'far: it needs --yes' refused 'needs --yes' https://s3.invalid
check 'far: it needs TLS' refused 'use https' http://s3.invalid
check 'no bucket: it is told' env AWS_ENDPOINT_URL_S3="$s3" bash -c "! '$bin' run '$work/a.toml' --shard 0/3 --barrier s3://nowhere/a --out '$work/none' --endpoint-url '$endpoint' >/dev/null 2>'$work/none.log'"
check 'no bucket: it says so' grep -q 'there is no such bucket' "$work/none.log"
check 'no region: a wrong one is told' env AWS_REGION=$'eu\nw' bash -c "! '$bin' run '$work/a.toml' --shard 0/3 --barrier s3://launch/a --out '$work/none' --endpoint-url '$endpoint' >/dev/null 2>'$work/region.log' && grep -q 'is not a region' '$work/region.log'"
check 'wrong key: it is told, and not repeated' env AWS_SESSION_TOKEN=$'top\nsecret' bash -c "! '$bin' run '$work/a.toml' --shard 0/3 --barrier s3://launch/a --out '$work/none' --endpoint-url '$endpoint' >/dev/null 2>'$work/key.log' && grep -q 'AWS_SESSION_TOKEN has' '$work/key.log' && ! grep -q secret '$work/key.log'"
checked
