//! What the machine did to the harness while it ran, and what it used of the machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::pool::Joined;
use super::watch::Peaks;
use crate::client::{Client, UnexpectedAnswer};
use crate::summary::{CpuUse, Harness, ThreadUse};
use crate::units::floor_us;

/// What a thread used: read at its end, while its sockets are still open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadUsage {
    /// Connections that its client opened.
    pub connections: u64,
    /// Files and sockets that the whole process had open; `None` where the system does not say.
    pub files: Option<u64>,
    /// The first answer that the service's model does not know.
    pub unexpected: Option<UnexpectedAnswer>,
    /// How long its workers held back, since nobody answered.
    pub held_back: Duration,
}

impl ThreadUsage {
    /// What was used up to now.
    pub(super) fn so_far(client: &impl Client, held_back: Duration) -> Self {
        Self { connections: client.connections_opened(), files: open_files(), unexpected: client.unexpected(), held_back }
    }
}

/// Where clocks and CPU stood at the start of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    process: Duration,
    clocks: Clocks,
    /// See [`clock_error_us`].
    clock_error_us: Option<u64>,
}

/// How far other clocks are ahead of the monotonic one, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Clocks {
    wall_us: i64,
    /// The clock that goes on while the machine sleeps; `None` where there is none.
    awake_or_not_us: Option<i64>,
}

impl Clocks {
    fn read() -> Self {
        let monotonic = now(ClockId::Monotonic);
        let ahead = |clock: Duration| {
            let us = |of: Duration| i64::try_from(of.as_micros()).unwrap_or(i64::MAX);
            us(clock) - us(monotonic)
        };
        #[cfg(target_os = "linux")]
        let awake_or_not_us = Some(ahead(now(ClockId::Boottime)));
        #[cfg(not(target_os = "linux"))]
        let awake_or_not_us = None;
        Self { wall_us: ahead(wall()), awake_or_not_us }
    }
}

/// By the standard library, whose clock a test may replace (libfaketime).
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The most by which the wall clock is off, as the system knows, in microseconds; `None` where it does not say. 16 s where nothing synchronizes
/// it.
// source: adjtimex(2): the kernel adds 500 us a second to what a synchronizing program last said, up to NTP_PHASE_LIMIT (linux/timex.h)
pub fn clock_error_us() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        // Without a mode it is only read, which anybody may.
        let mut state = rtime_clock::adjtime::Timex::new();
        rtime_clock::adjtime::adjtimex(&mut state).ok()?;
        u64::try_from(state.0.maxerror).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

fn now(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().unwrap_or_default()
}

/// What happened to the machine and to the process over the length of a session.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MachineUse {
    pub(super) cpu: CpuUse,
    /// Without what the threads say themselves.
    pub(super) harness: Harness,
}

impl MachineUse {
    /// With the worst that the watches saw.
    pub(super) fn at_worst(mut self, peaks: Peaks) -> Self {
        for (thread, share) in self.harness.load_threads.iter_mut().zip(peaks.cores) {
            thread.busiest_second_share = share;
        }
        self.harness.files_open = peaks.files;
        self.harness.memory_peak_bytes = peaks.memory;
        self.harness.memory_left_bytes = peaks.memory_left;
        self
    }
}

impl Before {
    pub(super) fn read() -> Self {
        Self { process: now(ClockId::ProcessCPUTime), clocks: Clocks::read(), clock_error_us: clock_error_us() }
    }

    /// What happened since then.
    pub(super) fn until_now<R>(&self, joined: &[Joined<R>]) -> MachineUse {
        MachineUse { cpu: self.cpu(joined), harness: self.harness(joined) }
    }

    /// The harness's own CPU since then.
    fn cpu<R>(&self, joined: &[Joined<R>]) -> CpuUse {
        let elapsed = joined.iter().map(|thread| thread.elapsed).max().unwrap_or_default();
        CpuUse {
            busiest_load_thread_share: joined.iter().map(|thread| share(thread.busy, thread.elapsed)).fold(0.0, f64::max),
            process_share: share(now(ClockId::ProcessCPUTime).saturating_sub(self.process), elapsed),
            cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        }
    }

    fn harness<R>(&self, joined: &[Joined<R>]) -> Harness {
        let after = Clocks::read();
        let asleep = after.awake_or_not_us.zip(self.clocks.awake_or_not_us);
        Harness {
            load_threads: joined.iter().map(thread).collect(),
            wall_clock_moved_us: after.wall_us - self.clocks.wall_us,
            wall_clock_error_us: clock_error_us().max(self.clock_error_us),
            asleep_us: asleep.map(|(after, before)| u64::try_from(after - before).unwrap_or(0)),
            connections_opened: 0,
            files_open: None,
            files_limit: getrlimit(Resource::Nofile).current,
            memory_peak_bytes: None,
            memory_left_bytes: None,
        }
    }
}

fn thread<R>(joined: &Joined<R>) -> ThreadUse {
    ThreadUse {
        cpu_share: share(joined.busy, joined.elapsed),
        waited_share: joined.waited.map(|waited| share(waited.time, joined.elapsed)),
        wait_mean_us: joined.waited.map(|waited| floor_us(waited.time).checked_div(waited.turns).unwrap_or(0)),
        busiest_second_share: None,
    }
}

/// `part` over `whole`; a session that ended before it began used no share of anything.
fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() }
}

/// Files and sockets that this process has open; `None` where the system does not say.
fn open_files() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the directory itself.
    Some((entries.count() as u64).saturating_sub(1))
}
