//! The emulator itself: a call and the instant it arrives, to what it is answered with and when.
//!
//! The order in which a call is judged:
//!
//! 1. what is no create call (method, path, target, JSON) is answered by the front door;
//! 2. `reset_before`: nothing takes effect, no quota is spent;
//! 3. the region must have Face Liveness, else `AccessDeniedException` without a word more;
//! 4. constraints: `InvalidParameterException`; `AuditImagesLimit` out of range is accepted, as the API reference has it clamped;
//! 5. the quota of the region: one token for every call that came so far, a repeated one too;
//! 6. the session: that of a live token, else a new one;
//! 7. `reset_after` and `raw` replace the answer, whatever it was; what was done stays done.
//!
//! Steps 1 to 4 spend nothing. Every answer takes the drawn latency except `reset_before`, and none leaves during a stall.
//!
//! Refuses to read a clock, to wait and to do I/O. Its draws are hashes of the seed and the arrival's number.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use super::call::{Call, Problem};
pub use super::complete::{CheckEnd, CompleteError, Ended};
pub use super::fault::{Fault, FaultRule};
pub use super::snapshot::{RestoreError, Snapshot};
pub use super::verdict::Verdict;
pub use crate::scenario::emulator::{FaultKind, Quota};
pub use crate::target::request::Operation;

use super::call::Asks;
use super::delay::{self, Stalls};
use super::limiter::Limiter;
use super::reply::Reply;
use super::sessions::{Sessions, drawn_uuid};
use super::snapshot;
use crate::scenario::emulator::{EmulatorConfig, REGIONS, RawAnswer};
use crate::stats::draw::Stream;
use crate::target::outcome::Outcome;
use crate::target::request::CreateRequest;
use crate::units::{Text64, floor_us};

/// What is kept for one region: quotas and tokens are those of a region.
#[derive(Debug, Clone)]
struct Books {
    limiter: Limiter,
    sessions: Sessions,
}

/// The emulated operation of one account.
///
/// Deterministic: the same configuration and the same calls at the same instants get the same verdicts.
#[derive(Debug, Clone)]
pub struct Emulator {
    config: EmulatorConfig,
    raw: Option<Arc<RawAnswer>>,
    stalls: Stalls,
    regions: BTreeMap<&'static str, Books>,
    injected: VecDeque<FaultRule>,
    arrivals: u64,
    sessions: u64,
    latest: Duration,
}

/// What steps 3 to 6 decide.
struct Decision {
    reply: Reply,
    spent: bool,
    session: Option<(Text64, bool)>,
}

impl Decision {
    const fn refuse(reply: Reply) -> Self {
        Self { reply, spent: false, session: None }
    }
}

impl Emulator {
    /// A fresh one at time 0.
    pub fn new(config: EmulatorConfig) -> Self {
        Self {
            raw: config.faults.raw.clone().map(Arc::new),
            stalls: Stalls::new(&config.stalls),
            regions: BTreeMap::new(),
            injected: VecDeque::new(),
            arrivals: 0,
            sessions: 0,
            latest: Duration::ZERO,
            config,
        }
    }

    /// Its settings.
    pub const fn config(&self) -> &EmulatorConfig {
        &self.config
    }

    /// Calls that arrived.
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Forgets every call, session and token, and starts again at time 0.
    pub fn restart(&mut self) {
        *self = Self::new(self.config.clone());
    }

    /// Judges a call that arrives at `now`. Time does not go back: an earlier `now` counts as the latest one.
    pub fn arrive(&mut self, now: Duration, call: &Call<'_>) -> Verdict {
        let number = self.arrivals;
        self.arrivals += 1;
        self.latest = self.latest.max(now);
        let now = self.latest;
        let seed = self.config.seed;
        let request_id = drawn_uuid(seed, Stream::RequestHigh, Stream::RequestLow, number);

        let request = match &call.asks {
            Asks::Create(request) => Ok(request.as_ref()),
            Asks::Get(_) => Err(self.modeled(number, "SessionNotFoundException", "Session not found.")),
            Asks::Problem(_, problem) => Err(problem.reply()),
        };
        let token = request.as_ref().ok().and_then(|r| r.client_request_token.as_deref()).map(Text64::cut);
        let fault = request.as_ref().ok().and_then(|_| Fault::draw(&self.config.faults, seed, number));
        let before = Fault::Of(FaultKind::ResetBefore);
        let decision = match request {
            _ if fault == Some(before) => Decision::refuse(Reply::Reset),
            Ok(request) => self.decide(now, number, call.region, request),
            Err(reply) => Decision::refuse(reply),
        };
        let decided = if fault == Some(before) { None } else { Some(decision.reply.answer(request_id).outcome) };
        let reply = match (fault, &self.raw) {
            (Some(Fault::Of(FaultKind::ResetAfter)), _) => Reply::Reset,
            (Some(Fault::Of(FaultKind::HalfOpen)), _) => Reply::Silence,
            (Some(Fault::Of(FaultKind::SlowBody)), _) => {
                Reply::Slow { over: self.config.faults.slow_body_for, whole: Box::new(decision.reply) }
            }
            (Some(Fault::Of(FaultKind::Raw)), Some(raw)) => Reply::Raw(Arc::clone(raw)),
            _ => decision.reply,
        };
        let work = if decided.is_some() { delay::latency(self.config.latency, seed, number) } else { Duration::ZERO };
        Verdict {
            number,
            operation: call.operation(),
            arrived: now,
            reply_at: self.stalls.reply_at(now, work),
            reply,
            decided,
            fault,
            spent: decision.spent,
            session_id: decision.session.map(|(id, _)| id),
            created: decision.session.is_some_and(|(_, created)| created),
            token,
            request_id,
            account: Text64::cut(call.account.unwrap_or(&self.config.account)),
            region: Text64::cut(call.region.unwrap_or(&self.config.region)),
        }
    }

