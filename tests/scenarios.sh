#!/usr/bin/env bash
# Every shipped scenario in real time against the embedded emulator: tests/scenarios.sh BINARY OUTDIR
# The soak's hour is run in virtual time, the others two at a time. One line a scenario, its reasons below it if it is not VALID; "N passed, 0 failed" at the end.
# Exit code 3 says that the run is not to be trusted, mostly because the machine was busy: then it is run again, twice at most.
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: $0 BINARY OUTDIR" >&2; exit 2; }
scenarios=$(cd "$(dirname "$0")/../scenarios" && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
out=$(cd "$2" && pwd)
for name in $(compgen -e AWS_ || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1

# one SCENARIO: runs it and says how it went; fails if it did not go as it should.
one() {
    local scenario=$1 name want=0 how=() try code report
    name=$(basename "$scenario" .toml)
    [ "$name" != spike ] || want=1 # it fails on purpose
    [ "$name" != soak ] || how=(--virtual-time)
    for try in 1 2 3; do
        code=0
        "$bin" run "$scenario" --out "$out/$name" --live off ${how[@]+"${how[@]}"} >"$out/$name.txt" 2>"$out/$name.log" || code=$?
        [ "$code" -eq 3 ] && [ "$try" -lt 3 ] || break
        echo "       $name: exit 3, once more: $(grep -m 1 INVALID: "$out/$name.log" || true)"
    done
    report=$(head -n 1 "$out/$name.txt")
    if [ "$code" -eq "$want" ]; then
        echo "ok     $name: ${report:-no report}, exit $code"
        grep -E '^warning' "$out/$name.log" | sed 's/^/       /' || true
    else
        echo "FAILED $name: ${report:-no report}, exit $code instead of $want"
        cat "$out/$name.log" "$out/$name.txt"
        return 1
    fi
}

# Two at a time: each leaves most of a core idle.
passed=0 failed=0 running=0
count() { if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
for scenario in "$scenarios"/*.toml; do
    if [ "$running" -eq 2 ]; then
        count wait -n
        running=$((running - 1))
    fi
    one "$scenario" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    count wait -n
    running=$((running - 1))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
