//! How many were right, and by how much.

use livebench::probe::ProbeFinding;

use crate::world::{TRIP, Truth, World};

/// The figures of some limiters.
#[derive(Default)]
pub(crate) struct Score {
    limiters: u32,
    kind: u32,
    rates: u32,
    covered: u32,
    errors: Vec<f64>,
    single: Vec<f64>,
    bursts: u32,
    exact: u32,
    off: u32,
    recoveries: u32,
    recovered: u32,
    calls: Vec<f64>,
    seconds: Vec<f64>,
    decisions: Vec<f64>,
    verdicts: Vec<f64>,
}

impl Score {
    /// One more.
    pub(crate) fn count(&mut self, truth: &Truth, found: &ProbeFinding) {
        self.limiters += 1;
        self.calls.push(f64::from(found.calls));
        self.seconds.push(found.seconds);
        let right = found.kind == truth.kind;
        self.kind += u32::from(right);
        if let Some(rate) = truth.rate {
            self.rates += 1;
            if let Some(said) = found.rate_per_s {
                self.covered += u32::from(said.low <= rate && rate <= said.high);
                let errors = if truth.burst == Some(1.0) { &mut self.single } else { &mut self.errors };
                errors.push((said.point / rate - 1.0).abs() * 100.0);
            }
        }
        if let Some(burst) = truth.burst {
            self.bursts += 1;
            let off = found.burst.map_or(f64::INFINITY, |said| (f64::from(said) - burst).abs());
            self.exact += u32::from(off < 0.5);
            self.off += u32::from(off > 1.5);
        }
        if let Some(full) = truth.full_s {
            self.recoveries += 1;
            let off = found.recovery.map_or(f64::INFINITY, |said| (said.full_s - full).abs());
            self.recovered += u32::from(off <= 0.02 * full + TRIP);
        }
    }

    /// How long this machine took for it.
    pub(crate) fn took(&mut self, world: &World) {
        self.decisions.push(world.longest_next * 1000.0);
        self.verdicts.push(world.judging * 1000.0);
    }

    /// The table.
    pub(crate) fn print(&mut self, name: &str) {
        let at = |list: &[f64], share: f64| {
            let mut list = list.to_vec();
            list.sort_by(f64::total_cmp);
            if list.is_empty() { f64::NAN } else { list[((list.len() - 1) as f64 * share).round() as usize] }
        };
        let Self { limiters, kind, rates, covered, bursts, exact, off, recoveries, recovered, .. } = self;
        println!("{name}: {limiters} limiters");
        println!("  kind right                {kind}/{limiters}");
        println!("  interval covers           {covered}/{rates}");
        println!("  rate error p50 / p95      {:.3} % / {:.3} %", at(&self.errors, 0.5), at(&self.errors, 0.95));
        println!("  the same, burst of 1      {:.3} % / {:.3} %", at(&self.single, 0.5), at(&self.single, 0.95));
        println!("  burst exact, off by > 1   {exact}/{bursts}, {off}");
        println!("  recovery 2 % + round trip {recovered}/{recoveries}");
        println!("  calls p50 / max           {:.0} / {:.0}", at(&self.calls, 0.5), at(&self.calls, 1.0));
        println!("  seconds p50 / max         {:.1} / {:.1}", at(&self.seconds, 0.5), at(&self.seconds, 1.0));
        if !self.verdicts.is_empty() {
            let (next, verdict) = (&self.decisions, &self.verdicts);
            println!("  longest decision p50/max  {:.1} ms / {:.1} ms here", at(next, 0.5), at(next, 1.0));
            println!("  verdict p50 / max         {:.0} ms / {:.0} ms here", at(verdict, 0.5), at(verdict, 1.0));
        }
    }
}
