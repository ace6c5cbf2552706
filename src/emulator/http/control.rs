//! The model and its time zero, shared by the server and whoever started it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use httparse::Header;

use super::clients::{ClientTally, SeenClient};
use super::message::RequestHead;
use super::metrics::{Gauges, ServerMetrics};
use super::wire::IncomingRequest;
use crate::emulator::complete::{CheckEnd, CompleteError};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::fault::FaultRule;
use crate::emulator::model::Emulator;
use crate::emulator::ruling::Ruling;
use crate::emulator::sigv4::Verifier;
use crate::emulator::snapshot::{RestoreError, Snapshot};
use crate::emulator::streams::{StreamRuling, StreamStart};
use crate::http1::Fields;
use crate::limiter::Quota;
use crate::service::operation::Operation;
use crate::service::quota;

/// The model and its time zero, shared by the server and whoever started it.
#[derive(Debug, Clone)]
pub struct Control(Arc<ControlInner>);

#[derive(Debug)]
struct ControlInner {
    verifier: Verifier,
    cors: Option<String>,
    in_flight: AtomicU64,
    connections: AtomicU64,
    core: Mutex<ControlState>,
}

#[derive(Debug)]
struct ControlState {
    emulator: Emulator,
    epoch: Instant,
    epochs: u64,
    clients: ClientTally,
    metrics: ServerMetrics,
}

impl ControlState {
    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.epoch)
    }
}

/// A ruling in terms of the clock.
pub(super) struct TimedRuling {
    pub(super) ruling: Ruling,
    pub(super) epoch: Instant,
    pub(super) epochs: u64,
    pub(super) deadline: Instant,
}

