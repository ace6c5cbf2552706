#!/usr/bin/env bash
# Real clients against `livebench emulate`: tests/clients/run.sh [path to the livebench binary]
# boto3, the AWS CLI v1, the AWS SDK for JavaScript, and the guide's own blocks; then `livebench call` beside the AWS CLI, and the settings that both read.
# Needs python3, and node 20 or later with npm (installed by apt where absent). What it installs is kept under target/clients, or
# in $LIVEBENCH_CLIENTS_DIR. Prints each check, and at the end the totals of each client; exits 1 if a check failed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
root=$(cd "$here/../.." && pwd)
bin=${1:-$root/target/debug/livebench}
bin=$(cd "$(dirname "$bin")" && pwd)/$(basename "$bin")
home=${LIVEBENCH_CLIENTS_DIR:-$root/target/clients}
mkdir -p "$home/js"
home=$(cd "$home" && pwd)

# install_python FOLDER REQUIREMENTS: a virtual environment with them, once.
install_python() {
    if ! cmp -s "$2" "$1/requirements.txt"; then
        rm -rf "$1"
        mkdir -p "$1"
        make_venv "$1/venv" || exit 2
        "$1/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
        cp "$2" "$1/requirements.txt"
    fi
}

install_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "node or npm is missing; installing nodejs and npm" >&2
        sudo=
        [ "$(id -u)" = 0 ] || sudo=sudo
        $sudo apt-get update -qq >&2
        $sudo apt-get install -y -qq --no-install-recommends nodejs npm >&2
    fi
    # The modules are looked for beside the files that use them.
    if ! cmp -s "$here/js/package-lock.json" "$home/js/installed.json"; then
        cp "$here/js/package.json" "$here/js/package-lock.json" "$home/js/"
        (cd "$home/js" && npm ci --silent --no-audit --no-fund)
        cp "$here/js/package-lock.json" "$home/js/installed.json"
    fi
    cp "$here"/js/*.mjs "$home/js/"
}

install_python "$home/boto3" "$here/requirements.txt"
install_python "$home/cli" "$here/requirements-cli.txt"
install_node

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1

# checks PROGRAM ARGUMENT...: runs one client's checks; 1 if one failed.
checks() {
    local begun=$SECONDS code=0
    "$@" || code=1
    echo "took $((SECONDS - begun))s"
    return "$code"
}

# Two at a time: the AWS CLI computes, the others mostly wait.
(
    failed=0
    checks "$home/cli/venv/bin/python" "$here/aws_cli_checks.py" "$bin" || failed=1
    checks "$home/cli/venv/bin/python" "$here/compare_cli.py" "$bin" || failed=1
    checks "$home/cli/venv/bin/python" "$here/compare_settings.py" "$bin" || failed=1
    exit "$failed"
) >"$work/cli" 2>&1 &
cli=$!
failed=0
(
    failed=0
    checks "$home/boto3/venv/bin/python" "$here/boto3_checks.py" "$bin" || failed=1
    checks node --no-warnings "$home/js/checks.mjs" "$bin" || failed=1
    checks "$home/boto3/venv/bin/python" "$here/readme_blocks.py" "$bin" "$root" "$home" || failed=1
    exit "$failed"
) 2>&1 | tee "$work/others" || failed=1
wait "$cli" || failed=1
cat "$work/cli"

printf '\n'
grep -h ' passed, ' "$work/others" "$work/cli"
exit "$failed"
