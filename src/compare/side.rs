//! One side of a comparison: its runs, ready to be asked.

use std::rc::Rc;

use super::catalog::Of;
use super::subject::Subject;
use super::terms::{BINS, Terms};
use super::trend;
use crate::client::outcome::{Class, Outcome};
use crate::metric::Series;
use crate::num;
use crate::num::count;
use crate::record::calls::{Call, Calls};
use crate::summary::{per_second, sending_us};

/// Times of one series, of every run of a side.
#[derive(Debug)]
pub(super) struct SeriesTimes {
    /// In the order of time, a run each.
    pub(super) runs: Vec<Vec<u32>>,
    /// The part of the run that each lies in.
    bins: Vec<Rc<[u8]>>,
    /// See [`Terms::load`].
    load: Rc<[f64]>,
    /// All of them by size.
    pub(super) sorted: Vec<u32>,
}

impl SeriesTimes {
    /// The terms of a mean, one for each time.
    pub(super) fn terms(&self, mut term: impl FnMut(u32) -> f64) -> Vec<Terms> {
        let run = |(times, bins): (&Vec<u32>, &Rc<[u8]>)| Terms {
            values: times.iter().map(|us| term(*us)).collect(),
            bins: bins.clone(),
            load: self.load.clone(),
        };
        self.runs.iter().zip(&self.bins).map(run).collect()
    }

    /// What every call takes, if they all take the same; `None` without calls, too.
    pub(super) fn constant(&self) -> Option<u32> {
        self.sorted.first().copied().filter(|first| Some(first) == self.sorted.last())
    }

    /// The logarithm of the percentile `p`, interpolated (Hazen); infinite where no sample reaches.
    pub(super) fn ln_quantile(&self, p: f64) -> f64 {
        let n = self.sorted.len();
        // source: Hyndman, Fan: Sample quantiles in statistical packages, 1996, definition 5 (Hazen 1914)
        let place = p * count(n) - 0.5;
        if place < 0.0 {
            return if p * count(n) > 0.0 && n > 0 { ln(self.sorted[0]) } else { f64::NEG_INFINITY };
        }
        // Beyond the end is asked next.
        let below = num::place(place);
        let Some(low) = self.sorted.get(below) else { return f64::INFINITY };
        let part = place - count(below);
        match self.sorted.get(below + 1) {
            Some(high) => ln(*low) * (1.0 - part) + ln(*high) * part,
            None if part <= 0.0 => ln(*low),
            None => f64::INFINITY,
        }
    }
}

/// The logarithm of a time; what is below the resolution of a microsecond counts as one.
pub(super) fn ln(us: u32) -> f64 {
    f64::from(us.max(1)).ln()
}

/// How the runs are cut into parts.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// Length of a part.
    us: u64,
    /// See [`Terms::load`].
    load: Rc<[f64]>,
}

impl Parts {
    /// Parts of equal length of all runs of a comparison.
    pub(super) fn of(runs: &[&Calls]) -> Self {
        let span = runs.iter().filter_map(|calls| calls.last_due_us()).max().unwrap_or(0);
        let us = span / BINS as u64 + 1;
        let mut due = [0.0; BINS];
        for call in runs.iter().flat_map(|calls| calls.iter()) {
            due[usize::from(bin(call.due_us, us))] += 1.0;
        }
        Self { us, load: trend::load(&due.map(|calls| calls / count(runs.len().max(1)))).into() }
    }
}

/// The runs of one side.
#[derive(Debug)]
pub(super) struct ComparedSide<'a> {
    runs: Vec<&'a Calls>,
    /// See [`Subject::planned_us`], a run each.
    planned_us: Vec<Option<u64>>,
    parts: Parts,
    pub(super) response: SeriesTimes,
    pub(super) service: SeriesTimes,
    pub(super) lateness: SeriesTimes,
}

impl<'a> ComparedSide<'a> {
    /// The runs, cut into parts.
    pub(super) fn new(side: &'a [(Subject, Calls)], parts: Parts) -> Self {
        let runs: Vec<&Calls> = side.iter().map(|(_, calls)| calls).collect();
        let planned_us = side.iter().map(|(subject, _)| subject.planned_us).collect();
        let ok = |call: &Call| call.outcome.class() == Class::Ok;
        let sent = |call: &Call| call.outcome.was_sent();
        let response = times(&runs, &parts, ok, Call::response_us);
        let service = times(&runs, &parts, ok, |call| call.service_us);
        let lateness = times(&runs, &parts, sent, |call| call.lateness_us);
        Self { runs, planned_us, parts, response, service, lateness }
    }

