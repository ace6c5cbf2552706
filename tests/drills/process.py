"""Drills of a bad day at the process: killed, stopped, a full disk, a clock that jumps, a terminal that goes away."""

import csv
import fcntl
import glob
import os
import pty
import signal
import subprocess
import termios
import time

from harness import SOAK_RATE, Case, Emulator, Problem, Run, accounting, environment, together

# What a kill may cost: the second that was not complete, and the calls that were on their way (p99 of the emulator: 160 ms).
LOST_S = 1.0 + 0.2


def kill(context):
    """kill -9 near the end; then the run is resumed."""
    with Emulator(context, "kill", 'quota = { kind = "none" }') as emulator:
        run = Run(context, context.scenario("kill"), emulator)
        # At 7 h 59 min; in a shortened drill with enough left to resume.
        run.sleep_until(context.length - max(context.hour / 60, 15))
        run.kill()
        arrived = emulator.metric("livebench_requests_total")
        rows = sent(run)
        lost = arrived - rows
        killed = Case("kill -9", 0 <= lost <= SOAK_RATE * LOST_S and whole(run), int(lost), f"{arrived:.0f} calls arrived, {rows} rows on disk")
        return [killed, resumed(run, "kill -9, resumed")]


def sent(run):
    """Calls that were sent and have their row."""
    return sum(1 for row in run.rows() if row["sent_us"])


def whole(run):
    """Whether every line of the rows is whole, but for the last one, which may be torn."""
    with open(run.folder / "samples.csv", newline="") as file:
        lines = list(csv.reader(file))
    return all(len(line) == len(lines[0]) for line in lines[1:-1])


# What `resume` does not send again after a kill: the guide says 2.2 seconds; and what the kill lost.
UNKNOWN_S = 2.2 + LOST_S


def resumed(run, what):
    """Goes on with a run; each of its calls has a row afterwards."""
    run.command("resume", str(run.folder), "--live", "off")
    wrong, summary = accounting(run), run.summary()
    unknown, validity = summary["counts"]["unknown"], summary["verdict"]["validity"]
    kept = not wrong and validity != "VALID" and unknown <= SOAK_RATE * UNKNOWN_S
    return Case(what, kept, unknown, "; ".join(wrong) or f"{summary['counts']['ended']} rows, {unknown} unknown, {validity}")


def disk(context):
    """The disk is full at half-time: what is there stays readable, and with room again the run goes on."""
    small = context.folder("disk-small")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(small)], capture_output=True).returncode:
        return [Case("disk full: not tried, needs root and a tmpfs", True, 0, "")]
    try:
        return full(context, small)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)


def full(context, small):
    with Emulator(context, "disk", 'quota = { kind = "none" }') as emulator:
        run = Run(context, context.scenario("disk"), emulator, out=small)
        run.sleep_until(context.length / 2)
        filler = small / "filler"
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
                    file.flush()
            except OSError:
                pass
        code = run.wait()
        said = run.log.read_text()
        arrived, rows = emulator.metric("livebench_requests_total"), sent(run)
        lost = int(arrived - rows)
        kept = code == 3 and "cannot write" in said and whole(run) and 0 <= lost <= SOAK_RATE * LOST_S
        cases = [Case("disk full", kept, lost, f"exit {code}, {arrived:.0f} calls arrived, {rows} rows on disk")]
        filler.unlink()
        return [*cases, resumed(run, "disk full, then free: resumed")]


def clock(context):
    """The wall clock is stepped, smeared and changed to winter time; the process is stopped for ten minutes."""
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not library:
        return [Case("clock: not tried, needs the Debian package faketime", True, 0, "")]
    steps = [("+1 h", "+3600", None, True), ("-1 h", "-3600", None, True), ("smeared, 1 s in 2000", "+0 x1.0005", None, None), ("end of summer time", None, "Europe/Berlin", False)]
    tried = [lambda step=step, i=i: stepped(context, f"clock-{i}", step, library[0]) for i, step in enumerate(steps)]
    return together(*tried, lambda: stopped(context))


