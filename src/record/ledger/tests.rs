use std::time::Duration;

use proptest::prelude::*;

use super::online::Ledger;
use super::*;
use crate::record::sample::testing::{sample, samples, session};
use crate::units::Text64;

const TTL_US: u64 = 180_000_000;

/// A call with token "t" at `sent_s`, answered a second later with session number `number`.
fn call(seq: u64, role: Role, sent_s: u64, number: Option<u64>) -> Sample {
    let outcome = if number.is_some() { Outcome::Ok } else { Outcome::ReadTimeout };
    let mut made = sample(seq, outcome, sent_s * 1000, 0, 1000);
    made.role = role;
    made.token = Some(Text64::cut("t"));
    made.answer.session_id = number.map(session);
    made
}

fn row(report: &LedgerReport, role: Role) -> RoleRow {
    report.rows().find(|(r, _)| *r == role).map(|(_, row)| row.clone()).unwrap_or_default()
}

fn online(list: &[Sample], ttl: Duration, window: Duration, cap: usize) -> Ledger {
    let mut entries: Vec<LedgerEntry> = list.iter().filter_map(LedgerEntry::of).collect();
    entries.sort_by(LedgerEntry::by_end);
    let mut ledger = Ledger::bounded(ttl, window, cap);
    for entry in &entries {
        ledger.observe(entry);
    }
    ledger
}

/// A repetition within the session's life must get the same session; another one is a finding with all its evidence.
#[test]
fn a_second_session_is_found() {
    let report = whole(
        &[call(0, Role::Fresh, 0, Some(1)), call(1, Role::Replay, 10, Some(2)), call(2, Role::Replay, 20, Some(1))],
        TTL_US,
    );
    assert_eq!(report.violations, 1);
    let finding = report.findings().next().unwrap();
    assert_eq!(finding.kind, FindingKind::TokenWithTwoSessions);
    assert_eq!((finding.first.seq, finding.second.seq), (0, 1));
    assert_eq!((finding.first.sent_us, finding.second.done_us), (0, 11_000_000));
    assert_eq!(finding.second.request_id, Some(Id::of("request-1")));
    let replay = row(&report, Role::Replay);
    assert_eq!((replay.repeats, replay.same_session, replay.new_session, replay.violations), (2, 1, 1, 1));
}

/// After the session's life both answers are behaviour, not faults; a new session is what later repetitions must agree with.
#[test]
fn expiry_is_observed() {
    let mut calls =
        vec![call(0, Role::Fresh, 0, Some(1)), call(1, Role::Expired, 181, Some(1)), call(2, Role::Expired, 200, Some(2))];
    let report = whole(&calls, TTL_US);
    let expired = row(&report, Role::Expired);
    assert_eq!((report.violations, expired.expired_same, expired.expired_new, expired.ambiguous), (0, 1, 1, 0));
    calls.push(call(3, Role::Replay, 210, Some(1)));
    assert_eq!(whole(&calls, TTL_US).violations, 1);
}

/// Between certainly young and certainly old nothing is judged: sent 179 s after the answer, ended 181 s after the first was sent.
#[test]
fn the_edge_is_not_judged() {
    let report = whole(&[call(0, Role::Fresh, 0, Some(1)), call(1, Role::Replay, 180, Some(2))], TTL_US);
    assert_eq!((report.violations, row(&report, Role::Replay).ambiguous), (0, 1));
}

/// A first attempt whose answer was lost may have made the session: the session's age counts from there, so that a service that
/// let it expire is not accused.
#[test]
fn a_lost_answer_may_have_made_the_session() {
    let calls = [call(0, Role::Fresh, 0, None), call(1, Role::AfterLoss, 170, Some(1)), call(2, Role::Replay, 185, Some(2))];
    let report = whole(&calls, TTL_US);
    assert_eq!((report.violations, row(&report, Role::Replay).ambiguous), (0, 1));
    assert_eq!(row(&report, Role::AfterLoss).first_session, 1);
}

/// Twins have no order: whichever is answered first, the pair is counted under the race and must agree.
#[test]
fn races_have_no_order() {
    for (first, second) in [(Role::Fresh, Role::Race), (Role::Race, Role::Fresh)] {
        for (number, violations) in [(1, 0), (2, 1)] {
            let report = whole(&[call(0, first, 0, Some(1)), call(1, second, 0, Some(number))], TTL_US);
            let race = row(&report, Role::Race);
            assert_eq!((report.violations, race.violations), (violations, violations));
            assert_eq!((race.repeats, race.same_session + race.new_session, race.first_session), (1, 1, 0));
        }
    }
}

