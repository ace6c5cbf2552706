#!/usr/bin/env bash
# What the action does, for any CI: SCENARIO=FILE [BASELINE=DIR] [RUNS=3] [OUT=livebench-runs] [ARGS='...'] [FAIL_ON=regression] run.sh
# Runs the scenario RUNS times into OUT, with the seeds 1, 2, 3 and so on, compares them with the runs in BASELINE if there are any, and writes
# OUT/livebench.md. Exit codes: those of `livebench compare --fail-on`; without a baseline those of the runs, the worst first.
set -euo pipefail
livebench=${LIVEBENCH:-livebench} out=${OUT:-livebench-runs} baseline=${BASELINE:-} fail_on=${FAIL_ON:-regression}
[ -n "${SCENARIO:-}" ] || { echo 'error: SCENARIO names no file' >&2; exit 2; }
read -r -a args <<<"${ARGS:-}"
mkdir -p "$out"
report=$out/livebench.md
worst=0
for seed in $(seq "${RUNS:-3}"); do
    code=0
    "$livebench" run "$SCENARIO" --seed "$seed" --out "$out" --live off "${args[@]}" || code=$?
    # 1 (a threshold missed, idempotency violated) and 3 (INVALID) are judged below. Anything else ends here.
    case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
    [ "$code" -le "$worst" ] || worst=$code
done
code=0
if [ -n "$baseline" ] && compgen -G "$baseline/*/summary.json" >/dev/null; then
    fail=()
    [ "$fail_on" = none ] || fail=(--fail-on "$fail_on")
    "$livebench" compare "$baseline" "$out" "${fail[@]}" --output markdown >"$report" || code=$?
    # A comparison that could not be made (2) is no verdict to be left out.
    [ "$fail_on" != none ] || [ "$code" -eq 2 ] || code=0
else
    code=$worst
    [ "$fail_on" != none ] || code=0
    "$livebench" report "$out" --format markdown >"$report" || true
    printf '\nThere are no earlier runs to compare with.\n' >>"$report"
fi
cat "$report" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
{
    echo "report=$report"
    echo "verdict=$([ "$code" -eq 0 ] && echo passed || echo failed)"
} >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
