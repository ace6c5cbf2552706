//! The emulator itself: a call and the instant it arrives, to what it is answered with and when.
//!
//! The order in which a call is judged:
//!
//! 1. what is no call (method, path, target, signature, JSON) is answered by the front door;
//! 2. faults that come before the call takes effect: errors that were injected, `reset_before`, `internal_error`, `unavailable`;
//! 3. the region must have Face Liveness, else `AccessDeniedException` without a word more;
//! 4. constraints, counted: `InvalidParameterException`;
//! 5. the limits of the account, region and operation: scaling, ramp, quota; one token for every call that came so far;
//! 6. the session: that of a live token, else a new one; or what is known of the one that was asked for;
//! 7. the other faults replace the answer, whatever it was; what was done stays done.
//!
//! Steps 1 to 4 spend nothing. Every answer takes the drawn latency except `reset_before`, after whatever a limit made its call wait, and
//! none leaves during a stall.
//! The switches of the configuration change single points of this order.
//!
//! Refuses to read a clock, to wait and to do I/O. Its draws are hashes of the seed and the arrival's number.

use std::time::Duration;

pub use super::call::{ApiCall, Rejection};
pub use super::complete::{CheckEnd, CheckOutcome, CompleteError};
pub use super::fault::{Fault, FaultRule};
pub use super::ruling::Ruling;
pub use super::snapshot::{RestoreError, Snapshot};
pub use crate::emulator::config::FaultKind;
pub use crate::limiter::Quota;
pub use crate::service::operation::Operation;

use super::clock::Clock;
use super::injector::FaultInjector;
use super::reply::Reply;
use super::service::{CallContext, LivenessService};
use super::sessions::drawn_uuid;
use super::snapshot::{SCHEMA, ServiceState};
use super::streams::{StreamRuling, StreamStart};
use crate::emulator::config::EmulatorConfig;
use crate::stats::draw::{Stream, bits};
use crate::units::{Text64, floor_us};

/// The emulated operations, of any number of accounts and regions.
///
/// Deterministic: the same configuration and the same calls at the same instants get the same rulings. Each part owns what it
/// needs of the configuration; [`arrive`](Self::arrive) is the only place where they meet over a call.
#[derive(Debug, Clone)]
pub struct Emulator {
    /// The quotas as they were configured: of creates, of getting results.
    given_quotas: [Option<Quota>; 2],
    arrivals: u64,
    /// When a call counts as arrived, and when it is answered.
    clock: Clock,
    /// What goes wrong: steps 2 and 7.
    faults: FaultInjector,
    /// What the service decides: steps 3 to 6, and 1 for what the front door has rejected.
    service: LivenessService,
}

impl Emulator {
    /// A fresh one at time 0.
    pub fn new(config: EmulatorConfig) -> Self {
        Self {
            given_quotas: [config.quota, config.get_quota],
            arrivals: 0,
            clock: Clock::new(&config),
            faults: FaultInjector::new(&config),
            service: LivenessService::new(config),
        }
    }

    /// Its settings, with the quotas that hold now.
    pub const fn config(&self) -> &EmulatorConfig {
        self.service.config()
    }

    /// Calls that arrived.
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Sessions that were made.
    pub const fn sessions_made(&self) -> u64 {
        self.service.sessions_made()
    }

    /// Sessions that can still be found, and tokens that still lead somewhere, as of the last call.
    pub fn live(&self) -> (usize, usize) {
        self.service.live()
    }

    /// Forgets every call, session, token and injected fault, and starts again at time 0 with the quotas it was made with.
    pub fn restart(&mut self) {
        let [quota, get_quota] = self.given_quotas;
        *self = Self::new(EmulatorConfig { quota, get_quota, ..self.config().clone() });
    }

