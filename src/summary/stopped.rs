//! Why a run did not come to its end, as a reason of its verdict.
//!
//! Refuses to say what was lost: a killed run does not know it.

use super::contract::{Counts, Reason, Severity};
use super::facts::RunFacts;
use super::stop::Stop;
use crate::client::outcome::Outcome;
use crate::service::exception::name::ACCESS_DENIED;
use crate::units::{plural, plural_was};

/// What to do about a shard whose budget an earlier attempt may have used up.
pub(super) const ANOTHER_ATTEMPT: &str = "merge the directories of all attempts; if there was no earlier one, run the whole run again, and start every process before its time 0";

/// What stopped the run; `None` if its schedule came to its end.
pub(super) fn reason(facts: &RunFacts, counts: &Counts) -> Option<Reason> {
    let late = is_counted_before(facts);
    let before = if late {
        "; calls due before this shard joined count against it, since an earlier attempt may have sent them"
    } else {
        ""
    };
    let unsent = plural_was(counts.unsent, "scheduled call");
    let of_budget = |budget: &str, remedy| {
        (
            Severity::Suspect,
            format!("stopped at {budget}: {unsent} not sent{before}"),
            if late { ANOTHER_ATTEMPT } else { remedy },
        )
    };
    let (severity, what, remedy) = match facts.stop {
        Stop::Completed => return None,
        Stop::Interrupted => (Severity::Suspect, format!("interrupted by hand: {unsent} not sent"), to_go_on(facts)),
        Stop::BudgetCalls => {
            of_budget("budget.max_calls", "raise budget.max_calls, or shorten the stages so that the schedule fits")
        }
        Stop::BudgetSpend => {
            of_budget("budget.max_spend_usd", "raise budget.max_spend_usd, or shorten the stages so that the schedule fits")
        }
        Stop::AccessDenied => (
            Severity::Invalid,
            format!("stopped at the first {}: {unsent} not sent", refusal(counts)),
            "allow rekognition:CreateFaceLivenessSession to this identity, and check that the region offers Face Liveness",
        ),
        Stop::DiskFull => (
            Severity::Invalid,
            "stopped because a file of the run could not be written".to_owned(),
            "make room, or write elsewhere with --out; what was written before stays",
        ),
        Stop::Killed => (Severity::Suspect, killed(facts, counts), to_go_on(facts)),
    };
    Some(Reason { severity, what, remedy: remedy.to_owned() })
}

/// What is lost where a process ended without a word.
fn killed(facts: &RunFacts, counts: &Counts) -> String {
    if facts.merged.is_some() {
        let lost = "calls in flight, its last second, the CPU of its harness and why it ended are unknown";
        return format!("a shard was killed, or could not write any more: its {lost}");
    }
    format!(
        "the run was killed, or could not write any more; rebuilt from the {} on disk: the calls in flight, the last second, the harness's \
         CPU and why it ended are unknown",
        plural(counts.ended, "call")
    )
}

/// What to do about a run that did not come to its end. The time of a shard is that of the others, so nothing resumes it.
const fn to_go_on(facts: &RunFacts) -> &'static str {
    if facts.merged.is_some() {
        "run the whole run again; what is here holds for what was sent"
    } else if facts.of_shards {
        "start the shard again while the others run, and merge both of its directories; or run the whole run again"
    } else {
        "livebench resume continues it, or run it again; what is here holds for the time that it ran"
    }
}

/// Whether the budget of a shard was spent in part by calls that an earlier attempt may have sent.
pub(super) fn is_counted_before(facts: &RunFacts) -> bool {
    let is_single = facts.of_shards && facts.merged.is_none();
    is_single && facts.joined_us.is_some() && matches!(facts.stop, Stop::BudgetCalls | Stop::BudgetSpend)
}

/// What refused the caller.
fn refusal(counts: &Counts) -> &'static str {
    let denied = counts.by_outcome.get(&Outcome::AccessDenied).is_some_and(|n| *n > 0);
    if denied { ACCESS_DENIED } else { "answer that refuses key, signature or token" }
}
