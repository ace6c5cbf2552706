#!/usr/bin/env bash
# An archive of a livebench binary, with man pages and completions: deploy/release/package.sh BINARY TARGET DIR
# Makes DIR/livebench-TARGET.tgz and DIR/livebench-TARGET.tgz.sha256, as `cargo binstall` and `sha256sum -c` look for them.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: $0 BINARY TARGET DIR" >&2; exit 2; }
binary=$1 target=$2
here=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$3"
out=$(cd "$3" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=livebench-$target
mkdir -p "$work/$name"/{man,completions}
install -m 755 "$binary" "$work/$name/livebench"
install -m 644 "$here"/{LICENSE,README.md,CHANGELOG.md} "$work/$name/"
cp -R "$here/scenarios" "$work/$name/scenarios"
"$binary" man >"$work/$name/man/livebench.1"
for shell in bash zsh fish; do
    "$binary" completions "$shell" >"$work/$name/completions/livebench.$shell"
done
tar -C "$work" -czf "$out/$name.tgz" "$name"
# macOS has shasum.
sum() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
(cd "$out" && sum "$name.tgz" >"$name.tgz.sha256")
