//! What the machine did to the harness while it ran, and what it used of the machine.

use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::load::Ended;
use crate::summary::{CpuUse, Harness, ThreadUse};
use crate::units::floor_us;

/// Where clocks and CPU stood at the start of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    process: Duration,
    clocks: Clocks,
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
        Self { wall_us: ahead(now(ClockId::Realtime)), awake_or_not_us }
    }
}

fn now(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().unwrap_or_default()
}

impl Before {
    pub(super) fn read() -> Self {
        Self { process: now(ClockId::ProcessCPUTime), clocks: Clocks::read() }
    }

    /// The harness's own CPU since then.
    pub(super) fn cpu<R>(&self, ended: &[Ended<R>]) -> CpuUse {
        let elapsed = ended.iter().map(|core| core.elapsed).max().unwrap_or_default();
        CpuUse {
            busiest_load_thread_share: ended.iter().map(|core| share(core.busy, core.elapsed)).fold(0.0, f64::max),
            process_share: share(now(ClockId::ProcessCPUTime).saturating_sub(self.process), elapsed),
            cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX)),
        }
    }

    /// What happened since then. Sockets are counted as they are now: call it before they are closed.
    pub(super) fn harness<R>(&self, ended: &[Ended<R>], connections_opened: u64, files_open: Option<u64>) -> Harness {
        let after = Clocks::read();
        let asleep = after.awake_or_not_us.zip(self.clocks.awake_or_not_us);
        Harness {
            load_threads: ended.iter().map(thread).collect(),
            wall_clock_moved_us: after.wall_us - self.clocks.wall_us,
            asleep_us: asleep.map(|(after, before)| u64::try_from(after - before).unwrap_or(0)),
            connections_opened,
            files_open,
            files_limit: getrlimit(Resource::Nofile).current,
        }
    }
}

fn thread<R>(core: &Ended<R>) -> ThreadUse {
    ThreadUse {
        cpu_share: share(core.busy, core.elapsed),
        waited_share: core.waited.map(|waited| share(waited.time, core.elapsed)),
        wait_mean_us: core.waited.map(|waited| floor_us(waited.time).checked_div(waited.turns).unwrap_or(0)),
    }
}

fn share(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64().max(1e-9)
}

/// Files and sockets that this process has open; `None` where the system does not say.
pub(super) fn open_files() -> Option<u64> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    // One of them is the directory itself.
    Some((entries.count() as u64).saturating_sub(1))
}
