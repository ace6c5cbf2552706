#!/usr/bin/env bash
# One run on several machines, for real: a Slurm of five nodes on this machine, nodes and tasks that are killed, a controller that stops,
# and the manifests of Kubernetes and AWS Batch held against their schemas: tests/machines/run.sh BINARY DIR
# Needs root; installs Debian and Python packages that it lacks. "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
for name in $(compgen -e | grep -E '^(AWS|LIVEBENCH|SLURM)_' || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1 SLURM_ROOT=$work/slurm
export SLURM_CONF=$SLURM_ROOT/slurm.conf LIVEBENCH=$bin PATH=$PATH:/usr/sbin:/sbin
. "$here/../checks.sh"

# The manifests, offline.
. "$here/../clients/venv.sh"
make_venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
check 'manifests: Kubernetes and AWS Batch' "$work/venv/bin/python" "$here/manifests.py" "$here/../../deploy" "$bin"

emulator=
cleanup() {
    [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
    if mountpoint -q "$work/full/parts/1" 2>/dev/null; then umount "$work/full/parts/1"; fi
    "$here/slurm.sh" down >/dev/null 2>&1 || true
}
trap cleanup EXIT
"$here/slurm.sh" up 5
printf '[emulator]\nquota = { kind = "none" }\n' >"$work/emulator.toml"
"$bin" emulate --listen 127.0.0.1:0 --config "$work/emulator.toml" >"$work/emulator.log" 2>&1 &
emulator=$!
until grep -q 'listening on' "$work/emulator.log"; do sleep 0.1; done
endpoint=$(grep -o 'http://[0-9.:]*' "$work/emulator.log" | head -n 1)

scenario() { # a scenario of $1 seconds at 80/s
    printf 'name = "many"\n[load]\nstages = [ { for = "%ss", rate = 80 } ]\ntransport = "wire"\n[thresholds]\nok = "> 50%%"\n' "$1" >"$work/many-$1.toml"
}
submit() { # name, seconds, more options of sbatch
    local name=$1 seconds=$2
    shift 2
    scenario "$seconds"
    SCENARIO=$work/many-$seconds.toml SHARED=$work/$name OPTIONS="--endpoint-url $endpoint --region us-east-1" PATIENCE=${PATIENCE:-60s} LIVEBENCH_SHARDS=4 \
        sbatch --parsable --export=ALL --output="$work/$name-%a.log" "$@" "$here/../../deploy/slurm/livebench.sbatch"
}
ended() { while [ -n "$(squeue -h -j "$1" 2>/dev/null)" ]; do sleep 0.3; done; }
started() { until ls "$work/$1"/barrier/run-*/start-1.json >/dev/null 2>&1; do sleep 0.2; done; }
rows() { tail -q -n +2 "$work/$1"/parts/*/samples.csv | wc -l; }
merge() { # into $work/NAME/merged; its exit code
    local code=0
    "$bin" merge "$work/$1/parts" --out "$work/$1/merged" >"$work/$1.txt" 2>"$work/$1.err" || code=$?
    echo "$code"
}
said() { grep -q "$2" "$work/$1.txt"; }

# Four nodes, one run.
job=$(submit whole 6 --array=0-3)
ended "$job"
check "whole: $(rows whole) rows of 480" test "$(rows whole)" -eq 480
code=$(merge whole)
# On a busy machine a shard may be late, which costs trust; no call may be missing or doubled.
check "whole: merged ($code), nothing is missing" test "$code" -eq 0 -o "$code" -eq 3
check 'whole: nothing was left out or made twice' test "$(grep -cE 'left out|is missing|unfinished|made twice' "$work/whole.txt")" -eq 0

# A task is killed (F4), while the controller stops and starts again (F15).
job=$(submit killed 14 --array=0-3)
started killed
"$here/slurm.sh" stop-controller
sleep 8
victim=$(pgrep -f "^$bin run $work/many-14.toml" | tail -n 1)
kill -KILL "$victim"
"$here/slurm.sh" start-controller
ended "$job"
code=$(merge killed)
check "killed: merge ends with $code" test "$code" -eq 3
check 'killed: the shard is named' said killed 'shard [0-3]/4 is unfinished'
check "killed: the others made all their calls ($(rows killed) rows)" test "$(rows killed)" -ge 840

# The disk of one shard is full (F17): it says so, and the others go on.
full() { # the shards of a run without any engine; the parts of the second go where there is hardly any room
    local start shards=() n parts
    scenario 8
    start=$(python3 -c 'import time; print("%.3f" % (time.time() + 2))')
    for n in 0 1 2; do
        parts=$work/full/parts/$n
        mkdir -p "$parts"
        if [ $n = 1 ]; then mount -t tmpfs -o size=48k tmpfs "$parts"; fi
        "$bin" run "$work/many-8.toml" --shard $n/3 --start-at "$start" --out "$parts" --live off --endpoint-url "$endpoint" --region us-east-1 >/dev/null 2>"$work/full-$n.log" &
        shards+=($!)
    done
    codes=
    for n in 0 1 2; do
        code=0
        wait "${shards[$n]}" || code=$?
        codes="$codes $code"
    done
}
full
check "full: the shard says so (exit codes$codes)" grep -q '^error: cannot write .*--out' "$work/full-1.log"
check 'full: it is the one that ends with 3' test "$(echo "$codes" | cut -d' ' -f3)" -eq 3
check 'full: the others made all their calls' test "$(tail -q -n +2 "$work"/full/parts/[02]/*/samples.csv | wc -l)" -eq 427
code=0
"$bin" merge "$work"/full/parts/* --out "$work/full/merged" >"$work/full.txt" 2>"$work/full.err" || code=$?
umount "$work/full/parts/1"
check "full: merge ends with $code" test "$code" -eq 3
check 'full: the shard is named' said full 'shard 1/3 is not trusted'

# A node is lost (F5): its shard goes on elsewhere, on the running schedule.
job=$(submit lost 30 --array=0-3)
started lost
sleep 8
"$here/slurm.sh" kill-node "$(squeue -h -r -j "$job" -t R -o %N | head -n 1 | tr -d n)"
ended "$job"
code=$(merge lost)
check "lost: merge ends with $code" test "$code" -eq 3
check 'lost: five attempts at four shards' test "$(find "$work/lost/parts" -maxdepth 1 -name '*-shard-*' | wc -l)" -eq 5
check 'lost: what was due meanwhile was missed' grep -q ',missed,' "$work"/lost/merged/*/samples.csv
check 'lost: every call of the schedule has at most one row' test -z "$(tail -n +2 "$work"/lost/merged/*/samples.csv | cut -d, -f1 | sort | uniq -d)"

# Not all at once (F8, F9): nobody starts, nothing is sent.
arrived() { python3 -c "import json, urllib.request as u; print(json.load(u.urlopen('$endpoint/_livebench/health'))['arrivals'])"; }
before=$(arrived)
job=$(PATIENCE=4s submit throttled 6 --array=0-3%2)
ended "$job"
check 'throttled: all four are called off' test "$(grep -l 'was aborted, and nothing was sent' "$work"/throttled-*.log | wc -l)" -eq 4
check 'throttled: no call arrived' test "$(arrived)" -eq "$before"

# One shard again, which Slurm takes for the only one.
job=$(submit again 6 --array=2)
ended "$job"
check 'again: one task of an array is not taken for the whole run' grep -q 'LIVEBENCH_SHARDS says 4' "$work/again-2.log"
check 'again: no call arrived' test "$(arrived)" -eq "$before"

# A release has no client for S3: it says how to build one, and sends nothing.
before=$(arrived)
code=0
AWS_REGION=us-east-1 "$bin" run "$work/many-6.toml" --shard 0/2 --barrier s3://launch/first --out "$work/bucket" --endpoint-url "$endpoint" 2>"$work/bucket.log" || code=$?
check "bucket: a release refuses it ($code)" test "$code" -eq 2
check 'bucket: it says how to build its client' grep -q -- '--features s3' "$work/bucket.log"
check 'bucket: no call arrived' test "$(arrived)" -eq "$before"

checked
