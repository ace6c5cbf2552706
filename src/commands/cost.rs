//! What one call costs on this machine: each transport and hyper's bare client in turn, on one thread, against an emulator on another.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::sync::oneshot;

use super::connect;
use super::{Error, could_not_run};
use crate::cli::ConnectionArgs;
use crate::client::bare::Bare;
use crate::client::outcome::Outcome;
use crate::client::request::CreateRequest;
use crate::client::sdk::{self, Destination, Sdk};
use crate::client::wire::Wire;
use crate::client::{Ask, Client};
use crate::emulator::config::EmulatorConfig;
use crate::emulator::http::{Embedded, Extras};
use crate::selftest::CostRound;
use crate::units::Text64;

/// Calls in flight.
const WORKERS: u64 = 64;

/// Calls of each client in a round.
// derived: some 10 ms of CPU of the cheapest, where the clock counts nanoseconds; two seconds for everything
const CALLS: u64 = 2000;

/// Rounds; the median of an odd number is one of them.
const ROUNDS: usize = 5;

/// Measures on a thread of its own, which has ended when this returns; `None` if it was interrupted.
pub(super) async fn measured() -> Result<Option<Vec<CostRound>>, Error> {
    let (tell, told) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // Whoever asked is gone after an interrupt.
    let work = move || drop(tell.send(rounds(&stopped)));
    let thread = std::thread::Builder::new().name("cost".to_owned()).spawn(work).map_err(could_not_run)?;
    let measured = tokio::select! {
        rounds = told => rounds.map_err(could_not_run)?.map(Some).map_err(could_not_run),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| None).map_err(could_not_run),
    };
    stop.store(true, Ordering::Relaxed);
    // A round takes some tenths of a second. Why it panicked is told by the channel.
    let _ = thread.join();
    measured
}

/// All rounds, or those before it was stopped; or why there are none.
fn rounds(stop: &AtomicBool) -> Result<Vec<CostRound>, String> {
    let said = |e: &dyn std::fmt::Display| e.to_string();
    let config = EmulatorConfig::default();
    let region = config.region.clone();
    let emulator = Embedded::start(config, Extras::default()).map_err(|e| said(&e))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| said(&e))?;
    let options = connect::embedded(&ConnectionArgs::default(), emulator.endpoint_url(), &region);
    let rounds = runtime.block_on(async {
        let destination = sdk::resolve(options).await.map_err(|e| said(&e))?;
        let (mut rounds, tokens) = (Vec::new(), Cell::new(0));
        while rounds.len() < ROUNDS && !stop.load(Ordering::Relaxed) {
            rounds.push(round(&destination, &tokens).await?);
        }
        Ok(rounds)
    });
    emulator.stop().map_err(|e| said(&e))?;
    rounds
}

/// Each client with fresh connections, one after the other.
async fn round(destination: &Destination, tokens: &Cell<u64>) -> Result<CostRound, String> {
    let said = |e: &dyn std::fmt::Display| e.to_string();
    let requests = [CreateRequest::default()];
    let bare = spent(&Bare::new(&destination.endpoint).map_err(|e| said(&e))?, tokens).await?;
    let wire = spent(&Wire::new(destination, &requests).map_err(|e| said(&e))?, tokens).await?;
    let sdk = spent(&Sdk::new(destination, &requests).map_err(|e| said(&e))?, tokens).await?;
    Ok(CostRound { bare_us: bare.client_us, wire_us: wire.client_us, sdk_us: sdk.client_us, emulator_us: wire.others_us })
}

/// CPU time a call, in microseconds.
struct Spent {
    /// Of this thread.
    client_us: f64,
    /// Of all others: the emulator's, as long as nobody else does anything.
    others_us: f64,
}

async fn spent(client: &impl Client, tokens: &Cell<u64>) -> Result<Spent, String> {
    // Connections, the signing key, what is set up with the first call.
    call(client, WORKERS * 8, tokens).await?;
    let before = clocks();
    call(client, CALLS, tokens).await?;
    let after = clocks();
    #[allow(clippy::cast_precision_loss)] // some thousand
    let each = |us: f64| us / CALLS as f64;
    let (own, all) = (after.0 - before.0, after.1 - before.1);
    Ok(Spent { client_us: each(own), others_us: each((all - own).max(0.0)) })
}

/// Workers that call one after the other, so many calls together, each with a token that none had before.
async fn call(client: &impl Client, calls: u64, tokens: &Cell<u64>) -> Result<(), String> {
    let (left, failed) = (Cell::new(calls), Cell::new(None));
    let worker = async || {
        while let Some(rest) = left.get().checked_sub(1) {
            left.set(rest);
            tokens.set(tokens.get() + 1);
            let token = Some(Text64::cut(&format!("lb-selftest-{:016x}", tokens.get())));
            let answer = client.call(Ask { request: 0, token }).await;
            if answer.outcome != Outcome::Ok {
                failed.set(Some(answer.outcome));
            }
        }
    };
    (0..WORKERS).map(|_| worker()).collect::<FuturesUnordered<_>>().collect::<()>().await;
    failed.get().map_or(Ok(()), |outcome| Err(format!("a call of the self-test ended as {outcome}; please report this")))
}

/// What this thread and the whole process have spent, in microseconds.
fn clocks() -> (f64, f64) {
    #[allow(clippy::cast_precision_loss)] // CPU time of minutes, far below 2^52
    let us = |time: Timespec| time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3;
    (us(clock_gettime(ClockId::ThreadCPUTime)), us(clock_gettime(ClockId::ProcessCPUTime)))
}
