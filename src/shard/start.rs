//! When all start: one decision, made once, obeyed by all.
//!
//! Every shard shows that it is there and goes on showing it. Whoever sees all of them there proposes to go, whoever has waited long enough
//! proposes to abort; the first proposal stands, since a place that holds it takes only one of its number. No shard leads. A decision of
//! an earlier run binds nobody else: it names its members by marks that no other process has, and only a member obeys it. Whom one decision binds
//! no other takes: each also names those whom earlier ones bind and who may still be there. A later attempt at a shard of a run that is alive
//! takes the place of one that is dead by a decision, too, so that no shard runs twice at once. Refuses to read a clock or a file: what is there
//! is handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Shard;

/// What must be the same for all shards of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartTerms {
    /// Of livebench.
    pub version: String,
    /// The scenario's text, as a SHA-256 in hexadecimal.
    pub scenario_sha256: String,
    /// The seed of every draw.
    pub seed: u64,
    /// How many shards there are.
    pub of: u64,
}

impl StartTerms {
    /// What differs, in words; empty if nothing does.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("version", &self.version, &other.version),
            ("scenario (SHA-256)", &self.scenario_sha256, &other.scenario_sha256),
            ("seed", &self.seed.to_string(), &other.seed.to_string()),
            ("number of shards", &self.of.to_string(), &other.of.to_string()),
        ];
        pairs.iter().filter(|(_, a, b)| a != b).map(|(what, a, b)| format!("{what}: {a} here, {b} there")).collect()
    }
}

/// A shard that shows that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its place.
    pub shard: Shard,
    /// A mark that no other process has.
    pub mark: String,
    /// What it would run.
    pub terms: StartTerms,
}

/// What all obey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartDecision {
    /// When the schedule's time 0 is, in microseconds since 1970 UTC; null is: nobody starts.
    pub start_epoch_us: Option<u64>,
    /// How long the schedule is, in microseconds.
    pub length_us: u64,
    /// What keeps the run's tokens apart from those of every other run, in hexadecimal.
    pub nonce: String,
    /// What all run.
    pub terms: StartTerms,
    /// The marks of those who were there when it was made; if they go, one of each shard, in their order.
    pub members: Vec<String>,
    /// The marks of those whom earlier decisions bind and who had not left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// Why nobody starts; null if they do.
    pub abort: Option<String>,
}

impl StartDecision {
    /// Whether this or an earlier decision binds whoever has this mark.
    pub fn takes(&self, mark: &str) -> bool {
        self.members.iter().chain(&self.others).any(|taken| taken == mark)
    }

    /// Whether the run that it starts is not over at `now`, since 1970.
    pub fn lasts(&self, now: Duration) -> bool {
        let end = self.start_epoch_us.map(|start| start.saturating_add(self.length_us));
        end.is_some_and(|end| now < Duration::from_micros(end))
    }
}

/// What a shard does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartStep {
    /// Waits for others and looks again.
    Wait,
    /// Proposes that these, one of each shard, go.
    ProposeGo(Vec<Member>),
    /// Proposes that nobody starts: who is missing.
    ProposeAbort(String),
    /// Proposes to take the place of one who is dead, in a run that is alive.
    ProposeJoin(StartDecision),
    /// Obeys the decision.
    Obey(StartDecision),
    /// Cannot take part: what differs from the others.
    Refuse(String),
    /// Cannot take part while another process runs this shard.
    Yield(Shard),
}

/// What a shard sees of the others.
#[derive(Debug, Clone, Copy)]
pub struct StartSight<'a> {
    /// Who is there: itself, and everybody whose sign was seen to change lately.
    pub there: &'a [Member],
    /// The marks of those of whom it cannot say yet whether they are.
    pub unsure: &'a [String],
    /// Whether it has waited long enough.
    pub waited: bool,
    /// Since 1970.
    pub now: Duration,
}