/// Other settings are never judged and never become what others must agree with.
#[test]
fn a_mismatch_is_observed() {
    let report = whole(
        &[call(0, Role::Fresh, 0, Some(1)), call(1, Role::Mismatch, 5, Some(2)), call(2, Role::Replay, 9, Some(1))],
        TTL_US,
    );
    assert_eq!((report.violations, row(&report, Role::Mismatch).new_session, row(&report, Role::Replay).same_session), (0, 1, 1));
    let mut refused = call(1, Role::Mismatch, 5, None);
    refused.answer.outcome = Outcome::Unmodelled;
    refused.answer.exception = Some(Text64::cut("IdempotentParameterMismatchException"));
    let report = whole(&[call(0, Role::Fresh, 0, Some(1)), refused], TTL_US);
    let mismatch = row(&report, Role::Mismatch);
    assert_eq!(mismatch.refused.get(&Outcome::Unmodelled), Some(&1));
    assert_eq!(mismatch.exceptions.by_name.get("IdempotentParameterMismatchException"), Some(&1));
}

/// One session under two tokens, and one in two calls without a token, are the second kind of violation, whatever their distance.
#[test]
fn a_shared_session_is_found() {
    let mut other = call(1, Role::Fresh, 4000, Some(1));
    other.token = Some(Text64::cut("u"));
    let report = whole(&[call(0, Role::Fresh, 0, Some(1)), other], TTL_US);
    assert_eq!(report.findings().next().unwrap().kind, FindingKind::SessionWithTwoTokens);
    assert_eq!(report.distinct_sessions, 1);
    let mut bare = [call(0, Role::Tokenless, 0, Some(1)), call(1, Role::Tokenless, 1, Some(1))];
    for call in &mut bare {
        call.token = None;
    }
    assert_eq!(whole(&bare, TTL_US).findings().next().unwrap().kind, FindingKind::SessionWithoutTokens);
}

/// The oldest are forgotten when the cap is reached, and the window that was really held is said.
#[test]
fn the_cap_is_said() {
    let list: Vec<Sample> = (0..30).map(|n| sample(n, Outcome::Ok, n * 1000, 0, 10)).collect();
    let ledger = online(&list, Duration::from_micros(TTL_US), Duration::from_secs(200), 10);
    assert!(!ledger.is_whole());
    assert!(ledger.remembered() <= 10);
    assert_eq!(ledger.into_report().window, Window::WithinUs(10_000_000));
}

/// The plainest reading of the promise, in quadratic time: all pairs of answers of one token that certainly fell into one session's
/// life, for runs shorter than that life and without lost answers.
fn naive_violations(list: &[Sample]) -> u64 {
    let mut ok: Vec<LedgerEntry> = list.iter().filter_map(LedgerEntry::of).filter(|e| e.session.is_some()).collect();
    ok.sort_by(LedgerEntry::by_end);
    let mut count = 0;
    for (i, entry) in ok.iter().enumerate() {
        let anchor = ok[..i].iter().find(|e| e.token.is_some() && e.token == entry.token && e.role != Role::Mismatch);
        let judged = entry.role != Role::Mismatch && anchor.is_some_and(|a| entry.role != Role::Fixed || a.mix == entry.mix);
        count += u64::from(judged && anchor.is_some_and(|a| a.session != entry.session));
        let holder = ok[..i].iter().find(|e| e.session == entry.session);
        count += u64::from(holder.is_some_and(|h| h.token.is_none() || h.token != entry.token));
    }
    count
}

proptest! {
    /// Within its window the online ledger says exactly what the whole list says, whatever the order of arrival at the list,
    /// and both say what the naive reading says.
    #[test]
    fn online_equals_whole(list in samples(60)) {
        let ttl = Duration::from_micros(TTL_US);
        let ledger = online(&list, ttl, Duration::from_secs(200), usize::MAX);
        prop_assert!(ledger.is_whole());
        let expected = whole(&list, TTL_US);
        prop_assert_eq!(expected.violations, naive_violations(&list));
        prop_assert_eq!(ledger.into_report(), expected);
        let mut shuffled = list;
        shuffled.reverse();
        prop_assert_eq!(whole(&shuffled, TTL_US).violations, naive_violations(&shuffled));
    }

    /// With a short life every path (young, old, between) is walked, and both readings still agree.
    #[test]
    fn short_lives_agree(list in samples(60), ttl_s in 1u64..30) {
        let ledger = online(&list, Duration::from_secs(ttl_s), Duration::from_secs(200), usize::MAX);
        prop_assert_eq!(ledger.into_report(), whole(&list, ttl_s * 1_000_000));
    }

    /// A ledger that forgets still finds every repetition within its window of the last use of the token.
    #[test]
    fn forgetting_keeps_the_window(gap_s in 1u64..400) {
        let list = [call(0, Role::Fresh, 0, Some(1)), call(1, Role::Replay, 100, Some(1)), call(2, Role::Replay, 100 + gap_s, Some(2))];
        let ledger = online(&list, Duration::from_secs(1000), Duration::from_secs(200), usize::MAX);
        prop_assert_eq!(ledger.violations(), u64::from(gap_s <= 200));
    }
}