    pub(super) const fn times(&self, series: Series) -> &SeriesTimes {
        match series {
            Series::Response => &self.response,
            Series::Service => &self.service,
            Series::Lateness => &self.lateness,
        }
    }

    /// How many calls the whole has, if none of them is one that is asked for; `None` without calls.
    pub(super) fn never(&self, of: Of, asked: fn(Outcome) -> bool) -> Option<usize> {
        let calls = || self.runs.iter().flat_map(|run| run.iter()).filter(|call| of == Of::Scheduled || call.outcome.was_sent());
        let never = !calls().any(|call| asked(call.outcome));
        Some(calls().count()).filter(|n| *n > 0 && never)
    }

    /// 1 for the calls that are asked for and 0 for the others of the whole, in the order of time.
    pub(super) fn indicators(&self, of: Of, asked: fn(Outcome) -> bool) -> Vec<Terms> {
        let counted = |call: &Call| of == Of::Scheduled || call.outcome.was_sent();
        let run = |run: &&Calls| {
            let (values, bins): (Vec<f64>, Vec<u8>) = run
                .iter()
                .filter(counted)
                .map(|call| (f64::from(u8::from(asked(call.outcome))), bin(call.due_us, self.parts.us)))
                .unzip();
            Terms { values, bins: bins.into(), load: self.parts.load.clone() }
        };
        self.runs.iter().map(run).collect()
    }

    /// Sessions per second: those of all runs over the time in which they sent, as a run's own report has it.
    pub(super) fn ok_per_s(&self) -> Option<f64> {
        let ok: usize = self.runs.iter().map(|run| run.of_class(Class::Ok).count()).sum();
        let over: Option<Vec<u64>> = self.sending_us().collect();
        per_second(ok as u64, over.map(|over| over.iter().sum()))
    }

    fn sending_us(&self) -> impl Iterator<Item = Option<u64>> {
        self.runs.iter().zip(&self.planned_us).map(|(run, planned_us)| sending_us(run.last_sent_us(), *planned_us))
    }

    /// Whole seconds in which calls were sent, of the shortest run.
    pub(super) fn seconds(&self) -> usize {
        let of = |sending: Option<u64>| sending.map_or(0, |us| usize::try_from((us / 1_000_000).max(1)).unwrap_or(usize::MAX));
        self.sending_us().map(of).min().unwrap_or(0)
    }

    /// Sessions by the second in which their call was due, a run each.
    pub(super) fn ok_by_second(&self, seconds: usize) -> Vec<Vec<f64>> {
        let run = |run: &&Calls| {
            let mut counts = vec![0.0; seconds];
            for call in run.of_class(Class::Ok) {
                let second = usize::try_from(call.due_us / 1_000_000).unwrap_or(usize::MAX);
                if let Some(count) = counts.get_mut(second) {
                    *count += 1.0;
                }
            }
            counts
        };
        self.runs.iter().map(run).collect()
    }
}

fn times(runs: &[&Calls], parts: &Parts, counted: impl Fn(&Call) -> bool, time: impl Fn(&Call) -> u32) -> SeriesTimes {
    let of = |run: &&Calls| -> (Vec<u32>, Rc<[u8]>) {
        let calls = run.iter().filter(|call| counted(call));
        let (times, bins): (Vec<u32>, Vec<u8>) = calls.map(|call| (time(&call), bin(call.due_us, parts.us))).unzip();
        (times, bins.into())
    };
    let (runs, bins): (Vec<_>, Vec<_>) = runs.iter().map(of).unzip();
    let mut sorted: Vec<u32> = runs.iter().flatten().copied().collect();
    sorted.sort_unstable();
    SeriesTimes { runs, bins, load: parts.load.clone(), sorted }
}

fn bin(due_us: u64, bin_us: u64) -> u8 {
    u8::try_from((due_us / bin_us.max(1)).min(BINS as u64 - 1)).unwrap_or(0)
}
