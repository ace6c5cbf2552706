#!/usr/bin/env bash
# What is left of a run that was killed, and of one whose disk was full: tests/survives.sh BINARY DIR
# The full disk is a small tmpfs for root, a limit on the size of files for others. "N passed, 0 failed" at the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
scenarios=$(cd "$(dirname "$0")/../scenarios" && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
for name in $(compgen -e AWS_ || true); do unset "$name"; done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true NO_COLOR=1

small=$work/small
cleanup() { if mountpoint -q "$small" 2>/dev/null; then umount "$small"; fi; }
trap cleanup EXIT

. "$here/checks.sh"
only() { # the one directory below $1
    local found=("$1"/*/)
    echo "${found[0]%/}"
}
calls() { # whole rows of samples.csv below its head
    echo $(($(tr -cd '\n' <"$1/samples.csv" | wc -c) - 1))
}
whole() { # files that are there and end with a whole line
    local name
    for name in "$@"; do
        [ -s "$name" ] && [ -z "$(tail -c 1 "$name")" ] || { echo "       $name is not whole"; return 1; }
    done
}

# Killed with -9 after five seconds of sixty.
"$bin" run "$scenarios/steady.toml" --out "$work/killed" --live off >/dev/null 2>"$work/killed.log" &
run=$!
sleep 5
{ kill -9 "$run" && wait "$run"; } 2>/dev/null || true
dir=$(only "$work/killed")
# 20/s: a hundred in five seconds; the start-up and the last second may be missing.
check "killed: $(calls "$dir") calls of about 100 are on disk" test "$(calls "$dir")" -ge 60
check 'killed: it left no summary' test ! -e "$dir/summary.json"
code=0
"$bin" report "$dir" >"$work/killed.txt" 2>"$work/killed.log" || code=$?
# The p99 of so few calls cannot be trusted, and `report` says so.
check "killed: livebench report ends with $code" test "$code" -eq 0 -o "$code" -eq 3
check 'killed: it says so' grep -q 'the run was killed, or' "$work/killed.log"
check 'killed: the directory is complete' whole "$dir"/{summary.json,summary.md,timeline.csv,latency.hlog}
check 'killed: a second report says the same' diff -q "$work/killed.txt" <("$bin" report "$dir" 2>/dev/null || true)

# A full disk.
cat >"$work/full.toml" <<'TOML'
name = "full"
[load]
stages = [ { for = "60s", rate = 400 } ]
[emulator]
quota = { kind = "none" }
TOML
mkdir -p "$small"
full() { "$bin" run "$work/full.toml" --out "$small" --live off; }
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=128k tmpfs "$small" 2>/dev/null; then
    kind='a tmpfs of 128 KiB'
else
    kind='a limit on the size of files'
    full() { (ulimit -f 64 && trap '' XFSZ && exec "$bin" run "$work/full.toml" --out "$small" --live off); }
fi
code=0
full >"$work/full.txt" 2>"$work/full.log" || code=$?
dir=$(only "$small")
check "full disk ($kind): exit $code" test "$code" -eq 3
check 'full disk: NOT TRUSTED comes first' grep -q '^NOT TRUSTED  full' "$work/full.txt"
check 'full disk: the message names a file and a remedy' grep -Eq "^error: cannot write $small/.*/[a-z.]+: .*with --out" "$work/full.log"
grep '^error' "$work/full.log" | sed 's/^/       /' || true
check "full disk: $(calls "$dir") calls are kept" test "$(calls "$dir")" -ge 100
cp -R "$dir" "$work/moved"
code=0
"$bin" report "$work/moved" >"$work/moved.txt" 2>"$work/moved.log" || code=$?
check "full disk: livebench report reads them where there is room, exit $code" test "$code" -eq 0 -o "$code" -eq 3
check 'full disk: the directory is complete' whole "$work/moved"/{summary.json,summary.md,timeline.csv,latency.hlog}

checked