/// What a shard does, given what it sees and the `decisions` that bind anybody who is there, the last one first and always among them.
pub fn next_step(me: &Member, sight: StartSight<'_>, decisions: &[StartDecision]) -> StartStep {
    let bound = decisions.iter().position(|decision| decision.members.contains(&me.mark));
    let bound = bound.map(|at| obeyed(me, &decisions[at], &decisions[..at]));
    if let Some(step) = bound.or_else(|| decisions.iter().find_map(|decision| joined(me, sight, decision))) {
        return step;
    }
    let StartSight { there, unsure, waited, now } = sight;
    // A run of which it is not known whether anybody is alive may be alive.
    if decisions.iter().any(|decision| decision.lasts(now) && decision.members.iter().any(|mark| unsure.contains(mark))) {
        return StartStep::Wait;
    }
    // Whom a decision binds is there for nobody else.
    let free = || there.iter().filter(|other| decisions.iter().all(|decision| !decision.takes(&other.mark)));
    if let Some((other, differs)) = free().map(|other| (other, me.terms.differences(&other.terms))).find(|(_, d)| !d.is_empty()) {
        return StartStep::Refuse(format!("shard {} is another run's: {}", other.shard, differs.join("; ")));
    }
    // Of two attempts at one shard both may be alive; whoever has the smaller mark goes, so that all choose the same.
    let mut places: BTreeMap<u64, &Member> = BTreeMap::new();
    for member in free() {
        let first = places.entry(member.shard.index).or_insert(member);
        if member.mark < first.mark {
            *first = member;
        }
    }
    let of = me.terms.of;
    if places.len() as u64 == of {
        // Only those who go propose it, so that a process starts one run at most.
        let goes = places.values().any(|member| member.mark == me.mark);
        return if goes { StartStep::ProposeGo(places.into_values().cloned().collect()) } else { StartStep::Wait };
    }
    if waited {
        let missing = Shard::missing(of, |index| places.contains_key(&index));
        return StartStep::ProposeAbort(format!(
            "{} of {of} shards were there; missing: {}",
            places.len(),
            Shard::list(&missing)
        ));
    }
    StartStep::Wait
}

/// What a shard does that a decision binds, after which these `later` ones were made.
fn obeyed(me: &Member, decision: &StartDecision, later: &[StartDecision]) -> StartStep {
    let differs = me.terms.differences(&decision.terms);
    if !differs.is_empty() {
        return StartStep::Refuse(differs.join("; "));
    }
    // Taken for dead, as after a suspension, it has lost its place in this run.
    let is_replaced = decision.abort.is_none() && later.iter().any(|later| later.nonce == decision.nonce);
    if is_replaced { StartStep::Yield(me.shard) } else { StartStep::Obey(decision.clone()) }
}

