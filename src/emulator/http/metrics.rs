//! The server's own numbers, in the text format of Prometheus.
//!
//! They count from the start of the server; a reset of the model does not
//! set them back.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::prometheus::Exposition;
use crate::service::operation::Operation;

/// Upper bounds of the overhead's buckets, in microseconds.
const BUCKETS_US: [u64; 12] = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 20_000, 100_000];

/// What has been counted.
#[derive(Debug, Default)]
pub(super) struct ServerMetrics {
    requests: BTreeMap<(Option<Operation>, &'static str), u64>,
    buckets: [u64; BUCKETS_US.len()],
    overheads: u64,
    overhead_sum: Duration,
}

/// What is not counted here, but asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gauges {
    pub(super) in_flight: u64,
    pub(super) connections: u64,
    pub(super) sessions_made: u64,
    pub(super) sessions: usize,
    pub(super) tokens: usize,
}

impl ServerMetrics {
    /// A request was judged.
    pub(super) fn judged(&mut self, operation: Option<Operation>, verdict: &'static str) {
        *self.requests.entry((operation, verdict)).or_default() += 1;
    }

    /// An answer took this long beyond what the model had planned for it.
    pub(super) fn overhead(&mut self, overhead: Duration) {
        self.overheads += 1;
        self.overhead_sum += overhead;
        let us = overhead.as_nanos().div_ceil(1000);
        if let Some(bucket) = BUCKETS_US.iter().position(|bound| us <= u128::from(*bound)) {
            self.buckets[bucket] += 1;
        }
    }

    /// The text.
    pub(super) fn text(&self, gauges: Gauges) -> String {
        let mut out = Exposition::new();
        out.head("requests_total", "counter", "Requests by operation and verdict, as the arrival log spells them.");
        for ((operation, verdict), count) in &self.requests {
            let operation = operation.map_or("none", Operation::name);
            out.sample("requests_total", &[("operation", operation), ("verdict", verdict)], count);
        }
        let as_u64 = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        for (name, help, value) in [
            ("in_flight", "Requests that are being read, judged or waited for.", gauges.in_flight),
            ("connections", "Open connections.", gauges.connections),
            ("sessions", "Sessions that can still be found.", as_u64(gauges.sessions)),
            ("tokens", "Client request tokens that lead to a session.", as_u64(gauges.tokens)),
        ] {
            out.one((name, "gauge", help), value);
        }
        // A reset sets it back, as Prometheus expects of a counter whose server begins anew.
        out.one(
            ("sessions_total", "counter", "Sessions that were made since the start or the last reset."),
            gauges.sessions_made,
        );
        self.overhead_text(&mut out);
        out.into_text()
    }

    fn overhead_text(&self, out: &mut Exposition) {
        out.head("overhead_seconds", "histogram", "From a whole request to its answer, less the latency that was asked for.");
        let mut total = 0;
        for (bound, count) in BUCKETS_US.iter().zip(self.buckets) {
            total += count;
            let bound = Duration::from_micros(*bound).as_secs_f64().to_string();
            out.sample("overhead_seconds_bucket", &[("le", &bound)], total);
        }
        out.sample("overhead_seconds_bucket", &[("le", "+Inf")], self.overheads);
        out.sample("overhead_seconds_sum", &[], self.overhead_sum.as_secs_f64());
        out.sample("overhead_seconds_count", &[], self.overheads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, as Prometheus reads it: buckets add up, and every series has its type.
    #[test]
    fn exposition() {
        let mut metrics = ServerMetrics::default();
        for verdict in ["ok", "ok", "throttled_quota"] {
            metrics.judged(Some(Operation::Create), verdict);
        }
        metrics.judged(None, "unmodelled");
        for us in [3, 30, 30, 700_000] {
            metrics.overhead(Duration::from_micros(us));
        }
        insta::assert_snapshot!(metrics.text(Gauges { in_flight: 1, connections: 2, sessions_made: 7, sessions: 6, tokens: 5 }));
    }
}
