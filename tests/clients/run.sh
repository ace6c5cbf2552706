#!/usr/bin/env bash
# Real clients against `livebench emulate`: tests/clients/run.sh [path to the livebench binary]
# boto3, the AWS CLI v1, the AWS SDK for JavaScript, and the README's own blocks; then `livebench call` beside the AWS CLI.
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

totals=$(mktemp)
trap 'rm -f "$totals"' EXIT
failed=0
export PYTHONDONTWRITEBYTECODE=1

# checks PROGRAM ARGUMENT...: runs one client's checks and keeps their total.
checks() {
    local begun=$SECONDS
    "$@" | tee "$totals.now" || failed=1
    echo "$(tail -n 1 "$totals.now") ($((SECONDS - begun))s)" >>"$totals"
    rm -f "$totals.now"
}

checks "$home/boto3/venv/bin/python" "$here/boto3_checks.py" "$bin"
checks "$home/cli/venv/bin/python" "$here/aws_cli_checks.py" "$bin"
checks node --no-warnings "$home/js/checks.mjs" "$bin"
checks "$home/cli/venv/bin/python" "$here/compare_cli.py" "$bin"
checks "$home/boto3/venv/bin/python" "$here/readme_blocks.py" "$bin" "$root" "$home"

printf '\n'
cat "$totals"
exit "$failed"