    /// Rules on a call that arrives at `now`. Time does not go back: an earlier `now` counts as the latest one.
    pub fn arrive(&mut self, now: Duration, call: &ApiCall<'_>) -> Ruling {
        let number = self.arrivals;
        self.arrivals += 1;
        let now = self.advance(now);
        let strike = self.faults.strike(now, number, call);
        let work = if strike.is_instant() { Duration::ZERO } else { self.clock.latency(number) };
        let reply_at = self.clock.reply_at(now, work);
        let config = self.service.config();
        let seed = config.seed;
        let account = Text64::cut(call.account.unwrap_or(&config.account));
        let region = Text64::cut(call.region.unwrap_or(&config.region));
        let request_id = drawn_uuid(seed, Stream::RequestHigh, Stream::RequestLow, number);
        let mut ruling = Ruling {
            number,
            operation: call.operation(),
            arrived: now,
            reply_at,
            reply: Reply::Reset,
            decided: None,
            fault: strike.fault,
            spent: false,
            session_id: None,
            created: false,
            token: call.token().map(Text64::cut),
            request_id,
            account,
            region,
        };
        if let Some(reply) = strike.instead {
            return Ruling { reply, ..ruling };
        }
        let (node, lacking) = (bits(seed, Stream::Node, number), call.lacking);
        let (account, region) = (account.as_str(), region.as_str());
        let context = CallContext { number, now, clock: &self.clock, work, node, account, region, lacking };
        let decision = self.service.decide(&context, call);
        ruling.reply_at = context.reply_at(decision.wait);
        ruling.decided = Some(decision.reply.outcome());
        ruling.spent = decision.spent;
        ruling.session_id = decision.session.map(|(id, _)| id);
        ruling.created = decision.session.is_some_and(|(_, created)| created);
        ruling.reply = self.faults.disguise(strike.fault, number, decision.reply);
        ruling
    }

    /// Lets time go on to `now`, if that is later, and forgets what is over by then.
    fn advance(&mut self, now: Duration) -> Duration {
        let now = self.clock.advance(now);
        self.service.forget(now);
        now
    }

    /// From now on, the next calls are answered with an error: see [`FaultRule`]. Rules apply one after the other.
    pub fn inject(&mut self, rule: FaultRule) {
        self.faults.inject(rule);
    }

    /// Forgets every rule of [`inject`](Self::inject).
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Ends the check of a session at `now`, whether it has begun or not. An error says why it cannot be.
    pub fn complete(&mut self, now: Duration, session_id: &str, end: CheckEnd) -> Result<(), CompleteError> {
        let now = self.advance(now);
        self.service.complete(now, session_id, end)
    }

    /// Begins a stream of a session at `now`, if the limits on streams let it. It is no arrival of the operations that are spoken here.
    pub fn stream(&mut self, now: Duration, start: StreamStart<'_>) -> StreamRuling {
        let now = self.advance(now);
        self.service.stream(now, start)
    }

    /// Replaces the quota of an operation for every account and region; `None` is what is documented for each region. All of them
    /// are full then.
    pub fn set_quota(&mut self, operation: Operation, quota: Option<Quota>) {
        self.service.set_quota(operation, quota);
    }

    /// The whole state.
    pub fn state(&self) -> Snapshot {
        let now = self.clock.latest();
        let ServiceState { sessions_made, scopes, tokens, sessions } = self.service.save(now);
        Snapshot {
            schema: SCHEMA,
            seed: self.config().seed,
            now_us: floor_us(now),
            arrivals: self.arrivals,
            sessions_made,
            injected: self.faults.save(),
            scopes,
            tokens,
            sessions,
        }
    }

    /// Goes on where a state was taken: what is over by the next call is forgotten then. Limits whose settings have changed
    /// since start afresh. Nothing changes on an error.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), RestoreError> {
        snapshot.fits(self.config().seed)?;
        let Snapshot { now_us, arrivals, sessions_made, injected, scopes, tokens, sessions, .. } = snapshot;
        let mut fresh = Self::new(self.config().clone());
        fresh.given_quotas = self.given_quotas;
        fresh.arrivals = arrivals;
        fresh.clock.advance(Duration::from_micros(now_us));
        fresh.faults.load(injected);
        fresh.service.load(ServiceState { sessions_made, scopes, tokens, sessions })?;
        *self = fresh;
        Ok(())
    }
}
