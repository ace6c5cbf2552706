//! When all start: one decision, made once, obeyed by all.
//!
//! Every shard shows that it is there and goes on showing it. Whoever sees all of them there proposes to go, whoever has waited long enough
//! proposes to abort; the first proposal stands, since a place that holds it takes only one of its number. No shard leads. A decision of
//! an earlier run binds nobody: it names its members by marks that no other process has, and only a member, or a later attempt at a shard
//! of a run that is seen to be alive, obeys it. Refuses to read a clock or a file: what is there is handed in.

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
    /// Who was there when it was made: the marks of all.
    pub members: Vec<String>,
    /// Why nobody starts; null if they do.
    pub abort: Option<String>,
}

impl StartDecision {
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
    /// Obeys the decision.
    Obey(StartDecision),
    /// Cannot take part: what differs from the others.
    Refuse(String),
}

/// What a shard does, given who is `there` (itself included, nobody whose sign is old), the `latest` decision, and whether it has
/// `waited` long enough. `now` is since 1970.
pub fn next_step(me: &Member, there: &[Member], latest: Option<&StartDecision>, waited: bool, now: Duration) -> StartStep {
    if let Some(decision) = latest {
        let member = decision.members.contains(&me.mark);
        let alive =
            decision.lasts(now) && there.iter().any(|other| other.mark != me.mark && decision.members.contains(&other.mark));
        if member || alive {
            let differs = decision.terms.differences(&me.terms);
            return if differs.is_empty() { StartStep::Obey(decision.clone()) } else { StartStep::Refuse(differs.join("; ")) };
        }
    }
    if let Some((other, differs)) =
        there.iter().map(|other| (other, me.terms.differences(&other.terms))).find(|(_, d)| !d.is_empty())
    {
        return StartStep::Refuse(format!("shard {} is another run's: {}", other.shard, differs.join("; ")));
    }
    // Of two attempts at one shard both may be alive; whoever has the smaller mark goes, so that all choose the same.
    let mut places: BTreeMap<u64, &Member> = BTreeMap::new();
    for member in there {
        let first = places.entry(member.shard.index).or_insert(member);
        if member.mark < first.mark {
            *first = member;
        }
    }
    let of = me.terms.of;
    if places.len() as u64 == of {
        return StartStep::ProposeGo(places.into_values().cloned().collect());
    }
    if waited {
        let missing: Vec<String> =
            (0..of).filter(|index| !places.contains_key(index)).map(|index| format!("{index}/{of}")).take(10).collect();
        return StartStep::ProposeAbort(format!("{} of {of} shards were there; missing: {}", places.len(), missing.join(", ")));
    }
    StartStep::Wait
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
            abort: start_s.is_none().then(|| "late".to_owned()),
        }
    }

    const NOW: Duration = Duration::from_secs(1000);

    /// All there: go. Not yet: wait; too long: abort, with who is missing.
    #[test]
    fn all_or_none() {
        let (me, other) = (member(0, 2, "a"), member(1, 2, "b"));
        let step = |there: &[Member], waited| next_step(&me, there, None, waited, NOW);
        assert_eq!(step(std::slice::from_ref(&me), false), StartStep::Wait);
        assert_eq!(step(&[me.clone(), other.clone()], false), StartStep::ProposeGo(vec![me.clone(), other.clone()]));
        let abort = step(std::slice::from_ref(&me), true);
        assert!(matches!(&abort, StartStep::ProposeAbort(why) if why == "1 of 2 shards were there; missing: 1/2"), "{abort:?}");
        // Two attempts at one shard are one place.
        assert_eq!(step(&[me.clone(), member(0, 2, "c")], false), StartStep::Wait);
    }

    /// A member obeys, whatever was decided; a stranger obeys only a run that is alive, and an old decision binds nobody.
    #[test]
    fn decisions_bind_their_own() {
        let (me, other) = (member(0, 2, "a"), member(1, 2, "b"));
        let there = [me.clone(), other];
        for old in [decision(&["x", "y"], Some(990)), decision(&["x", "y"], None), decision(&["x", "b"], Some(900))] {
            assert!(matches!(next_step(&me, &there, Some(&old), false, NOW), StartStep::ProposeGo(_)), "{old:?}");
        }
        for bound in [decision(&["a", "b"], Some(1002)), decision(&["a"], None), decision(&["x", "b"], Some(990))] {
            assert_eq!(next_step(&me, &there, Some(&bound), false, NOW), StartStep::Obey(bound.clone()));
        }
        // A shard that was started again while others run joins them.
        let running = decision(&["x", "b"], Some(990));
        assert!(matches!(next_step(&me, &there, Some(&running), true, NOW), StartStep::Obey(_)));
    }

    /// Another scenario, seed, version or count is refused, and named.
    #[test]
    fn strangers_are_refused() {
        let me = member(0, 2, "a");
        let mut other = member(1, 2, "b");
        (other.terms.seed, other.terms.version) = (9, "2".to_owned());
        let step = next_step(&me, &[me.clone(), other.clone()], None, false, NOW);
        assert_eq!(
            step,
            StartStep::Refuse("shard 1/2 is another run's: version: 1 here, 2 there; seed: 1 here, 9 there".to_owned())
        );
        let running = StartDecision { terms: other.terms.clone(), ..decision(&["b", "c"], Some(990)) };
        assert!(matches!(next_step(&me, &[me.clone(), other], Some(&running), false, NOW), StartStep::Refuse(_)));
    }
}
