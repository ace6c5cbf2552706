"""Reads a run's latency.hlog with the Python HdrHistogram package and holds it against samples.csv.

usage: hlog.py RUN_DIRECTORY
"""

import csv
import sys
from collections import Counter
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

DIGITS = 3
HOUR_US = 3_600_000_000


def read_samples(path):
    """Answers and largest response by outcome, of every call that was sent."""
    counts, largest = Counter(), {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["done_us"]:
                response = int(row["done_us"]) - int(row["due_us"])
                counts[row["outcome"]] += 1
                largest[row["outcome"]] = max(response, largest.get(row["outcome"], 0))
    return counts, largest


def read_log(path):
    """Histograms by tag, the start times of the lines and the log's own start."""
    reader = HistogramLogReader(str(path), HdrHistogram(1, HOUR_US, DIGITS))
    totals, starts = {}, []
    while (interval := reader.get_next_interval_histogram()) is not None:
        tag = interval.get_tag()
        totals.setdefault(tag, HdrHistogram(1, HOUR_US, DIGITS)).add(interval)
        starts.append((interval.get_start_time_stamp(), interval.get_end_time_stamp()))
    start = reader.get_start_time_sec()
    reader.close()
    return totals, starts, start


def main(directory):
    counts, largest = read_samples(directory / "samples.csv")
    totals, starts, start = read_log(directory / "latency.hlog")
    passed = failed = 0

    def check(what, holds):
        nonlocal passed, failed
        passed, failed = passed + bool(holds), failed + (not holds)
        print(f"{'ok' if holds else 'FAILED'}: {what}")

    check(f"the tags are the outcomes {sorted(counts)}", sorted(totals) == sorted(counts))
    for outcome, count in sorted(counts.items()):
        histogram = totals.get(outcome)
        check(f"{outcome}: {count} answers", histogram and histogram.get_total_count() == count)
        close = histogram and abs(histogram.get_max_value() - largest[outcome]) <= max(1, largest[outcome] // 1000)
        check(f"{outcome}: the largest response is {largest[outcome]} us to three digits", close)
    check("the lines are in the order of time", starts == sorted(starts))
    check("every line is one second", all(round(end - begin) == 1000 for begin, end in starts))
    check("the log starts with the run", not starts or start <= starts[0][0] / 1000 < start + 86_400)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
