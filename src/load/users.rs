//! The third driver: users who come, get a session, stream it, ask for the result, try again and give up. Virtual time alone.
//!
//! A visit is a future; the driver owns them all, so that nothing outlives it. Creates are made by a patient client: it retries as an SDK
//! does, with a retry quota of its own for each process, and its attempts are counted apart. Without retries and streams it makes the same
//! calls at the same instants as the open driver. Refuses to run in real time, where nobody has that many cameras.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream as _};

use super::call_plan::fresh_token;
use super::pacer::{Pacer, Until};
use super::virtual_time::run_virtual;
use crate::client::outcome::{Class, Outcome};
use crate::client::{Ask, StreamAnswer, VisitClient};
use crate::num::whole;
use crate::plan::keys::{Jitter, TokenHabit};
use crate::plan::launch::{Journey, LaunchTally};
use crate::schedule::Schedule;
use crate::stats::draw::{self, Stream};
use crate::stats::retry::{RETRY_COST, RETRY_TOKENS};
use crate::units::Text64;

/// Draws of one user at most, after which they begin again: none makes a tenth of it.
// derived: twenty tries of twenty attempts, each with a pause, a length and a few shares
const DRAWS: u64 = 4096;

/// A launch of users in virtual time, on the client that `connect` makes for its clock. `None` when all of it waits for something that is not
/// in the clock's queue, which would be for ever.
pub fn simulate_users<C: VisitClient>(
    schedule: &Schedule,
    journey: &Journey,
    connect: impl FnOnce(&Pacer) -> C,
) -> Option<LaunchTally> {
    let pacer = Pacer::virtual_time();
    let client = connect(&pacer);
    let clients = usize::try_from(journey.processes.max(1)).unwrap_or(1);
    let launch = Launch {
        client: &client,
        pacer: &pacer,
        journey,
        tally: RefCell::new(LaunchTally::default()),
        retry_tokens: RefCell::new(vec![RETRY_TOKENS; clients]),
        requests: Cell::new(0),
        let_in: Cell::new(Duration::ZERO),
    };
    run_virtual(&pacer, drive_users(schedule, &launch))?;
    Some(launch.tally.into_inner())
}

/// Lets the users of a schedule come, and returns when the last has gone.
async fn drive_users<C: VisitClient>(schedule: &Schedule, launch: &Launch<'_, C>) {
    let mut dues = (0u64..).zip(schedule);
    let next = dues.next();
    let alarm = launch.pacer.until(next.map_or(Duration::ZERO, |(_, due)| due));
    let mut driver = UsersDriver {
        dues,
        next,
        alarm,
        visits: FuturesUnordered::new(),
        visit: |n, due| launch.visit(n, due),
        pacer: launch.pacer,
    };
    poll_fn(|cx| driver.poll(cx)).await;
}

struct UsersDriver<'a, D, V, F> {
    dues: D,
    /// The next user, and when.
    next: Option<(u64, Duration)>,
    alarm: Until,
    visits: FuturesUnordered<V>,
    visit: F,
    pacer: &'a Pacer,
}

impl<D, V, F> UsersDriver<'_, D, V, F>
where
    D: Iterator<Item = (u64, Duration)>,
    V: Future<Output = ()>,
    F: Fn(u64, Duration) -> V,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut moved = false;
            if let Some((n, due)) = self.next
                && self.alarm.poll_now(cx).is_ready()
            {
                self.visits.push((self.visit)(n, due));
                self.next = self.dues.next();
                if let Some((_, due)) = self.next {
                    self.alarm = self.pacer.until(due);
                }
                moved = true;
            }
            moved |= matches!(Pin::new(&mut self.visits).poll_next(cx), Poll::Ready(Some(())));
            if self.next.is_none() && self.visits.is_empty() {
                return Poll::Ready(());
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }
}

