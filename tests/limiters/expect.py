"""Holds what probes found against how the limiters were configured: expect.py DIRECTORY CASE...

DIRECTORY has a CASE.json of each, as `livebench probe --output json` prints it. A line a case; exits 1 if one is wrong.
Right is: the kind, its numbers, and an interval that holds the true rate. Worse than wrong is what is guaranteed and not so.
"""
import json
import sys
from pathlib import Path

# What is true of each: the kind, calls per second for long, what may pass at once after a rest, and other fields of the finding.
# `named`: the kind may also be one that the finding says is not refuted (`also`), as a probe of half a minute cannot always tell.
TRUTH = {
    "nginx-nodelay": {"kind": "token-bucket", "rate": 5, "burst": [10], "rejects_are_free": True},
    "nginx-delay": {"kind": "delay", "rate": 10, "burst": [11], "named": True},
    "nginx-conn": {"kind": "concurrency", "rate": None, "burst": [8]},
    "haproxy": {"kind": "sliding-counter", "rate": 10, "burst": [20], "rejects_are_free": False},
    "limits-fixed": {"kind": "fixed-window", "rate": 5, "burst": [5], "anchor": "first-call"},
    "limits-moving": {"kind": "sliding-log", "rate": 10, "burst": [10]},
    "limits-counter": {"kind": "sliding-counter", "rate": 5, "burst": [10], "rejects_are_free": True},
    "limits-stacked": {"kind": "stacked", "rate": 4, "burst": [10], "named": True},
    "rate-limiter-flexible": {"kind": "fixed-window", "rate": 10, "burst": [10], "anchor": "first-call"},
    # governor lets its burst pass at the start, and one more after a rest.
    "governor": {"kind": "token-bucket", "rate": 5, "burst": [10, 11], "rejects_are_free": True},
}


def covers(interval, rate):
    return bool(interval) and interval["low"] <= rate <= interval["high"]


def wrong(found, truth):
    """What is wrong about a finding, in a few words each."""
    rate, kinds = truth["rate"], [other["kind"] for other in found.get("also") or []]
    sure = ", GUARANTEED" if found["guaranteed"] else ""
    right = found["kind"] == truth["kind"]
    named = right or (truth.get("named", False) and truth["kind"] in kinds)
    if not named:
        yield f"kind {found['kind']}, not {truth['kind']}" + sure
    estimate = found["rate_per_s"]
    if rate is None:
        if estimate:
            yield f"a rate, {estimate}, of what has none" + sure
    elif estimate and not covers(estimate, rate):
        yield f"an interval [{estimate['low']:.4g}, {estimate['high']:.4g}] beside {rate}" + sure
    elif right and not estimate and not found.get("limits"):
        yield "no rate" + sure
    if right and found["burst"] not in truth["burst"]:
        low, high = found["burst_between"] or (1, 0)
        held = any(low <= burst <= high for burst in truth["burst"])
        # The likeliest of several that are guaranteed to hold the truth is no false guarantee.
        yield f"burst {found['burst']}, not {truth['burst']}" + ("" if held else sure)
    for field in ("anchor", "rejects_are_free"):
        if right and field in truth and found.get(field) != truth[field]:
            yield f"{field} {found.get(field)}, not {truth[field]}" + sure


def main():
    directory, failed = Path(sys.argv[1]), 0
    for case in sys.argv[2:]:
        found = json.loads((directory / f"{case}.json").read_text(encoding="utf-8"))
        problems = list(wrong(found, TRUTH[case]))
        estimate = found["rate_per_s"]
        rate = f"{estimate['point']:.4g}/s [{estimate['low']:.4g}, {estimate['high']:.4g}]" if estimate else "no rate"
        sure = "guaranteed" if found["guaranteed"] else "likely"
        print(f"{'FAILED' if problems else 'ok':<6} {case}: {found['kind']}, {rate}, burst {found['burst']}, {sure}, "
              f"{found['calls']} calls in {found['seconds']:.1f} s" + "".join(f"\n         {problem}" for problem in problems))
        failed += bool(problems)
    print(f"{len(sys.argv) - 2 - failed} right, {failed} wrong")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
