//! A second as a line of text, where there is no terminal to draw on.

use std::time::Duration;

use crate::record::timeline::Row;
use crate::units::human;

/// The line of a complete second, like `00:12  offered 40/s  sent 40/s  ok 38/s  throttled quota 2/s  in flight 3  p50 47.2ms  p99 160ms`.
/// What did not happen is left out, except offered, sent and ok.
pub fn line(row: &Row) -> String {
    let mut parts = vec![clock(Duration::from_secs(row.second + 1))];
    parts.extend([("offered", row.offered), ("sent", row.sent), ("ok", row.ok)].map(|(name, n)| format!("{name} {n}/s")));
    let seldom = [
        ("throttled quota", row.throttled_quota),
        ("throttled ramp", row.throttled_ramp),
        ("throttled service", row.throttled_service),
        ("errors", row.errors),
        ("missed", row.missed),
        ("capped", row.capped),
    ];
    parts.extend(seldom.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}/s")));
    parts.push(format!("in flight {}", row.in_flight));
    let times = [("p50", row.response_p50_us), ("p99", row.response_p99_us)];
    parts.extend(times.iter().filter_map(|(name, us)| us.map(|us| format!("{name} {}", human(Duration::from_micros(us))))));
    parts.join("  ")
}

/// Minutes and seconds, with hours where there are any.
pub(super) fn clock(at: Duration) -> String {
    let s = at.as_secs();
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m:02}:{s:02}") }
}
