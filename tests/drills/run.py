#!/usr/bin/env python3
"""The bad day as a test: twelve drills of a run of eight hours, whole or shortened.

    tests/drills/run.py BINARY [--factor 320] [--only soak,kill,...] [--keep DIR]

`--factor 1` takes eight hours; the default of 320 takes two minutes. All drills run at once: they are long, and have little to do. The
table at the end says what was tried, what was survived, and how many calls were lost. Exit code 1 if anything was not survived.
Needs Python 3 and, for the wall clock, the Debian package `faketime`; the full disk needs root.
"""

import argparse
import datetime
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import faults
import load
import process
from harness import Context, say, together

DRILLS = {
    "soak": load.soak, "virtual": load.virtual, "kill": process.kill, "disk": process.disk, "clock": process.clock,
    "credentials": faults.credentials, "restart": faults.restart, "balancer": faults.balancer, "quota": faults.quota,
    "signals": process.signals, "pipes": process.pipes,
}


def machine():
    """What the figures were taken on."""
    return f"{os.cpu_count()} cores, Linux {platform.release()}, {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"


def table(found):
    rows = [("drill", "tried", "survived", "lost")]
    for name, cases in found.items():
        rows.append((name, str(len(cases)), str(sum(case.survived for case in cases)), str(sum(case.lost for case in cases))))
    every = [case for cases in found.values() for case in cases]
    rows.append(("all", str(len(every)), str(sum(case.survived for case in every)), str(sum(case.lost for case in every))))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))) for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--factor", type=float, default=320)
    parser.add_argument("--only", default=",".join(DRILLS))
    parser.add_argument("--keep", type=Path, help="keep the runs in this new directory")
    args = parser.parse_args()
    wanted = args.only.split(",")
    if unknown := set(wanted) - set(DRILLS):
        parser.error(f"no drill {', '.join(sorted(unknown))}; there are {', '.join(DRILLS)}")
    if args.factor < 1:
        parser.error("--factor is at least 1")
    work = args.keep or Path(tempfile.mkdtemp(prefix="drills-"))
    context = Context(args.binary.resolve(), work.resolve(), args.factor)
    work.mkdir(parents=True, exist_ok=True)
    say(f"drills: 8 h in {context.length:.0f} s")
    found = {}

    def one(name):
        found[name] = together(lambda: DRILLS[name](context))
        for case in found[name]:
            say(f"{'ok    ' if case.survived else 'FAILED'} {name}: {case.what}: {case.figure}")
        return []

    try:
        together(*(lambda name=name: one(name) for name in wanted))
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    found = {name: found[name] for name in wanted}
    print(f"8 h in {context.length:.0f} s, {machine()}\n{table(found)}")
    sys.exit(0 if all(case.survived for cases in found.values() for case in cases) else 1)


if __name__ == "__main__":
    main()
