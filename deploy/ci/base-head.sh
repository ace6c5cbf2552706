#!/usr/bin/env bash
# Compares two versions of a service that answers CreateFaceLivenessSession: base-head.sh SCENARIO URL BASE HEAD
#   deploy/ci/base-head.sh ci.toml http://127.0.0.1:8080 './base/server --port 8080' './head/server --port 8080'
# BASE and HEAD are commands that start the service and keep running; it is ready when URL accepts connections. Runs are in runs/, the
# comparison in compare.md. Exit codes: those of `livebench compare --fail-on regression`. ROUNDS (default 3) runs per side; five are better.
# LIVEBENCH names the program if it isn't on the path.
set -euo pipefail
[ $# -eq 4 ] || { echo "usage: $0 SCENARIO URL BASE HEAD" >&2; exit 2; }
livebench=${LIVEBENCH:-livebench} scenario=$1 url=$2 base=$3 head=$4
address=${url#*://}
address=${address%%/*}
service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null || true' EXIT

open() { (exec 3<>"/dev/tcp/${address%:*}/${address##*:}") 2>/dev/null; }

# serve COMMAND: starts the service and waits until it accepts connections, at most half a minute.
serve() {
    bash -c "exec $1" &
    service=$!
    for _ in $(seq 300); do
        kill -0 "$service" 2>/dev/null || { echo "error: the service ended: $1" >&2; exit 2; }
        ! open || return 0
        sleep 0.1
    done
    echo "error: nothing listens at $address" >&2
    exit 2
}

for side in base head; do
    [ ! -e "runs/$side" ] || { echo "error: runs/$side has the runs of an earlier comparison; move or delete it" >&2; exit 2; }
done
seed=0
for _ in $(seq "${ROUNDS:-3}"); do
    # Alternate the sides so that background load affects both equally.
    for side in base head; do
        seed=$((seed + 1))
        serve "${!side}"
        code=0
        "$livebench" run "$scenario" --endpoint-url "$url" --seed "$seed" --out "runs/$side" --live off || code=$?
        kill "$service"
        wait "$service" 2>/dev/null || true
        service=
        # 1 (a threshold missed, idempotency violated) and 3 (INVALID) are judged below, side against side. Anything else ends here.
        case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
    done
done
code=0
"$livebench" compare runs/base runs/head --fail-on regression --output markdown >compare.md || code=$?
tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}" <compare.md
exit "$code"
