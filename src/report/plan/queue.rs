//! The queue before a waiting room, as a fluid: who comes faster than the room lets in waits behind those who came before.
//!
//! Refuses to know of chance: below the room's pace nobody waits, where in truth a few seconds come together.

/// How long who comes in each piece of a curve waits, in seconds. A piece has so many users per second for `every_s` seconds; the room lets in
/// `pace` per second, above 0.
///
/// Derived: the queue is what has arrived less what was let in, never below 0; who comes at its end waits until it is gone (W = Q / pace).
pub(super) fn waits_s(rates: &[f64], every_s: f64, pace: f64) -> Vec<f64> {
    let mut queue = 0.0_f64;
    let grown = rates.iter().map(|rate| {
        queue = (queue + (rate - pace) * every_s).max(0.0);
        queue / pace
    });
    grown.collect()
}

#[cfg(test)]
mod tests {
    use super::waits_s;

    /// A flash of 40/s for 10 s before a room of 10/s: 300 wait, the last for 30 s; the queue is gone after another 30 s without users.
    #[test]
    fn a_flash_is_worked_off() {
        let rates: Vec<f64> = (0..60).map(|second| if second < 10 { 40.0 } else { 0.0 }).collect();
        let waits = waits_s(&rates, 1.0, 10.0);
        assert!((waits[9] - 30.0).abs() < 1e-9 && (waits[0] - 3.0).abs() < 1e-9, "{waits:?}");
        assert!(waits[38] > 0.5 && waits[39].abs() < 1e-9 && waits[59].abs() < 1e-9, "{waits:?}");
        assert!(waits_s(&[4.0; 100], 60.0, 5.0).iter().all(|wait| *wait <= 0.0));
        assert!(waits_s(&[], 60.0, 5.0).is_empty());
    }
}
