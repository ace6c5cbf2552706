//! Bursts: all calls of a wave at one instant, from rest or from what is left.

use std::time::Duration;

use super::control::{Desk, Next, Stop, whole};
use super::fit::{self, Fit};
use super::kind::Kind;
use super::observation::{Answer, Batch, Observation, Phase};
use super::view::View;

impl Desk<'_> {
    /// Doubles the wave until one is refused in part.
    pub(super) fn after_wave(&self, phase: Phase) -> Next {
        let wave = self.batch();
        if Self::refused(wave) {
            return match (phase, self.segment) {
                (Phase::Burst, 0) => self.send(Phase::Solo, vec![self.now]),
                _ => self.stream(),
            };
        }
        let size = (wave.len() * 2).min(self.calls_left()).min(self.sessions_left());
        self.send(phase, vec![self.now; size])
    }

    /// Three calls alone tell a cap on calls in flight from everything else.
    pub(super) fn after_solo(&self) -> Next {
        let solo: Vec<&Observation> = self.observations.iter().filter(|o| o.phase == Phase::Solo).collect();
        if solo.iter().any(|o| o.answer == Answer::Refused) {
            return self.scan();
        }
        if solo.len() < 3 {
            return self.send(Phase::Solo, vec![self.now]);
        }
        self.send(Phase::Again, vec![self.now; self.least_wave().0])
    }

    /// Waves as large as the smallest number that a wave let through, until three of them pass whole: so many fit in.
    pub(super) fn after_again(&self) -> Next {
        if !fit::same_waves(&View::whole(self.observations)) {
            return self.stream();
        }
        let (size, passed) = self.least_wave();
        if passed >= 3 { Next::Done(Stop::Enough) } else { self.send(Phase::Again, vec![self.now; size]) }
    }

    /// The fewest calls that a wave let through that was refused in part, and how many waves of that size passed whole since.
    fn least_wave(&self) -> (usize, usize) {
        let mut waves: Vec<(u32, usize, usize)> = Vec::new();
        for o in self.observations.iter().filter(|o| matches!(o.phase, Phase::Burst | Phase::Again)) {
            if waves.last().is_none_or(|w| w.0 != o.round) {
                waves.push((o.round, 0, 0));
            }
            if let Some(wave) = waves.last_mut() {
                wave.1 += 1;
                wave.2 += usize::from(o.answer == Answer::Accepted);
            }
        }
        let least = waves.iter().filter(|w| w.2 < w.1).map(|w| w.2).min().unwrap_or(1).max(1);
        (least, waves.iter().rev().take_while(|w| w.1 == least && w.2 == least).count())
    }

    /// Seconds until it is full again.
    pub(super) fn resting(lead: &Fit) -> f64 {
        match lead.kind {
            Kind::TokenBucket => 1.05 * lead.burst.1 / lead.rate.0 + 0.02,
            Kind::SlidingCounter => 2.2 * lead.period.map_or(1.0, |p| p.1),
            _ => 1.37 * lead.period.map_or(1.0, |p| p.1),
        }
    }

    /// A burst from rest.
    pub(super) fn rest(&self, factor: f64, lead: Option<&Fit>) -> Next {
        let wait = lead.map_or_else(|| self.settings.max_seconds * 0.2, |lead| Self::resting(lead) * factor / 1.37);
        let first = self.accepted(|o| o.segment == 0 && o.phase == Phase::Burst);
        let mut at = self.now + wait.min((self.settings.max_seconds - self.now - 1.0).max(0.0));
        // Against a clock of the service's own: at another place of its period than any burst before.
        if let Some((edge, period)) = lead.and_then(|lead| lead.edge.zip(lead.period)) {
            let (edge, period) = (f64::midpoint(edge.0, edge.1), f64::midpoint(period.0, period.1));
            let place = edge + 0.42 * period * f64::from(self.segment + 1);
            at = place + ((at - place) / period).ceil() * period;
        }
        if at > self.deadline() {
            return self.stream();
        }
        let size = lead.map_or(first + 4, |lead| whole(lead.burst.1) + 3 + whole(lead.burst.1) / 8);
        let size = size.min(self.calls_left()).min(self.sessions_left()).max(1);
        let batch = Batch {
            round: self.round,
            segment: self.segment + 1,
            phase: Phase::Burst,
            dues: vec![Duration::from_secs_f64(at.max(self.now)); size],
        };
        Next::Send(batch)
    }
}
