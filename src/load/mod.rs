//! Load as the scenario asks for it: the pacer, the two drivers, and the session that holds what a run needs.
//!
//! # The layout
//!
//! Threads: `load-N`, one a core, each with a runtime of one thread, one driver and one client; `writer`, which counts and writes; the
//! main thread, which waits; `emulator`, if it is embedded. Measured (CPU us a call, SDK, 64 connections): one runtime of one thread
//! 63, one of several 174; two runtimes of one thread carry 36,000 calls/s where one of two threads carries 19,000.
//!
//! A driver is one future that owns its calls in flight, so nothing outlives it, and the same driver runs in virtual time. Queues:
//! batches of 256 samples or a tenth of a second, whichever comes first, to the writer, 256 batches at most, and back empty; there is
//! no other. What wakes a driver is a socket or the pacer's timerfd (arrival 35 us from the schedule at the median, 567 us with tokio's
//! timer). A driver that becomes due is polled in the same turn, and with `pacing = "spin"` the last 15 us belong to it alone: it is woken 10
//! us ahead, composes the call, and hands it over on the microsecond.
//!
//! ```text
//!   schedule ──► open   ─┐                       ┌─ room      calls in flight at most
//!                        ├─► admission ──► call ─┤  max_rate  governor, consulted and never slept on
//!   workers  ──► closed ─┘                       └─ budget    calls and dollars at most
//! ```
//!
//! A [`Workload`] is what a scenario asks for, a [`LoadSession`] the threads, the clock and the admission of one stretch of load. The same work
//! runs in a session in real and in virtual time.
//!
//! Refuses to retry, to classify an answer and to write a file.

mod admission;
mod call_plan;
mod closed;
mod machine;
mod open;
mod outbox;
mod pacer;
mod part;
mod pool;
mod rate_cap;
mod request_mix;
mod session;
mod users;
mod virtual_time;
mod volley;
mod watch;
mod workload;

pub use admission::{Admission, LoadLimits, StopCause, StopSignal};
pub use closed::{Workforce, drive_closed};
pub use machine::{ThreadUsage, clock_error_us};
pub use open::{OpenArrivals, drive_open};
pub use outbox::Outbox;
pub use pacer::{Pacer, StartInstant, Until};
pub use part::Part;
pub use pool::{Joined, LoadThread, PoolError};
pub use request_mix::{RequestMix, requests};
pub use session::{EndedSession, LoadSession, Running, Work};
pub use users::simulate_users;
pub use virtual_time::run_virtual;
pub use volley::{VolleyNames, volley};
pub use watch::Waited;
pub use workload::{Drive, Workload, calls_budget};

use crate::client::{Answer, Ask, Client};
use crate::record::sample::{Role, Sample};
use std::time::Duration;

/// One call, ready to be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PreparedCall {
    seq: u64,
    due: Duration,
    mix: u16,
    role: Role,
    attempt: u8,
    ask: Ask,
}

impl PreparedCall {
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

    /// Makes the call. `sent` and `done` are read on either side of the client and nowhere else.
    async fn call<T: Client>(self, client: &T, pacer: &Pacer) -> Sample {
        let sent = pacer.hold(self.due);
        let answer = client.call(self.ask).await;
        Sample { sent: Some(sent), done: Some(pacer.now()), ..self.unsent(answer) }
    }
}

#[cfg(test)]
mod tests;
