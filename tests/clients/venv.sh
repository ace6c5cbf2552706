# Sourced: make_venv DIRECTORY makes a Python virtual environment with pip, installing what Debian and Ubuntu leave out of python3.

try_venv() { python3 -m venv "$1" >"$1.log" 2>&1 && "$1/bin/python" -m pip --version >/dev/null 2>&1; }

make_venv() {
    if command -v python3 >/dev/null && try_venv "$1"; then return 0; fi
    echo "python3 -m venv failed; installing python3-venv" >&2
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq >&2
    $sudo apt-get install -y -qq python3-venv >&2
    rm -rf "$1"
    try_venv "$1" || { cat "$1.log" >&2; return 1; }
}
