#!/usr/bin/env bash
# Runs your service's tests against the emulator instead of Rekognition: double.sh LOG COMMAND [ARGUMENT...]
#   deploy/ci/double.sh arrivals.jsonl npm test
# Fails if the tests fail, if a client retried without telling you, or if two calls used one token. LOG has every request that arrived.
# Settings: LIVEBENCH names the program; LIVEBENCH_CONFIG an emulator file; ALLOW_RETRIES=1 and ALLOW_REUSE=1 turn a check off.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 LOG COMMAND [ARGUMENT...]" >&2; exit 2; }
livebench=${LIVEBENCH:-livebench} log=$1
shift
work=$(mktemp -d)
"$livebench" emulate --listen 127.0.0.1:0 --log "$work/arrivals.jsonl" --output json ${LIVEBENCH_CONFIG:+--config "$LIVEBENCH_CONFIG"} >"$work/ready" &
emulator=$!
trap 'kill "$emulator" 2>/dev/null || true; wait "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT
# The emulator prints one line when it listens.
until [ -s "$work/ready" ]; do
    kill -0 "$emulator" || exit 2
    sleep 0.1
done
endpoint=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["endpoint"])' "$work/ready")

export AWS_ENDPOINT_URL_REKOGNITION=$endpoint AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
code=0
"$@" || code=$?
kill "$emulator"
wait "$emulator" 2>/dev/null || true
cp "$work/arrivals.jsonl" "$log"

python3 - "$log" <<'PYTHON' || code=1
import collections, json, os, sys

arrivals = [json.loads(line) for line in open(sys.argv[1])]
faults = []
if not arrivals:
    faults.append("no request reached the emulator; does the client read AWS_ENDPOINT_URL_REKOGNITION?")
retries = [a for a in arrivals if (a.get("attempt") or 1) > 1]
if retries and not os.environ.get("ALLOW_RETRIES"):
    faults.append(f"hidden retries: {len(retries)} of {len(arrivals)} requests, the first with token {retries[0].get('token')}")
# The SDK sends one invocation ID with all attempts of a call, so another ID is another call.
calls = collections.defaultdict(set)
for a in arrivals:
    if a.get("token"):
        calls[a["token"]].add(a.get("invocation_id") or a["request_id"])
reused = [token for token, ids in calls.items() if len(ids) > 1]
if reused and not os.environ.get("ALLOW_REUSE"):
    faults.append(f"token reuse: {len(reused)} tokens in more than one call, the first is {reused[0]}")
print(f"{len(arrivals)} requests, {len(retries)} retries, {len(reused)} tokens reused", file=sys.stderr)
for fault in faults:
    print(f"error: {fault}", file=sys.stderr)
sys.exit(bool(faults))
PYTHON
exit "$code"
