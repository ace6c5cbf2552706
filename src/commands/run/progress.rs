//! The progress line: on a terminal only, and never in the way of a call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::drive::Job;
use crate::results::Progress;
use crate::units::human;

/// A line on stderr that is drawn over and over. indicatif hides it where there is no terminal.
pub(super) struct Line {
    bar: ProgressBar,
    progress: Arc<Mutex<Progress>>,
    by_calls: bool,
}

impl Line {
    pub(super) fn new(quiet: bool, job: &Job, progress: Arc<Mutex<Progress>>) -> Self {
        let length = job.scheduled().unwrap_or_else(|| job.length().as_secs());
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(length) };
        let template = match job {
            Job::Open(..) => "{elapsed_precise} {bar:20} {pos}/{len} calls  {wide_msg}",
            Job::Closed(_) => "{elapsed_precise} {bar:20} {pos}/{len} s  {wide_msg}",
        };
        // The template is a constant that indicatif accepts; without it the plain bar is shown.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, progress, by_calls: matches!(job, Job::Open(..)) }
    }

    /// Draws what was counted so far.
    pub(super) fn draw(&self) {
        let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let position = if self.by_calls { progress.offered } else { self.bar.elapsed().as_secs() };
        self.bar.set_position(position);
        self.bar.set_message(message(&progress));
    }

    /// A sentence above the line.
    pub(super) fn note(&self, text: &str) {
        if self.bar.is_hidden() { super::talk(text) } else { self.bar.println(text) }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn message(progress: &Progress) -> String {
    let mut parts = vec![format!("ok {}", progress.ok)];
    let counts = [
        ("throttled", progress.throttled),
        ("errors", progress.errors),
        ("missed", progress.missed),
        ("capped", progress.capped),
        ("violations", progress.violations),
    ];
    parts.extend(counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")));
    parts.push(format!("in flight {}", progress.in_flight));
    if let (Some(p50), Some(p99)) = (progress.response_p50_us, progress.response_p99_us) {
        let [p50, p99] = [p50, p99].map(|us| human(Duration::from_micros(us)));
        parts.push(format!("p50 {p50} p99 {p99}"));
    }
    parts.join("  ")
}
