#!/usr/bin/env bash
# livebench beside the load testers that teams use, against the same emulator, on this machine.
#
#   benches/peers/run.sh [--bin path/to/livebench] [--rounds 3] [--seconds 5] [--only pacing,honesty,closed]
#
# Installs, under target/peers, what is missing: oha (cargo), wrk and hey (Debian packages), locust and boto3 (pip), autocannon (npm).
# Without --bin it builds livebench as it is handed out (cargo build --profile dist). Rounds are interleaved: in each, every tool has
# its turn, so that what the machine does besides falls on all. Prints Markdown tables; wants a machine with nothing else to do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=$root/target/peers
mkdir -p "$home"

bin=
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
        --bin) bin=$(realpath "$2"); shift 2 ;;
        *) arguments+=("$1"); shift ;;
    esac
done

missing=()
for tool in wrk hey; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2
    $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi
[ -x "$home/bin/oha" ] || cargo install oha --version 1.15.0 --locked --root "$home" >&2
. "$root/tests/clients/venv.sh"
if [ ! -x "$home/venv/bin/locust" ]; then
    make_venv "$home/venv"
    "$home/venv/bin/python" -m pip install --quiet --disable-pip-version-check locust==2.47.0 boto3==1.44.5
fi
[ -x "$home/node_modules/.bin/autocannon" ] || (cd "$home" && npm install --silent --no-audit --no-fund autocannon@9.0.0)

if [ -z "$bin" ]; then
    (cd "$root" && cargo build --locked --profile dist) >&2
    bin=$root/target/dist/livebench
fi
exec python3 "$here/measure.py" "$bin" "$home" "${arguments[@]}"
