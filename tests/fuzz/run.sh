#!/usr/bin/env bash
# Looks for bytes that break what reads them: tests/fuzz/run.sh [SECONDS [TARGET...]], 60 s for each target unless told. Needs the Rust
# toolchain of the project and a C++ compiler, no nightly: the compiler's own pass counts the edges that libFuzzer looks at.
# A finding is written to tests/fuzz/artifacts; put it into tests/fuzz/corpus/TARGET when it is mended. `--keep` in front adds what leads
# somewhere new to the corpora, and makes them as small as they can be.
set -euo pipefail
cd "$(dirname "$0")"
keep=
if [ "${1:-}" = --keep ]; then keep=1; shift; fi
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(scenario plan samples summary hlog request answer signature shorthand jmespath profile)
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares'
host=$(rustc -vV | sed -n 's/^host: //p')
# The versions of the project.
cp ../../Cargo.lock .
# With a target named, build scripts and macros are left as they are.
RUSTFLAGS="--cfg fuzzing $coverage -Ccodegen-units=16" cargo build --release --target "$host"
built=${CARGO_TARGET_DIR:-target}/$host/release
mkdir -p artifacts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
printf '%-10s %10s %8s %8s\n' target runs edges found
for target in "${targets[@]}"; do
    mkdir -p "$work/$target"
    code=0
    "$built/$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -verbosity=1 -print_final_stats=1 \
        -artifact_prefix="artifacts/$target-" "$work/$target" "corpus/$target" >"$work/$target.log" 2>&1 || code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
    edges=$(grep -o 'cov: [0-9]*' "$work/$target.log" | tail -n 1 | cut -d' ' -f2)
    printf '%-10s %10s %8s %8s\n' "$target" "${runs:-?}" "${edges:-?}" "$([ "$code" -eq 0 ] && echo 0 || echo 1)"
    if [ "$code" -ne 0 ]; then
        failed=1
        tail -n 30 "$work/$target.log" >&2
    fi
    if [ -n "$keep" ]; then
        mkdir "$work/small"
        "$built/$target" -merge=1 -max_len=4096 "$work/small" "corpus/$target" "$work/$target" >/dev/null 2>&1
        # The smallest of them: a corpus is read with every test.
        ls -S -r "$work/small" | sed -n 1,24p | while read -r name; do cp "$work/small/$name" "corpus/$target/$name"; done
        rm -rf "$work/small"
    fi
done
exit "$failed"
