"""Holds what a probe found against how the limiter was configured: FILE KIND RATE BURST free|cost."""
import json
import sys

path, kind, rate, burst, rejects = sys.argv[1:]
found = json.load(open(path, encoding="utf-8"))
shown = {key: found[key] for key in ("kind", "rate_per_s", "burst", "guaranteed", "calls", "seconds", "rejects_are_free", "shared_use")}
print("  " + json.dumps(shown))
wrong = []
if found["kind"] != kind:
    wrong.append(f"kind {found['kind']}, not {kind}")
estimate = found["rate_per_s"] or {"low": 0, "high": 0}
if not estimate["low"] <= float(rate) <= estimate["high"]:
    wrong.append(f"rate {estimate} without {rate}")
if found["burst"] != int(burst):
    wrong.append(f"burst {found['burst']}, not {burst}")
if found["rejects_are_free"] is not (rejects == "free"):
    wrong.append(f"rejects_are_free {found['rejects_are_free']}")
if wrong:
    sys.exit("wrong: " + "; ".join(wrong))