def stepped(context, name, step, library):
    """Emulator and run see the same clock, as on one machine; it is only the wall clock that moves."""
    what, change, zone, noticed = step
    file = context.work / f"{name}.time"
    # Summer time ends in Berlin at 01:00 UTC on 2026-10-25: in the middle of this run.
    ends = 1792890000 - context.length / 2
    file.write_text(f"{ends - time.time():+.0f}\n" if zone else "+0\n")
    env = environment(LD_PRELOAD=library, FAKETIME_TIMESTAMP_FILE=str(file), FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1", **({"TZ": zone} if zone else {}))
    keys = 'quota = { kind = "none" }\n[[emulator.credentials]]\naccess_key_id = "AKIDDRILL"\nsecret_access_key = "drill"'
    with Emulator(context, name, keys, env=env) as emulator:
        run = Run(context, context.scenario(name), emulator, env=env)
        run.sleep_until(context.length / 2)
        if change:
            file.write_text(change + "\n")
        code = run.wait()
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    summary = run.summary()
    counts, moved = summary["counts"], summary["own"]["harness"]["wall_clock_moved_us"] / 1e6
    said = any("clock" in reason["what"] for reason in summary["verdict"]["reasons"])
    lost = counts["sent"] - counts["ok"]
    # Nobody is late or early by the step: what is due is due by the other clock.
    late = summary["latency"]["lateness"]["all"]["max_us"] / 1e6
    # What was signed before the step and arrived after it is refused, and rightly: an emulator that answers within 160 ms has few of them.
    kept = not wrong and code in (0, 3) and lost <= SOAK_RATE * 0.2 and late < 5 and noticed in (None, said)
    return [Case(f"wall clock: {what}", kept, lost, "; ".join(wrong) or f"moved by {moved:+.1f} s, {'said' if said else 'not said'}; latest call {late * 1000:.0f} ms; {counts['ok']} signatures accepted")]


def stopped(context):
    """SIGSTOP and SIGCONT: as a laptop that is closed, or a machine that is moved."""
    pause = max(600 / context.factor, 3)
    with Emulator(context, "stopped", 'quota = { kind = "none" }') as emulator:
        run = Run(context, context.scenario("stopped"), emulator)
        run.sleep_until(context.length / 2)
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(pause)
        run.process.send_signal(signal.SIGCONT)
        run.wait()
        ended = time.monotonic() - run.began
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    summary = run.summary()
    counts, validity = summary["counts"], summary["verdict"]["validity"]
    missed = counts["missed"]
    kept = not wrong and validity != "VALID" and missed > 0 and ended < context.length + 30 and counts["ok"] == counts["sent"]
    return [Case("stopped for ten minutes", kept, missed, "; ".join(wrong) or f"stopped for {pause:.0f} s, {missed} missed, {validity}")]


def signals(context):
    """SIGTERM, SIGHUP, and a terminal that is closed: the run ends in order."""
    how = [("SIGTERM", signal.SIGTERM, False), ("SIGHUP", signal.SIGHUP, False), ("terminal closed", None, True)]
    return together(*(lambda each=each, i=i: signalled(context, f"signals-{i}", *each) for i, each in enumerate(how)))


def controlling(terminal):
    """A process whose terminal this is, and that is told when it is closed."""
    return {"stdin": terminal, "stderr": terminal, "start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}


def signalled(context, name, what, number, terminal):
    options = ["--live", "on"] if terminal else ["--live", "off"]
    with Emulator(context, name, 'quota = { kind = "none" }') as emulator:
        popen = {}
        if terminal:
            ours, theirs = pty.openpty()
            popen = controlling(theirs)
        run = Run(context, context.scenario(name), emulator, options, environment(TERM="xterm"), **popen)
        if terminal:
            os.close(theirs)
        run.sleep_until(min(context.length / 4, 60))
        if terminal:
            os.close(ours)
        else:
            run.process.send_signal(number)
        sent = time.monotonic()
        code = run.wait(more_s=30)
        took = time.monotonic() - sent
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    lost = run.summary()["counts"]["unknown"]
    kept = not wrong and code == 130 and took < 15 and lost == 0
    return [Case(what, kept, lost, "; ".join(wrong) or f"exit {code} after {took:.1f} s, {run.summary()['counts']['ended']} rows, {lost} unknown")]


def pipes(context):
    """Nobody reads stderr, or the terminal: the run goes on and ends in time."""
    how = [("--live off", ["--live", "off"], False), ("--quiet", ["--quiet"], False), ("a terminal that nobody reads", ["--live", "on"], True)]
    return together(*(lambda each=each, i=i: unread(context, f"pipes-{i}", *each) for i, each in enumerate(how)))


def unread(context, name, what, options, terminal):
    ours, theirs = pty.openpty() if terminal else os.pipe()
    if not terminal:
        os.set_blocking(theirs, False)
        try:
            while True:
                os.write(theirs, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(theirs, True)
    with Emulator(context, name, 'quota = { kind = "none" }') as emulator:
        run = Run(context, context.scenario(name), emulator, options, environment(TERM="xterm"), **(controlling(theirs) if terminal else {"stderr": theirs}))
        os.close(theirs)
        try:
            code = run.wait(more_s=15)
        except Problem:
            return [Case(f"unread: {what}", False, 0, "did not end")]
        finally:
            os.close(ours)
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    counts = run.summary()["counts"]
    lost = counts["sent"] - counts["ok"]
    # A run that waited for its reader would have missed all that came after.
    kept = not wrong and code in (0, 3) and lost == 0 and counts["missed"] <= counts["scheduled"] / 4
    return [Case(f"unread: {what}", kept, lost, "; ".join(wrong) or f"exit {code}, {counts['ok']} calls, {counts['missed']} missed")]
