use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::limiter::{Quota, TokenBucket};
use crate::probe::Inquiry;
use crate::probe::testing::probe;
use crate::units::Rate;

fn probing() -> Probing {
    let settings = ProbeSettings::default();
    Probing::new(ProbeSetting {
        endpoint: "http://127.0.0.1:40479".to_owned(),
        region: "us-east-1".to_owned(),
        settings,
        usd_per_call: 0.0,
    })
}

/// What a probe of 5/s, burst 10, tells, experiment by experiment.
fn told() -> Vec<Experiment> {
    static TOLD: std::sync::OnceLock<Vec<Experiment>> = std::sync::OnceLock::new();
    TOLD.get_or_init(tell).clone()
}

fn tell() -> Vec<Experiment> {
    let (observations, _) =
        probe(Quota::TokenBucket(TokenBucket::full(Rate::per_second(5.0).unwrap(), 10)), &ProbeSettings::default());
    let mut inquiry = Inquiry::new(ProbeSettings::default());
    let experiment = |of: &[Observation]| {
        inquiry.observe(of);
        let Observation { round, segment, phase, .. } = of[0];
        let dues = of.iter().map(|o| Duration::from_micros(o.due_us)).collect();
        [
            Experiment::Begins(Volley { round, segment, phase, dues }),
            Experiment::Answered { observations: of.to_vec(), kinds: inquiry.so_far() },
        ]
    };
    let mut told: Vec<Experiment> = observations.chunk_by(|a, b| a.round == b.round).flat_map(experiment).collect();
    told.push(Experiment::Over);
    told
}

/// Up to the experiment that begins after so many seconds.
fn after(seconds: u64) -> (Probing, usize) {
    let mut probing = probing();
    let begins = |news: &Experiment| matches!(news, Experiment::Begins(batch) if batch.dues[0] >= Duration::from_secs(seconds));
    let told = told();
    let until = told.iter().position(begins).unwrap() + 1;
    probing.take(told.into_iter().take(until).collect());
    (probing, until)
}

fn picture(probing: &Probing, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| probing.draw(frame)).unwrap();
    terminal.backend().to_string()
}

/// In the middle of a probe, on a terminal with room for everything.
#[test]
fn midway() {
    insta::assert_snapshot!(picture(&after(4).0, 120, 40));
}

/// Before the first answer, with money at stake.
#[test]
fn at_first() {
    let mut probing = probing();
    probing.setting.usd_per_call = 0.015;
    insta::assert_snapshot!(picture(&probing, 80, 20));
}

/// Held still, what is shown stays; a note and a rest are said.
#[test]
fn held() {
    let (mut probing, until) = after(4);
    probing.key(ViewKey::Pause);
    let before = picture(&probing, 100, 30);
    assert!(before.contains("paused; the probe continues"), "{before}");
    probing.take(told().split_off(until));
    assert_eq!(picture(&probing, 100, 30), before);
    assert_eq!(
        [ViewKey::Pause, ViewKey::Window, ViewKey::Stop].map(|key| probing.key(key)),
        [None, None, Some(ViewRequest::Stop)]
    );
    probing.note("stopping: nothing more is sent");
    let now = picture(&probing, 100, 30);
    assert!(now != before && now.contains("stopping: nothing more is sent") && now.contains("last 5m"), "{now}");
}

/// No terminal is too small to draw on, before the first answer and after the last.
#[test]
fn any_size() {
    let mut whole = probing();
    whole.take(told());
    for (width, height) in [(1, 1), (20, 3), (40, 9), (300, 100), (500, 12)] {
        picture(&whole, width, height);
        picture(&probing(), width, height);
    }
}

/// A line for each second in which something was sent, a word for each long rest, and every call counted once.
#[test]
fn lines() {
    let mut probing = probing();
    let lines: Vec<String> = told().into_iter().flat_map(|news| probing.take(vec![news])).collect();
    let sent = |line: &String| Some(line.split("sent ").nth(1)?.split("/s").next()?.parse::<usize>().unwrap());
    assert_eq!(lines.iter().filter_map(sent).sum::<usize>(), probing.view.newest.observations.len());
    insta::assert_snapshot!(lines.join("\n"));
}

/// A limiter that says 429: its refused calls are on the line of their second, under their own name, as many as of a quota error.
#[test]
fn lines_of_a_429() {
    let other = |news: Experiment| match news {
        Experiment::Answered { mut observations, kinds } => {
            observations.iter_mut().filter(|o| o.answer == AnswerClass::Refused).for_each(|o| o.answer = AnswerClass::TooMany);
            Experiment::Answered { observations, kinds }
        }
        news => news,
    };
    let quota = probing().take(told()).join("\n");
    let lines = probing().take(told().into_iter().map(other).collect()).join("\n");
    assert!(quota.contains("throttled quota"), "{quota}");
    assert_eq!(lines, quota.replace("throttled quota", "HTTP 429"));
}

/// However the news is cut, the same lines are said of it, but for what is known at the time.
#[test]
fn all_at_once() {
    let (mut by_one, mut at_once) = (probing(), probing());
    let bare = |line: String| line.split(" calls").next().unwrap_or_default().to_owned();
    let one: Vec<String> = told().into_iter().flat_map(|news| by_one.take(vec![news])).map(bare).collect();
    let all: Vec<String> = at_once.take(told()).into_iter().map(bare).collect();
    assert_eq!(one, all);
}
