//! Which part of a run this process makes, and when it starts: for `run`, `check` and `shard`.

use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::connect;
use super::watch::Interrupts;
use super::{Error, Exit, could_not_run, not_trusted, talk};
use crate::cli::PartArgs;
use crate::load::{self, LoadSession, Part, StartInstant};
use crate::results::{Barrier, BarrierClocks, BarrierError, BarrierPlace, ManifestShard, StartProposal, WaitingProcess};
use crate::scenario::Scenario;
use crate::shard::{Member, Shard, ShardIdentity, StartDecision, StartTerms, identify};
use crate::summary::ShardClock;
use crate::units::human;

/// Which shard this process is, by its option, variables and engine.
pub(super) fn identity(typed: Option<Shard>) -> Result<ShardIdentity, Error> {
    identify(typed, |name| std::env::var(name).ok()).map_err(could_not_run)
}

/// What one process makes of a run.
#[derive(Debug)]
pub(super) struct RunPart {
    identity: ShardIdentity,
    part: Part,
    terms: StartTerms,
}

/// When a run starts, and what all its shards have in common.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// The schedule's time 0, since 1970; `None` is as soon as the threads are ready.
    at: Option<Duration>,
    nonce: Option<u64>,
    /// How long after time 0 it was known to a shard, if it came too late.
    pub(super) late: Option<Duration>,
    /// What all obey, where there was something to decide.
    pub(super) decision: Option<StartDecision>,
    /// Shows the other shards that this one is alive, as long as it runs.
    _barrier: Option<Barrier>,
}

impl Begun {
    /// What keeps the run's tokens apart from those of every other run.
    pub(super) fn nonce(&self) -> u64 {
        self.nonce.unwrap_or_else(connect::nonce)
    }

    /// The schedule's time 0, since 1970.
    pub(super) fn since_epoch(&self) -> Duration {
        self.at.unwrap_or_else(now)
    }

    /// The same on this machine's own clock; `None` is as soon as the threads are ready.
    pub(super) fn instant(&self) -> Option<StartInstant> {
        let (at, now) = (self.at?, now());
        Some(match at.checked_sub(now) {
            Some(ahead) => crate::load::Pacer::starting_in(ahead),
            None => crate::load::Pacer::started(now.saturating_sub(at)),
        })
    }
}

/// What `--barrier` names. Nothing is asked.
fn barrier(args: &PartArgs) -> Result<Option<BarrierPlace>, Error> {
    args.barrier.as_deref().map(BarrierPlace::new).transpose().map_err(could_not_run)
}

/// Whether shards can meet where `--barrier` says, and may: a place beyond this machine needs `--yes`, as everything at AWS does.
pub(super) fn guard(args: &PartArgs, yes: bool) -> Result<(), Error> {
    let Some(place) = barrier(args)? else { return Ok(()) };
    match place.far().filter(|_| !yes) {
        None => Ok(()),
        Some(endpoint) => Err(could_not_run(format!(
            "--barrier {place} sends requests to {endpoint} and gets credentials for it, so nothing was sent. It needs --yes on the command line"
        ))),
    }
}

/// This process, while it waits for the other shards: for as long as somebody holds the other end.
struct Meeting {
    ended: Receiver<()>,
}

impl WaitingProcess for Meeting {
    fn clocks(&self) -> BarrierClocks {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BarrierClocks { since_epoch: now(), steady: BEGUN.elapsed() }
    }

    fn pause(&self, time: Duration) -> bool {
        self.ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }

    fn miss(&self, missing: &[Shard]) {
        let of = missing.first().map_or(0, |shard| shard.of);
        talk(&format!("barrier  {} of {of} shards have arrived; missing: {}", of - missing.len() as u64, Shard::list(missing)));
    }
}