/// What a later attempt at a shard does about a run that is seen to be alive; `None` if it is not.
fn joined(me: &Member, sight: StartSight<'_>, decision: &StartDecision) -> Option<StartStep> {
    let is_there = |mark: &String| sight.there.iter().any(|other| other.mark == *mark);
    if !decision.lasts(sight.now) || !decision.members.iter().any(is_there) {
        return None;
    }
    let differs = me.terms.differences(&decision.terms);
    if !differs.is_empty() {
        return Some(StartStep::Refuse(differs.join("; ")));
    }
    let index = usize::try_from(me.shard.index).ok()?;
    let holder = decision.members.get(index)?;
    Some(match holder {
        // Two processes with the calls of one shard would be twice its load.
        holder if is_there(holder) => StartStep::Yield(me.shard),
        holder if sight.unsure.contains(holder) => StartStep::Wait,
        _ => {
            let mut decision = decision.clone();
            decision.members[index].clone_from(&me.mark);
            StartStep::ProposeJoin(decision)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(index: u64, of: u64, mark: &str) -> Member {
        let terms = StartTerms { version: "1".to_owned(), scenario_sha256: "a".to_owned(), seed: 1, of };
        Member { shard: Shard::new(index, of).unwrap(), mark: mark.to_owned(), terms }
    }

    fn decision(members: &[&str], start_s: Option<u64>) -> StartDecision {
        StartDecision {
            start_epoch_us: start_s.map(|s| s * 1_000_000),
            length_us: 60_000_000,
            nonce: "1".to_owned(),
            terms: member(0, 2, "").terms,
            members: members.iter().map(|mark| (*mark).to_owned()).collect(),
            others: Vec::new(),
            abort: start_s.is_none().then(|| "late".to_owned()),
        }
    }

    const NOW: Duration = Duration::from_secs(1000);

    /// What `me` does who sees these for certain.
    fn step(me: &Member, there: &[Member], decisions: &[StartDecision], waited: bool) -> StartStep {
        next_step(me, StartSight { there, unsure: &[], waited, now: NOW }, decisions)
    }

    /// All there: go. Not yet: wait; too long: abort, with who is missing.
    #[test]
    fn all_or_none() {
        let (me, other) = (member(0, 2, "a"), member(1, 2, "b"));
        let step = |there: &[Member], waited| step(&me, there, &[], waited);
        assert_eq!(step(std::slice::from_ref(&me), false), StartStep::Wait);
        assert_eq!(step(&[me.clone(), other.clone()], false), StartStep::ProposeGo(vec![me.clone(), other.clone()]));
        let abort = step(std::slice::from_ref(&me), true);
        assert!(matches!(&abort, StartStep::ProposeAbort(why) if why == "1 of 2 shards were there; missing: 1/2"), "{abort:?}");
        // Two attempts at one shard are one place.
        assert_eq!(step(&[me.clone(), member(0, 2, "c")], false), StartStep::Wait);
    }

    /// A member obeys, whatever was decided; a stranger takes part only in a run that is alive, and an old decision binds nobody else.
    #[test]
    fn decisions_bind_their_own() {
        let (me, other) = (member(0, 2, "a"), member(1, 2, "b"));
        let there = [me.clone(), other];
        for old in [decision(&["x", "y"], Some(990)), decision(&["x", "y"], None)] {
            assert!(matches!(step(&me, &there, &[old], false), StartStep::ProposeGo(_)));
        }
        for bound in [decision(&["a", "b"], Some(1002)), decision(&["a"], None)] {
            assert_eq!(step(&me, &there, std::slice::from_ref(&bound), false), StartStep::Obey(bound));
        }
        // A shard that was started again while others run takes the place of the dead one.
        let (running, joined) = (decision(&["x", "b"], Some(990)), decision(&["a", "b"], Some(990)));
        assert_eq!(step(&me, &there, std::slice::from_ref(&running), true), StartStep::ProposeJoin(joined.clone()));
        // Whoever was only suspended has lost its place by then.
        let replaced = member(0, 2, "x");
        assert_eq!(step(&replaced, &there, &[joined.clone(), running.clone()], true), StartStep::Yield(me.shard));
        // Also after strangers, who saw nobody, gave up meanwhile.
        let later = StartDecision { others: running.members.clone(), ..decision(&["z"], None) };
        assert_eq!(step(&me, &there, &[later, running], true), StartStep::ProposeJoin(joined));
    }

    /// Whom a decision binds is not there for another: neither he who is about to abort, nor he whose run is about to end.
    #[test]
    fn nobody_is_taken_twice() {
        let (me, other) = (member(0, 2, "a"), member(1, 2, "b"));
        let there = [me.clone(), other];
        let later = StartDecision { others: vec!["b".to_owned()], ..decision(&["z"], None) };
        for bound in [decision(&["b"], None), decision(&["x", "b"], Some(900)), later] {
            let step = |waited| step(&me, &there, std::slice::from_ref(&bound), waited);
            assert_eq!(step(false), StartStep::Wait);
            assert!(matches!(step(true), StartStep::ProposeAbort(why) if why == "1 of 2 shards were there; missing: 1/2"));
        }
    }

    /// A shard that runs, or may run, is not run a second time beside itself: neither by another run over the same place, nor by another attempt.
    #[test]
    fn no_shard_runs_twice() {
        let (me, twin, other) = (member(0, 2, "a"), member(0, 2, "x"), member(1, 2, "b"));
        let running = [decision(&["x", "b"], Some(990))];
        let there = [me.clone(), other.clone(), twin.clone()];
        assert_eq!(step(&me, &there, &running, false), StartStep::Yield(me.shard));
        let unsure = StartSight { there: &there[..2], unsure: &["x".to_owned()], waited: true, now: NOW };
        assert_eq!(next_step(&me, unsure, &running), StartStep::Wait);
        // Nor does it take part in another run before it is known that nobody is alive.
        let nobody = StartSight { there: &there[..1], unsure: &["x".to_owned(), "b".to_owned()], ..unsure };
        assert_eq!(next_step(&me, nobody, &running), StartStep::Wait);
        assert!(matches!(next_step(&me, StartSight { unsure: &[], ..nobody }, &running), StartStep::ProposeAbort(_)));
        // Another scenario is worth a word before that; but not while the other run only ends.
        let mut changed = me;
        changed.terms.seed = 9;
        let there = [changed.clone(), other, twin];
        assert!(matches!(step(&changed, &there, &running, false), StartStep::Refuse(_)));
        assert_eq!(step(&changed, &there, &[decision(&["x", "b"], Some(900))], false), StartStep::Wait);
    }

    /// Another scenario, seed, version or count is refused, and named.
    #[test]
    fn strangers_are_refused() {
        let me = member(0, 2, "a");
        let mut other = member(1, 2, "b");
        (other.terms.seed, other.terms.version) = (9, "2".to_owned());
        assert_eq!(
            step(&me, &[me.clone(), other.clone()], &[], false),
            StartStep::Refuse("shard 1/2 is another run's: version: 1 here, 2 there; seed: 1 here, 9 there".to_owned())
        );
        let running = StartDecision { terms: other.terms.clone(), ..decision(&["b", "c"], Some(990)) };
        let refused = StartStep::Refuse("version: 1 here, 2 there; seed: 1 here, 9 there".to_owned());
        assert_eq!(step(&me, &[me.clone(), other], &[running], false), refused);
    }
}