    /// From now on, the next calls are answered with an error: see [`FaultRule`]. Rules apply one after the other.
    pub fn inject(&mut self, rule: FaultRule) {
        self.injected.push_back(rule);
    }

    /// Forgets every rule of [`inject`](Self::inject).
    pub fn clear_faults(&mut self) {
        self.injected.clear();
    }

    /// Ends the check of a session at `now`, whether it has begun or not.
    pub fn complete(&mut self, now: Duration, session_id: &str, _end: CheckEnd) -> Result<(), CompleteError> {
        self.latest = self.latest.max(now);
        Err(CompleteError::NotFound(session_id.to_owned()))
    }

    /// Replaces the quota of an operation for every account and region; `None` is what is documented for each region. All of them
    /// are full then.
    pub fn set_quota(&mut self, operation: Operation, quota: Option<Quota>) {
        match operation {
            Operation::Create => self.config.quota = quota,
            Operation::GetResults => self.config.get_quota = quota,
        }
    }

    /// The whole state.
    pub fn state(&self) -> Snapshot {
        Snapshot {
            schema: snapshot::SCHEMA,
            seed: self.config.seed,
            now_us: floor_us(self.latest),
            arrivals: self.arrivals,
            sessions_made: self.sessions,
            injected: self.injected.iter().cloned().collect(),
        }
    }

    /// Goes on where a state was taken. What its limits are is left to this emulator's settings.
    pub fn restore(&mut self, snapshot: Snapshot) -> Result<(), RestoreError> {
        if snapshot.schema != snapshot::SCHEMA {
            return Err(RestoreError::Schema(snapshot.schema));
        }
        self.arrivals = snapshot.arrivals;
        Ok(())
    }

    fn decide(&mut self, now: Duration, number: u64, region: Option<&str>, request: &CreateRequest) -> Decision {
        let region = region.unwrap_or(&self.config.region);
        let Some((region, _)) = REGIONS.into_iter().find(|(known, _)| *known == region) else {
            return Decision::refuse(Reply::FrontDoor {
                status: 400,
                exception: "AccessDeniedException".into(),
                message: None,
                retry_after_ms: None,
            });
        };
        if request.violations().iter().any(|v| v.path != "Settings.AuditImagesLimit") {
            return Decision::refuse(self.modeled(number, "InvalidParameterException", "Request has invalid parameters."));
        }
        let books = self.regions.entry(region).or_insert_with(|| Books {
            limiter: Limiter::new(self.config.quota_of(Operation::Create, region)),
            sessions: Sessions::new(self.config.session_ttl),
        });
        if !books.limiter.take(now) {
            let (exception, message) = ("ProvisionedThroughputExceededException", "Provisioned Rate exceeded.");
            return Decision::refuse(self.modeled(number, exception, message));
        }
        let opened = books.sessions.open(now, request.client_request_token.as_deref(), self.sessions);
        self.sessions += u64::from(opened.created);
        let id = drawn_uuid(self.config.seed, Stream::SessionHigh, Stream::SessionLow, opened.number);
        Decision { reply: Reply::Session(id), spent: true, session: Some((id, opened.created)) }
    }

