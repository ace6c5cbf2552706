"""Drills of long, ordinary load: accounting, slopes, lateness, files, and eight hours in virtual time."""

import filecmp
import os
import resource
import statistics
import subprocess
from pathlib import Path

from harness import Case, Emulator, Run, Watched, accounting, environment, percentile, together, trend

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "long" / "soak-8h.toml"
# planning.md asks for a slope within 1 % an hour, and for 10 % or 1 ms between the first and the last hour.
SLOPE_PERCENT, LATENESS_SHARE, LATENESS_US = 1.0, 0.10, 1000
TREND = 0.01
# Calls in flight at most, unless a scenario says otherwise.
PLACES = 64
# Ten seconds of CPU and a hundred MiB for the report of eight hours; ten MiB more than an hour for a run of eight.
REPORT_S, REPORT_KIB, MORE_KIB = 10.0, 100 * 1024, 10 * 1024
# The ledger keeps the last 57,344 calls (src/record/ledger/online.rs, CAP): while it fills, each of them adds its entry, of at most 200 bytes.
LEDGER_CALLS, LEDGER_BYTES = 57_344, 200


def soak(context):
    """Eight hours at 25/s, by both transports; everything that ages is watched meanwhile."""
    return together(lambda: one_soak(context, "sdk"), lambda: one_soak(context, "wire"))


def one_soak(context, transport):
    name = f"soak-{transport}"
    scenario = context.scenario(name, rate=context.rate, load=f'transport = "{transport}"')
    quota = f'quota = {{ kind = "token-bucket", rate = {context.rate}, burst = {context.rate} }}'
    with Emulator(context, name, quota) as emulator:
        run = Run(context, scenario, emulator)
        watched, served = Watched(context, run.process), Watched(context, emulator.process)
        run.sleep_until(context.length * 0.95)
        alive = emulator.metric("livebench_sessions")
        code = run.wait()
        cases = [accounted(run, transport, code, emulator.metric("livebench_requests_total"))]
        cases += [slopes(context, watched, f"{transport}: the run's", LEDGER_CALLS), slopes(context, served, f"{transport}: the emulator's")]
        # A session is known while it lives and for as long again.
        most = context.rate * max(context.life, 0.2) * 2 + context.rate
        cases.append(Case(f"{transport}: sessions are forgotten", alive <= most, 0, f"{alive:.0f} known of {most:.0f} at most"))
        cases += [lateness(context, run, transport), files(run, transport)]
    return cases


def accounted(run, transport, code, arrived):
    factor = run.context.factor
    wrong = accounting(run, arrived)
    summary = run.summary()
    lost = summary["counts"]["sent"] - summary["counts"]["ok"]
    validity = summary["verdict"]["validity"]
    figure = "; ".join(wrong) or f"{summary['counts']['ok']} calls, each with its row, its session and its arrival; {validity}"
    # In a shortened drill the machine is shared with all the others, and what it is late and misses is not what is asked.
    kept = not wrong and lost == 0 and (factor > 1 or (code == 0 and validity == "VALID"))
    return Case(f"{transport}: accounting", kept, lost, figure)


def slopes(context, watched, whose, ledger=0):
    memory, threads, files = (watched.slope(column, context.hour) for column in range(3))
    middle = statistics.median(value for _, value in watched.settled(0))
    filling = context.rate * context.length <= ledger
    allowed = SLOPE_PERCENT + (100 * LEDGER_BYTES * context.rate * context.hour / (middle * 1024) if filling else 0)
    # Helping threads come and go; what leaks does not go. A connection stays, but there is one for each place at most.
    spread = [count for _, count in watched.settled(2)]
    bounded = abs(files) <= SLOPE_PERCENT or max(spread) - min(spread) <= PLACES
    kept = abs(memory) <= allowed and abs(threads) <= SLOPE_PERCENT and bounded
    figure = f"{memory:+.2f} %/h of {middle / 1024:.1f} MiB (at most {allowed:.1f}), threads {threads:+.2f} %/h, files {files:+.2f} %/h"
    return Case(f"{whose} memory, threads, files", kept, 0, figure)


def lateness(context, run, transport):
    hours = {}
    for row in run.rows():
        if row["sent_us"]:
            due = int(row["due_us"])
            hours.setdefault(int(due / (context.hour * 1e6)), []).append(int(row["sent_us"]) - due)
    p99 = [percentile(hours[hour], 0.99) for hour in sorted(hours) if len(hours[hour]) >= 100]
    apart, chance = p99[-1] - p99[0], trend(p99)
    # Less late than at first is no drift of the harness's.
    near = apart <= max(LATENESS_SHARE * p99[0], LATENESS_US)
    # In a shortened drill, a neighbour on the machine is as long as an hour: there it takes a trend, too.
    kept = near if context.factor == 1 else near or chance > TREND
    return Case(f"{transport}: lateness", kept, 0, f"p99 {p99[0] / 1000:.2f} ms in the first hour, {p99[-1] / 1000:.2f} ms in the last, trend p = {chance:.2f}")


def files(run, transport):
    """Rows grow evenly, and the page does not grow with the run."""
    with open(run.folder / "samples.csv", "rb") as file:
        # Those that were sent: what was missed has no session, no token and no time.
        lengths = [len(line) for line in file if b",ok," in line]
    half = len(lengths) // 2
    first, second = statistics.fmean(lengths[:half]), statistics.fmean(lengths[half:])
    page = (run.folder / "report.html").stat().st_size
    even = abs(second / first - 1) <= 0.05
    return Case(f"{transport}: files", even and page <= 500_000, 0, f"{first:.0f} and {second:.0f} bytes a row in both halves, page {page / 1000:.0f} kB")


def used(command):
    """CPU seconds and peak KiB of a command that has to end well."""
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 3):
        raise ValueError(f"{' '.join(command[1:3])} ended with {process.returncode}: {errors.decode()[:300]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def virtual(context):
    """The whole soak in virtual time: twice the same, in the memory of an hour, and its report."""
    text = SCENARIO.read_text()
    hour = context.work / "soak-1h.toml"
    hour.write_text(text.replace('"8h"', '"1h"'))
    folders, peaks = [], []
    for name, scenario in [("hour", hour), ("one", SCENARIO), ("two", SCENARIO)]:
        out = context.folder(f"virtual-{name}")
        _, peak = used([context.binary, "run", str(scenario), "--virtual-time", "--live", "off", "--out", str(out)])
        folders.append(next(path for path in out.iterdir() if path.is_dir()))
        peaks.append(peak)
    same = [name for name in ("samples.csv", "timeline.csv", "summary.json") if not filecmp.cmp(folders[1] / name, folders[2] / name, shallow=False)]
    more = max(peaks[1:]) - peaks[0]
    cpu, report = used([context.binary, "report", str(folders[1])])
    _, small = used([context.binary, "report", str(folders[0])])
    page = (folders[1] / "report.html").stat().st_size
    return [
        Case("8 h in virtual time, twice", not same, 0, f"differ: {', '.join(same)}" if same else "byte for byte the same rows, timeline and summary"),
        Case("8 h in the memory of 1 h", more <= MORE_KIB, 0, f"{peaks[0] / 1024:.1f} MiB for an hour, {max(peaks[1:]) / 1024:.1f} for eight"),
        Case("report of 8 h", cpu <= REPORT_S and report <= REPORT_KIB and page <= 500_000, 0, f"{cpu:.1f} s of CPU, {report / 1024:.1f} MiB ({small / 1024:.1f} for an hour), page {page / 1000:.0f} kB"),
    ]


# A drill that forks many processes must not wait for descriptors.
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
