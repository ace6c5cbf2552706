//! Load as the scenario asks for it: the pacer and the two drivers.
//!
//! Every core runs one driver on a runtime of one thread: one multi-threaded runtime costs 2.7 times the CPU a call (174 against 63 us).
//! A driver is one future that owns its calls in flight, so nothing outlives it, and the same driver runs in virtual time.
//!
//! ```text
//!   schedule ──► open   ─┐                  ┌─ room      calls in flight at most
//!                        ├─► gate ──► call ─┤  max_rate  governor, consulted and never slept on
//!   workers  ──► closed ─┘                  └─ budget    calls and dollars at most
//! ```
//!
//! Refuses to retry, to classify an answer and to write a file.

mod closed;
mod gate;
mod limiter;
mod open;
mod outbox;
mod pacer;
mod pool;
mod script;
mod virtual_time;
mod volley;

pub use closed::{Workforce, drive_closed};
pub use gate::{Cause, Gate, Limits, Signal};
pub use open::{Part, drive_open};
pub use outbox::Outbox;
pub use pacer::{Pacer, Start, Until};
pub use pool::{Core, Ended, Pool, PoolError, Waited, spawn};
pub use script::{Script, requests};
pub use virtual_time::run_virtual;
pub use volley::{Names, volley};

use crate::record::sample::{Role, Sample};
use crate::target::{Answer, Ask, Target};
use std::time::Duration;

/// One call as the script wrote it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    seq: u64,
    due: Duration,
    mix: u16,
    role: Role,
    attempt: u8,
    ask: Ask,
}

impl Line {
    /// A call that never left.
    const fn unsent(&self, answer: Answer) -> Sample {
        Sample {
            seq: self.seq,
            due: self.due,
            sent: None,
            done: None,
            mix: self.mix,
            role: self.role,
            attempt: self.attempt,
            token: self.ask.token,
            answer,
        }
    }

    /// Makes the call. `sent` and `done` are read on either side of the target and nowhere else.
    async fn call<T: Target>(self, target: &T, pacer: &Pacer) -> Sample {
        let sent = pacer.now();
        let answer = target.call(self.ask).await;
        Sample { sent: Some(sent), done: Some(pacer.now()), ..self.unsent(answer) }
    }
}

#[cfg(test)]
mod tests;
