#!/usr/bin/env bash
# A run of n shards on one machine, without any engine: to try a scenario's split before it goes to many machines.
#
#   deploy/slurm/one-machine.sh 4 launch.toml /tmp/launch --endpoint-url http://127.0.0.1:4566 --region us-east-1
set -uo pipefail
[ $# -ge 3 ] || { echo "usage: $0 SHARDS SCENARIO FOLDER [OPTION of livebench run]..." >&2; exit 2; }
shards=$1 scenario=$2 folder=$3
shift 3
livebench=${LIVEBENCH:-livebench}
tasks=()
for ((i = 0; i < shards; i++)); do
    "$livebench" run "$scenario" --shard "$i/$shards" --barrier "$folder/barrier" --out "$folder/parts" --live off "$@" >/dev/null &
    tasks+=($!)
done
worst=0
for task in "${tasks[@]}"; do
    wait "$task" || { code=$?; [ "$code" -le "$worst" ] || worst=$code; }
done
# A shard that missed a threshold or cannot be trusted is for `merge` to judge; one that could not run, or was called off, has no rows.
case $worst in 0 | 1 | 3) exec "$livebench" merge "$folder/parts" --out "$folder/merged" ;; *) exit "$worst" ;; esac