/// Something that is counted as long as it lives.
pub(super) struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Control {
    /// A fresh model whose time starts now.
    pub fn new(config: EmulatorConfig) -> Self {
        let (verifier, cross_origin) = (Verifier::new(&config), config.cors.clone());
        let core = ControlState {
            emulator: Emulator::new(config),
            epoch: Instant::now(),
            epochs: 0,
            clients: ClientTally::default(),
            metrics: ServerMetrics::default(),
        };
        let (in_flight, connections) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(ControlInner { verifier, cors: cross_origin, in_flight, connections, core: Mutex::new(core) }))
    }

    /// Forgets everything and makes `epoch` the model's time 0: for a run that warmed up first.
    ///
    /// What arrives before `epoch` arrives at time 0. Calls in flight are still answered as they were judged.
    pub fn restart_at(&self, epoch: Instant) {
        let mut core = self.core();
        core.emulator.restart();
        core.clients = ClientTally::default();
        core.epoch = epoch;
        core.epochs += 1;
    }

    /// The origin whose pages may call the operation.
    pub(super) fn cors(&self) -> Option<&str> {
        self.0.cors.as_deref()
    }

    /// Calls that arrived since the start or the last restart.
    pub fn arrivals(&self) -> u64 {
        self.core().emulator.arrivals()
    }

    /// The requests of every client since the start or the last restart.
    pub fn clients(&self) -> Vec<SeenClient> {
        self.core().clients.report()
    }

    /// The model's whole state.
    pub fn state(&self) -> Snapshot {
        self.core().emulator.state()
    }

    /// The model's whole state, and its time now.
    pub(super) fn state_now(&self) -> (Snapshot, Duration) {
        let core = self.core();
        (core.emulator.state(), core.now())
    }

    /// Goes on where `snapshot` was taken; the model's time is `age` now.
    pub fn restore(&self, snapshot: Snapshot, age: Duration) -> Result<(), RestoreError> {
        let mut core = self.core();
        core.emulator.restore(snapshot)?;
        // On a clock that cannot tell what was before it began, what is restored is young.
        let now = Instant::now();
        core.epoch = now.checked_sub(age).unwrap_or(now);
        Ok(())
    }

    /// The next calls get an error: see [`FaultRule`].
    pub fn inject(&self, rule: FaultRule) {
        self.core().emulator.inject(rule);
    }

    /// Forgets every rule of [`Control::inject`].
    pub fn clear_faults(&self) {
        self.core().emulator.clear_faults();
    }

    /// Ends the check of a session.
    pub fn complete(&self, session_id: &str, end: CheckEnd) -> Result<(), CompleteError> {
        let mut core = self.core();
        let now = core.now();
        core.emulator.complete(now, session_id, end)
    }

    /// Begins a stream of a session, in the region and of the account that are configured.
    pub fn stream(&self, start: StreamStart<'_>) -> StreamRuling {
        let mut core = self.core();
        let now = core.now();
        core.emulator.stream(now, start)
    }

    /// Replaces the quota of an operation; `None` is what is documented for each region.
    pub fn set_quota(&self, operation: Operation, quota: Option<Quota>) {
        self.core().emulator.set_quota(operation, quota);
    }

    /// What Service Quotas says of the quota whose code is asked for, in a region, by default the configured one; `None` of what is no quota, or has
    /// no limit.
    pub(super) fn quota_value(&self, asked: &str, region: Option<&str>) -> Option<f64> {
        let core = self.core();
        let config = core.emulator.config();
        let region = region.unwrap_or(&config.region);
        let [start, at_once] = config.stream_quotas(region);
        match (asked, at_once) {
            (quota::START, _) => start.rate_per_s(),
            (quota::CONCURRENT_SESSIONS, Quota::Concurrency(most)) => Some(f64::from(most.limit)),
            _ => config.quota_of(quota::operation(asked)?, region).rate_per_s(),
        }
    }

    pub(super) fn metrics(&self) -> String {
        let core = self.core();
        let gauges = Gauges {
            in_flight: self.0.in_flight.load(Ordering::Relaxed),
            connections: self.0.connections.load(Ordering::Relaxed),
            sessions_made: core.emulator.sessions_made(),
            sessions: core.emulator.live().0,
            tokens: core.emulator.live().1,
        };
        core.metrics.text(gauges)
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    pub(super) fn flight(&self) -> Counted<'_> {
        Counted::new(&self.0.in_flight)
    }

    pub(super) fn connection(&self) -> Counted<'_> {
        Counted::new(&self.0.connections)
    }

    /// An answer took this long beyond its latency.
    pub(super) fn overhead(&self, overhead: Duration) {
        self.core().metrics.overhead(overhead);
    }

    /// Judges a whole request as if it arrived now, without a wire: `today` is the time since the start of 1970.
    pub fn judge_request(&self, head: &http::request::Parts, body: &[u8], today: Duration) -> Ruling {
        let fields: Vec<Header<'_>> =
            head.headers.iter().map(|(name, value)| Header { name: name.as_str(), value: value.as_bytes() }).collect();
        let head = RequestHead { method: &head.method, uri: &head.uri, fields: Fields::of(&fields) };
        self.arrive(&IncomingRequest::read(&head, Ok(body), &self.0.verifier, || today)).ruling
    }

    pub(super) fn arrive(&self, arrival: &IncomingRequest<'_>) -> TimedRuling {
        let mut core = self.core();
        let (epoch, epochs) = (core.epoch, core.epochs);
        let now = Instant::now();
        let ruling = core.emulator.arrive(now.saturating_duration_since(epoch), &arrival.call());
        core.clients.count(arrival.user_agent, arrival.invocation_id, arrival.attempt);
        core.metrics.judged(ruling.operation, ruling.name());
        // From the arrival, not from the epoch: what arrives before the epoch is answered as promptly as what arrives at it.
        // An instant beyond the clock's end is as good as never.
        let wait = ruling.reply_at.saturating_sub(ruling.arrived);
        let deadline = now.checked_add(wait).unwrap_or_else(|| now + Duration::from_secs(1 << 31));
        TimedRuling { ruling, epoch, epochs, deadline }
    }

    fn core(&self) -> MutexGuard<'_, ControlState> {
        self.0.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
