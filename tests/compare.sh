#!/usr/bin/env bash
# The commands of .github/workflows/compare.yml and of the guide's page `ci`: tests/compare.sh BINARY DIR
# Base and head are the same binary here, so nothing may regress; then the service is made slower, which must be found.
# "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
scenarios=$(cd "$(dirname "$0")/../scenarios" && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
cd "$2"
for name in $(compgen -e AWS_ || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1

. "$here/checks.sh"
# Base and head in turn, so that what the machine does besides falls on both; another seed for each.
seed=0
for round in 1 2 3; do
    for side in base head; do
        seed=$((seed + 1))
        code=0
        "$bin" run "$scenarios/ci.toml" --seed "$seed" --out "runs/$side" --live off >>runs.log 2>&1 || code=$?
        # 1 and 3 are judged below, side against side. All else ends here.
        case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
    done
done
code=0
"$bin" compare runs/base runs/head --output markdown --fail-on regression >compare.md || code=$?
check "the same binary does not regress: exit $code" test "$code" -eq 0
check 'Markdown for the job summary' grep -q '^## livebench: ' compare.md
sed 's/^/       /' compare.md
code=0
"$bin" compare runs/base runs/head --output junit --fail-on regression >compare.xml || code=$?
check 'JUnit that a parser reads' python3 -c 'import sys, xml.etree.ElementTree as e; r = e.parse(sys.argv[1]).getroot(); sys.exit(r.get("failures") != "0" or len(r.findall(".//testcase")) < 15)' compare.xml

code=0
"$bin" compare runs/base runs/head --output html --fail-on regression >compare.html || code=$?
check "the page's exit code is the comparison's: $code" test "$code" -eq 0
check 'a page with both sides over each other' grep -q 'data-chart="change"' compare.html

one=$(ls -d runs/base/*/ | head -n 1)
"$bin" compare "$one" "$one" --output json >self.json
check 'a run compared with itself is unchanged in every metric' python3 -c 'import sys, json; c = json.load(open(sys.argv[1])); sys.exit(c["verdict"] != "unchanged" or {m["verdict"] for m in c["metrics"]} != {"unchanged"})' self.json

sed 's/median = "45ms"/median = "70ms"/' "$scenarios/ci.toml" >slow.toml
for round in 1 2 3; do
    code=0
    "$bin" run slow.toml --seed "9$round" --out runs/slow --live off >>runs.log 2>&1 || code=$?
    case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
done
code=0
"$bin" compare runs/base runs/slow --output json >refused.json 2>/dev/null || code=$?
check "another service is refused: exit $code" test "$code" -eq 3
code=0
"$bin" compare runs/base runs/slow --force --fail-on regression >slow.txt || code=$?
check "a slower service is found: exit $code" test "$code" -eq 1
check 'the first word says so' grep -q '^REGRESSED' slow.txt
# A service that answers one token with two sessions, and is no slower: what only the new side violates has regressed.
{ cat "$scenarios/ci.toml"; printf '%s\n' '[idempotency]' 'replay = 0.2'; } >replay.toml
{ cat replay.toml; printf '%s\n' '[emulator.tokens]' 'window = "1ms"'; } >broken.toml
for side in replay broken; do
    code=0
    "$bin" run "$side.toml" --seed 5 --out "runs/$side" --virtual-time >>runs.log 2>&1 || code=$?
    case $code in 0 | 1 | 3) ;; *) exit "$code" ;; esac
done
code=0
"$bin" compare runs/replay runs/broken --force --fail-on regression >violated.txt || code=$?
check "idempotency violated on the new side only is found: exit $code" test "$code" -eq 1
check 'and said' grep -q '^REGRESSED.*dempotency' violated.txt
check 'the history has every run' test "$("$bin" history runs/base --output json | python3 -c 'import sys, json; print(sum(len(s["runs"]) for s in json.load(sys.stdin)["series"]))')" -eq 3

checked