    /// An error of the operation's model at 400. Its `Logref` is drawn from numbers that no arrival has.
    fn modeled(&self, number: u64, exception: &'static str, message: &'static str) -> Reply {
        let logref = drawn_uuid(self.config.seed, Stream::RequestHigh, Stream::RequestLow, !number);
        Reply::Modeled { status: 400, exception: exception.into(), message: message.into(), logref, retry_after_ms: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::emulator::{Faults, Latency, Stall};
    use crate::units::{Rate, Share};

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn with(change: impl FnOnce(&mut EmulatorConfig)) -> Emulator {
        let mut config = EmulatorConfig::default();
        change(&mut config);
        Emulator::new(config)
    }

    fn some_quota(per_second: f64, burst: u32) -> Option<Quota> {
        Some(Quota::TokenBucket { rate: Rate::per_second(per_second).unwrap(), burst })
    }

    fn request(json: &str) -> CreateRequest {
        serde_json::from_str(json).unwrap()
    }

    /// Same token, same session, in its life and with other settings; another token, another session.
    #[test]
    fn tokens_lead_to_sessions() {
        let mut emulator = with(|_| ());
        let (plain, other) = (CreateRequest::default(), request(r#"{"Settings":{"AuditImagesLimit":4}}"#));
        let first = emulator.arrive(ms(0), &Call::create(&plain).with_token("a"));
        let again = emulator.arrive(ms(179_999), &Call::create(&other).with_token("a"));
        let second = emulator.arrive(ms(180_000), &Call::create(&plain).with_token("a"));
        assert_eq!((first.decided, first.created, first.spent), (Some(Outcome::Ok), true, true));
        assert_eq!((again.session_id, again.created, again.spent), (first.session_id, false, true));
        assert_ne!(again.request_id, first.request_id);
        assert_ne!(second.session_id, first.session_id);
        let tokenless: Vec<_> = (0..2).map(|_| emulator.arrive(ms(180_000), &Call::create(&plain)).session_id).collect();
        assert_ne!(tokenless[0], tokenless[1]);
    }

    /// A region is a place of its own: its tokens and its quota; session ids stay unique over all of them.
    #[test]
    fn regions_are_apart() {
        let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
        let plain = CreateRequest::default();
        let call = || Call::create(&plain).with_token("a");
        let here = emulator.arrive(ms(0), &call());
        let there = emulator.arrive(ms(0), &call().in_region("eu-west-1"));
        assert!(here.spent && there.spent && there.created);
        assert_ne!(here.session_id, there.session_id);
        assert_eq!(emulator.arrive(ms(0), &call().in_region("us-east-1")).decided, Some(Outcome::ThrottledQuota));
        let none = emulator.arrive(ms(0), &call().in_region("eu-central-1"));
        assert_eq!(none.decided, Some(Outcome::AccessDenied));
        assert_eq!(none.reply.body(), r#"{"__type":"AccessDeniedException"}"#);
    }

    /// What breaks a constraint is refused without spending quota; an `AuditImagesLimit` out of range is accepted.
    #[test]
    fn constraints() {
        let mut emulator = with(|c| c.quota = some_quota(1.0, 2));
        for broken in [r#"{"ClientRequestToken":"a b"}"#, r#"{"Settings":{"OutputConfig":{"S3Bucket":"x"}}}"#] {
            let verdict = emulator.arrive(ms(0), &Call::create(&request(broken)));
            assert_eq!((verdict.decided, verdict.spent), (Some(Outcome::InvalidParameter), false), "{broken}");
        }
        for limit in [-1, 99] {
            let clamped = request(&format!(r#"{{"Settings":{{"AuditImagesLimit":{limit}}}}}"#));
            assert_eq!(emulator.arrive(ms(0), &Call::create(&clamped)).decided, Some(Outcome::Ok));
        }
        let over = emulator.arrive(ms(0), &Call::create(&CreateRequest::default()));
        assert_eq!((over.decided, over.spent, over.session_id), (Some(Outcome::ThrottledQuota), false, None));
    }

    /// The acceptance of the issue: 40/s for 60 s on 25/s with burst 25, judged with latency and stalls in between.
    #[test]
    fn accepts_what_a_bucket_allows() {
        let mut emulator = with(|c| {
            c.quota = some_quota(25.0, 25);
            c.latency = Latency::LogNormal { median: ms(45), p99: ms(160) };
            c.stalls = vec![Stall { at: ms(10_000), length: ms(2000) }];
        });
        let plain = CreateRequest::default();
        let spent = (0..2400u64).filter(|k| emulator.arrive(ms(k * 25), &Call::create(&plain)).spent).count();
        assert_eq!(spent, 1524);
    }

    /// What is no create call is named as the front door names it, and changes nothing.
    #[test]
    fn problems() {
        let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
        let rows = [
            (Problem::Method, 405, "UnknownOperationException"),
            (Problem::Path, 404, "UnknownOperationException"),
            (Problem::Operation, 400, "UnknownOperationException"),
            (Problem::TooLarge, 413, "RequestEntityTooLargeException"),
            (Problem::TooSlow, 408, "RequestTimeoutException"),
            (Problem::Serialization("why".to_owned()), 400, "SerializationException"),
        ];
        for (problem, status, exception) in rows {
            let verdict = emulator.arrive(ms(0), &Call::problem(problem));
            let answer = verdict.answer();
            assert_eq!((answer.status, answer.exception), (Some(status), Some(Text64::cut(exception))));
            assert_eq!((verdict.name(), verdict.spent), ("unmodelled", false));
        }
        assert!(emulator.arrive(ms(0), &Call::create(&CreateRequest::default())).spent);
    }

    /// A reset before takes no effect; one after leaves the session, which the token then finds.
    #[test]
    fn resets_and_their_effects() {
        let plain = CreateRequest::default();
        let mut before = with(|c| {
            c.faults.reset_before = Share::new(1.0).unwrap();
            c.latency = Latency::Fixed(ms(50));
        });
        let lost = before.arrive(ms(7), &Call::create(&plain).with_token("a"));
        assert_eq!((lost.name(), lost.decided, lost.spent, lost.session_id), ("reset_before", None, false, None));
        assert_eq!((lost.reply_at, lost.answer().outcome), (ms(7), Outcome::ConnectionLost));

        let mut after = with(|c| {
            c.faults.reset_after = Share::new(1.0).unwrap();
            c.latency = Latency::Fixed(ms(50));
        });
        let lost = after.arrive(ms(7), &Call::create(&plain).with_token("a"));
        assert_eq!((lost.name(), lost.decided, lost.spent, lost.created), ("reset_after", Some(Outcome::Ok), true, true));
        assert_eq!((lost.reply.clone(), lost.reply_at), (Reply::Reset, ms(57)));
        let found = after.arrive(ms(60), &Call::create(&plain).with_token("a"));
        assert_eq!((found.session_id, found.created), (lost.session_id, false));
    }

    /// Each fault has its share, no call has two, and a raw answer hides what was done.
    #[test]
    #[allow(clippy::cast_precision_loss)] // a count of thousands
    fn faults_have_their_shares() {
        let share = |s| Share::new(s).unwrap();
        let raw = RawAnswer { share: share(0.2), status: 503, content_type: "text/html".to_owned(), body: "<html>".to_owned() };
        let mut emulator = with(|c| {
            c.faults = Faults { reset_before: share(0.1), reset_after: share(0.05), raw: Some(raw), ..Faults::default() }
        });
        let (plain, calls) = (CreateRequest::default(), 20_000);
        let mut counts = BTreeMap::<&str, usize>::new();
        for _ in 0..calls {
            let verdict = emulator.arrive(ms(0), &Call::create(&plain));
            *counts.entry(verdict.name()).or_default() += 1;
            if verdict.fault == Some(Fault::Of(FaultKind::Raw)) {
                assert_eq!((verdict.answer().status, verdict.created), (Some(503), true));
            }
        }
        for (name, expected) in [("reset_before", 0.1), ("reset_after", 0.05), ("raw", 0.2), ("ok", 0.65)] {
            let got = counts[name] as f64 / f64::from(calls);
            assert!((got - expected).abs() < 0.01, "{name}: {got}");
        }
    }

    /// After a restart nothing is known of what was before.
    #[test]
    fn restart_forgets() {
        let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
        let plain = CreateRequest::default();
        let first = emulator.arrive(ms(5000), &Call::create(&plain).with_token("warm"));
        emulator.restart();
        let again = emulator.arrive(ms(0), &Call::create(&plain).with_token("warm"));
        assert_eq!((again.number, again.arrived, again.spent, again.created), (0, ms(0), true, true));
        assert_eq!(again.session_id, first.session_id);
    }

    proptest! {
        /// Same seed, same arrivals: the same verdicts; and no answer before its call, none during a stall.
        #[test]
        fn deterministic(
            seed: u64,
            calls in prop::collection::vec((0u64..400, 0u8..6, any::<bool>()), 1..80),
            stall in (0u64..5000, 1u64..3000),
        ) {
            let make = || with(|c| {
                c.seed = seed;
                c.quota = some_quota(3.0, 2);
                c.latency = Latency::LogNormal { median: ms(45), p99: ms(160) };
                c.stalls = vec![Stall { at: ms(stall.0), length: ms(stall.1) }];
                c.faults.reset_before = Share::new(0.1).unwrap();
                c.faults.reset_after = Share::new(0.1).unwrap();
            });
            let (mut one, mut two) = (make(), make());
            let plain = CreateRequest::default();
            let mut now = ms(0);
            for (gap, token, sound) in calls {
                now += ms(gap);
                let call = if sound {
                    Call::create(&plain).with_token(&token.to_string())
                } else {
                    Call::problem(Problem::Operation)
                };
                let verdict = one.arrive(now, &call);
                prop_assert_eq!(&verdict, &two.arrive(now, &call));
                prop_assert!(verdict.reply_at >= verdict.arrived);
                prop_assert!(!(ms(stall.0)..ms(stall.0 + stall.1)).contains(&verdict.reply_at));
                prop_assert_eq!(verdict.spent, verdict.session_id.is_some());
            }
        }
    }
}