/// What all visits share.
struct Launch<'a, C> {
    client: &'a C,
    pacer: &'a Pacer,
    journey: &'a Journey,
    tally: RefCell<LaunchTally>,
    /// What is left of each process's retry quota.
    retry_tokens: RefCell<Vec<f64>>,
    /// Requests so far, which name tokens.
    requests: Cell<u64>,
    /// When the waiting room lets the next one in.
    let_in: Cell<Duration>,
}

/// The draws of one user, in order.
struct Draws {
    seed: u64,
    next: u64,
}

impl Draws {
    fn unit(&mut self) -> f64 {
        self.next += 1;
        draw::unit(self.seed, Stream::User, self.next)
    }

    fn between(&mut self, ends: (Duration, Duration)) -> Duration {
        ends.0 + ends.1.saturating_sub(ends.0).mul_f64(self.unit())
    }

    /// A log-normal number of this mean.
    fn log_normal(&mut self, mean: f64, sigma: f64) -> f64 {
        self.next += 1;
        let z = draw::normal(self.seed, Stream::User, self.next);
        // derived: a log-normal law of median m has the mean m e^(s^2 / 2)
        mean * (sigma * z - sigma * sigma / 2.0).exp()
    }
}

impl<C: VisitClient> Launch<'_, C> {
    /// One user, from arrival to success or giving up.
    async fn visit(&self, n: u64, due: Duration) {
        let journey = self.journey;
        self.tally.borrow_mut().users += 1;
        self.enter(due).await;
        // Every user has a stretch of the draws.
        let mut draws = Draws { seed: journey.seed, next: n.wrapping_mul(DRAWS) };
        let (mut tries, mut checks, mut has_waited, mut has_seen) = (0, 0, false, false);
        loop {
            let session = self.create(n, &mut draws).await;
            if session.is_some() && !has_waited {
                has_waited = true;
                self.tally.borrow_mut().waited(self.pacer.now().saturating_sub(due));
            }
            let streamed = match session {
                Some(_) if !journey.streams => break self.tally.borrow_mut().users_verified += 1,
                Some(session) => self.stream(session, &mut draws).await,
                None => None,
            };
            let pause = match streamed {
                Some(true) => break self.tally.borrow_mut().users_verified += 1,
                Some(false) => {
                    checks += 1;
                    if checks >= journey.checks_at_most || draws.unit() >= journey.repeat {
                        break;
                    }
                    journey.repeat_after
                }
                None => {
                    self.tally.borrow_mut().users_with_error += u64::from(!has_seen);
                    has_seen = true;
                    tries += 1;
                    if tries >= journey.tries_at_most || draws.unit() >= journey.again {
                        break;
                    }
                    journey.again_after
                }
            };
            self.pacer.until(self.pacer.now() + draws.between(pause)).await;
        }
    }

    /// Waits to be let in, if there is a waiting room.
    async fn enter(&self, due: Duration) {
        let Some(pace) = self.journey.pace.filter(|pace| *pace > 0.0) else { return };
        let at = self.let_in.get().max(due);
        self.let_in.set(at + Duration::from_secs_f64(1.0 / pace));
        if at > due {
            self.tally.borrow_mut().waits(due, true);
            self.pacer.until(at).await;
            self.tally.borrow_mut().waits(at, false);
        }
    }

    /// A session, by as many attempts as the client makes.
    async fn create(&self, n: u64, draws: &mut Draws) -> Option<Text64> {
        let journey = self.journey;
        let mut token = self.token();
        self.tally.borrow_mut().creates += 1;
        for attempt in 0..journey.attempts.max(1) {
            if attempt > 0 {
                let longest = journey.backoff.longest(attempt - 1);
                let pause = if journey.jitter == Jitter::Full { longest * draws.unit() } else { longest };
                self.pacer.until(self.pacer.now() + Duration::from_secs_f64(pause)).await;
                token = if journey.token == TokenHabit::Fresh { self.token() } else { token };
            }
            let sent = self.pacer.now();
            let answer = self.client.call(Ask { request: 0, token }).await;
            self.count(sent, answer.outcome);
            if answer.outcome == Outcome::Ok {
                self.refund(n, attempt > 0);
                return answer.session_id;
            }
            if attempt + 1 == journey.attempts.max(1) || !self.may_retry(n) {
                break;
            }
        }
        self.tally.borrow_mut().creates_failed += 1;
        None
    }

    fn token(&self) -> Option<Text64> {
        let request = self.requests.get();
        self.requests.set(request + 1);
        (self.journey.token != TokenHabit::None).then(|| fresh_token(0, self.journey.seed, request))
    }

    fn count(&self, sent: Duration, outcome: Outcome) {
        let mut tally = self.tally.borrow_mut();
        tally.creates_sent += 1;
        let (admitted, refused) = (outcome == Outcome::Ok, outcome.class() == Class::Throttled);
        tally.creates_ok += u64::from(admitted);
        tally.creates_refused += u64::from(refused);
        tally.creates_lost += u64::from(!admitted && !refused);
        let second = tally.at(sent);
        second.offered += 1;
        second.admitted += u64::from(admitted);
        second.refused += u64::from(refused);
    }

    /// Takes a retry from the quota of the user's process, if it has one left.
    fn may_retry(&self, n: u64) -> bool {
        let mut tokens = self.retry_tokens.borrow_mut();
        let left = &mut tokens[Self::process(n, self.journey)];
        let may = *left >= RETRY_COST;
        *left -= if may { RETRY_COST } else { 0.0 };
        may
    }

    fn refund(&self, n: u64, retried: bool) {
        let mut tokens = self.retry_tokens.borrow_mut();
        let left = &mut tokens[Self::process(n, self.journey)];
        *left = (*left + if retried { RETRY_COST } else { 1.0 }).min(RETRY_TOKENS);
    }

    fn process(n: u64, journey: &Journey) -> usize {
        usize::try_from(n % u64::from(journey.processes.max(1))).unwrap_or(0)
    }

    /// Gets ready, streams and asks for the result: whether the check succeeded; `None` if the stream was refused.
    async fn stream(&self, session: Text64, draws: &mut Draws) -> Option<bool> {
        let journey = self.journey;
        self.pacer.until(self.pacer.now() + draws.between(journey.ready)).await;
        let length = Duration::try_from_secs_f64(draws.log_normal(journey.session_s, journey.session_sigma)).unwrap_or_default();
        let succeeds = draws.unit() >= journey.fail;
        let now = self.pacer.now();
        let answer = self.client.stream(session, length, succeeds);
        {
            let mut tally = self.tally.borrow_mut();
            tally.starts += 1;
            tally.starts_too_fast += u64::from(answer == StreamAnswer::TooFast);
            tally.starts_too_many += u64::from(answer == StreamAnswer::TooMany);
            tally.starts_gone += u64::from(answer == StreamAnswer::NoSession);
            if answer != StreamAnswer::Streams {
                tally.at(now).refused += 1;
                return None;
            }
            tally.streams(now, true);
        }
        self.pacer.until(now + length).await;
        self.tally.borrow_mut().streams(now + length, false);
        self.results(session, draws).await;
        Some(succeeds)
    }

    /// Asks for the result as often as the plan says; a part of a call is a chance of one.
    async fn results(&self, session: Text64, draws: &mut Draws) {
        let gets = self.journey.gets_per_check;
        let chance = if gets.fract() > 0.0 { u64::from(draws.unit() < gets.fract()) } else { 0 };
        for n in 0..whole(gets) + chance {
            if n > 0 {
                // A client that polls does so once a second.
                self.pacer.until(self.pacer.now() + Duration::from_secs(1)).await;
            }
            let refused = self.client.results(session).await.outcome.class() == Class::Throttled;
            let mut tally = self.tally.borrow_mut();
            tally.gets += 1;
            tally.gets_refused += u64::from(refused);
        }
    }
}
