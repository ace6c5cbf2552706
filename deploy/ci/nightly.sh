#!/usr/bin/env bash
# One more run, then the history of all runs: nightly.sh SCENARIO DIR [OPTION OF RUN...]
#   deploy/ci/nightly.sh nightly.toml runs --target aws --yes
# Keep DIR from night to night. Exit codes: 1 a metric regressed or a threshold was missed, 3 the run is not reliable, others as for `livebench run`.
# LIVEBENCH names the program if it isn't on the path.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 SCENARIO DIR [OPTION...]" >&2; exit 2; }
livebench=${LIVEBENCH:-livebench} scenario=$1 runs=$2
shift 2

code=0
"$livebench" run "$scenario" --out "$runs" --seed "$(date +%s)" --live off "$@" || code=$?
# 1 and 3 are results; the history judges them beside the other nights. Anything else is a failure of the job.
case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
"$livebench" history "$runs" --fail-on regression --output markdown | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$code"