/// Now, since 1970.
pub(super) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl RunPart {
    /// The part of `scenario`, whose text is `text`, that is this process's.
    pub(super) fn new(scenario: &Scenario, text: &str, identity: ShardIdentity) -> Result<Self, Error> {
        let shard = identity.shard;
        if let (true, Some(rate)) = (shard.is_part(), scenario.load.max_rate) {
            return Err(could_not_run(format!(
                "`max_rate` ({rate}) is one limiter over everything that is sent, and {} machines cannot share one; delete it, and let the stages set the rate",
                shard.of
            )));
        }
        let terms = StartTerms {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario_sha256: crate::sigv4::sha256_hex(text.as_bytes()),
            seed: scenario.seed,
            of: shard.of,
        };
        Ok(Self { part: Part::new(scenario, shard), identity, terms })
    }

    /// The whole run, for who knows no shards.
    pub(super) fn whole(scenario: &Scenario) -> Self {
        let identity = ShardIdentity { shard: Shard::WHOLE, source: None, run: None, attempt: 0, group: None };
        let terms = StartTerms { version: String::new(), scenario_sha256: String::new(), seed: scenario.seed, of: 1 };
        Self { part: Part::new(scenario, Shard::WHOLE), identity, terms }
    }

    /// Its calls and bounds.
    pub(super) const fn part(&self) -> &Part {
        &self.part
    }

    /// For the manifest of a process that joined the schedule so late, or in time; `None` for the whole run.
    pub(super) fn in_manifest(&self, late: Option<Duration>) -> Option<ManifestShard> {
        let ShardIdentity { shard, attempt, group, .. } = &self.identity;
        shard.is_part().then(|| ManifestShard::single(*shard, *attempt, group.clone(), late))
    }

    /// Waits until it is known when all start. A run of several shards needs a start in common.
    pub(super) async fn begin(&self, args: &PartArgs, length: Duration, interrupts: &mut Interrupts) -> Result<Begun, Error> {
        let shard = self.identity.shard;
        if let Some(source) = self.identity.source {
            talk(&format!("shard    {shard}, as {source} says"));
        }
        let begun = match (barrier(args)?, args.start_at) {
            (Some(place), _) => self.meet(place, args.barrier_timeout, length, interrupts).await?,
            (None, Some(at)) => Begun { at: Some(at), nonce: Some(self.common_nonce(at)), ..Begun::default() },
            (None, None) if shard.is_part() => {
                return Err(could_not_run(format!(
                    "{} shards need a start in common: --barrier DIR, a folder that all of them see, or --start-at TIME",
                    shard.of
                )));
            }
            (None, None) => return Ok(Begun::default()),
        };
        if begun.since_epoch() + length <= now() {
            return Err(not_trusted(
                "the time of this run is over, and nothing was sent; start all shards together, or give a later --start-at",
            ));
        }
        // Who was there before time 0 follows nobody who has sent anything.
        let late = begun.instant().and_then(LoadSession::late).filter(|_| shard.is_part());
        Ok(Begun { late, ..begun })
    }

    /// Meets the other shards.
    async fn meet(
        &self,
        place: BarrierPlace,
        patience: Duration,
        length: Duration,
        interrupts: &mut Interrupts,
    ) -> Result<Begun, Error> {
        let mark = format!("{:016x}", connect::nonce());
        let me = Member { shard: self.identity.shard, mark: mark.clone(), terms: self.terms.clone() };
        talk(&format!("barrier  {place} for {} shards, up to {} s", self.terms.of, patience.as_secs()));
        let proposal = StartProposal { length, nonce: mark, patience };
        let ((hold, ended), run) = (channel(), self.identity.run.clone());
        let meeting = tokio::task::spawn_blocking(move || {
            let barrier = Barrier::enter(&place, run.as_deref(), me)?;
            let decision = barrier.decision(&proposal, &Meeting { ended })?;
            Ok((barrier, decision))
        });
        let interrupted = || Error::Interrupted(Box::new(BarrierError::Interrupted));
        // A decision that came at the same time binds this shard no more than one who was killed.
        let met = interrupts.wait_for(meeting, hold).await.ok_or_else(interrupted)?.map_err(could_not_run)?;
        let (barrier, decision) = met.map_err(|error| match error {
            BarrierError::Aborted(_) => Error::Aborted(Box::new(error)),
            _ => could_not_run(error),
        })?;
        let at = decision.start_epoch_us.map(Duration::from_micros);
        let nonce = u64::from_str_radix(&decision.nonce, 16).ok();
        Ok(Begun { at, nonce, late: None, decision: Some(decision), _barrier: Some(barrier) })
    }

    /// What all shards that start at `at` with the same terms have in common, and no other run has.
    fn common_nonce(&self, at: Duration) -> u64 {
        let StartTerms { version, scenario_sha256, seed, of } = &self.terms;
        let text = format!("{version} {scenario_sha256} {seed} {of} {}", at.as_micros());
        u64::from_str_radix(&crate::sigv4::sha256_hex(text.as_bytes())[..16], 16).unwrap_or(*seed)
    }
}

/// `livebench shard`: what was found.
pub(super) fn shard(args: &crate::cli::ShardArgs) -> Result<Exit, Error> {
    use std::io::Write as _;
    let found = identity(args.shard)?;
    let ShardIdentity { shard, source, run, attempt, group } = &found;
    let said = source.unwrap_or("nobody: the whole run");
    let clock_error_us = load::clock_error_us();
    let clock = clock_error_us.map_or_else(|| "-".to_owned(), clock);
    let word = |word: &Option<String>, none: &str| word.clone().unwrap_or_else(|| none.to_owned());
    let mut out = anstream::stdout().lock();
    let written = match args.output {
        crate::cli::Output::Json => {
            let value = serde_json::json!({ "shard": shard.to_string(), "index": shard.index, "of": shard.of, "source": source, "run": run, "attempt": attempt, "group": group, "wall_clock_error_us": clock_error_us });
            writeln!(out, "{value}")
        }
        crate::cli::Output::Markdown => writeln!(
            out,
            "| shard | said by | run | attempt | group | clock |\n|---|---|---|---:|---|---|\n| {shard} | {said} | {} | {attempt} | {} | {clock} |",
            word(run, ""),
            word(group, "")
        ),
        crate::cli::Output::Text => writeln!(
            out,
            "shard    {shard}\nsaid by  {said}\nrun      {}\nattempt  {attempt}\ngroup    {}\nclock    {clock}",
            word(run, "-"),
            word(group, "-")
        ),
    };
    super::written(written.and_then(|()| out.flush()))?;
    Ok(Exit::Good)
}

/// What the system says of its clock, which may be off by `error_us`.
fn clock(error_us: u64) -> String {
    if error_us >= ShardClock::UNSYNCHRONIZED_US {
        return "nothing synchronizes it, says the system".to_owned();
    }
    format!("right within {}, says the system", human(Duration::from_micros(error_us)))
}
