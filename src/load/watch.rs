//! Looks at what of this machine may run out while load is driven: files and sockets, cores, memory.
//!
//! Each watch opens what it reads before the load begins and reads it again at every look: when every descriptor is taken, nothing could be
//! opened any more. Only the worst look is kept, since a mean hides a peak. Refuses to judge: the rules stand in [`summary`](crate::summary).

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// All that is looked at in one session.
#[derive(Debug)]
pub(super) struct Watches {
    files: FileWatch,
    cores: CoreWatch,
    memory: MemoryWatch,
}

/// The worst that was seen of each.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peaks {
    /// The most files and sockets that were open at once; `None` where the system does not say.
    pub(super) files: Option<u64>,
    /// Of each load thread, in their order: the share of its busiest second, 0 to 1; `None` where no second was seen.
    pub(super) cores: Vec<Option<f64>>,
    /// The most bytes of memory that this process had; `None` where the system does not say.
    pub(super) memory: Option<u64>,
    /// The fewest bytes that it could have had besides; `None` where the system does not say.
    pub(super) memory_left: Option<u64>,
}

impl Watches {
    /// Opens everything, and where the load threads hand in their own figures.
    pub(super) fn new() -> (Self, ThreadDesk) {
        let (desk, threads) = channel();
        let watches =
            Self { files: FileWatch::new(), cores: CoreWatch { threads, seen: Vec::new() }, memory: MemoryWatch::new() };
        (watches, ThreadDesk(desk))
    }

    /// One look at everything.
    pub(super) fn look(&mut self) {
        self.files.look();
        self.cores.look(Instant::now());
        self.memory.look();
    }

    /// What the looks showed of a session of so many load threads.
    pub(super) fn peaks(&self, threads: usize) -> Peaks {
        Peaks {
            files: self.files.peak,
            cores: (0..threads).map(|index| self.cores.peak(index)).collect(),
            memory: self.memory.peak,
            memory_left: self.memory.left,
        }
    }
}

/// Looks at how many files and sockets this process has open.
#[derive(Debug)]
struct FileWatch {
    list: Option<File>,
    peak: Option<u64>,
}

impl FileWatch {
    fn new() -> Self {
        let mut watch = Self { list: File::open("/proc/self/fd").ok(), peak: None };
        watch.look();
        watch
    }

    /// Counts, and keeps the most.
    fn look(&mut self) {
        self.peak = self.peak.max(self.list.as_ref().and_then(entries));
    }
}

/// Entries of a directory that is open, without another descriptor.
#[cfg(target_os = "linux")]
fn entries(list: &File) -> Option<u64> {
    use rustix::fs::{RawDir, SeekFrom, seek};
    use std::os::fd::AsFd as _;
    seek(list, SeekFrom::Start(0)).ok()?;
    // derived: some 300 entries of 24 bytes a system call.
    let mut buffer = [const { std::mem::MaybeUninit::uninit() }; 8192];
    let mut read = RawDir::new(list.as_fd(), &mut buffer);
    let mut count = 0u64;
    while let Some(entry) = read.next() {
        entry.ok()?;
        count += 1;
    }
    // `.` and `..` are no files.
    Some(count.saturating_sub(2))
}

/// Other systems have no such list.
#[cfg(not(target_os = "linux"))]
const fn entries(_list: &File) -> Option<u64> {
    None
}

/// Where a load thread hands in what the system says of it.
#[derive(Debug, Clone)]
pub(super) struct ThreadDesk(Sender<(usize, File)>);

impl ThreadDesk {
    /// Opens the figures of the calling thread, whose number is `index`.
    pub(super) fn sign_in(&self, index: usize) {
        if let Ok(figures) = File::open("/proc/thread-self/schedstat") {
            // A session that nobody watches has no desk.
            let _ = self.0.send((index, figures));
        }
    }
}

/// Looks at what the load threads had of their cores.
#[derive(Debug)]
struct CoreWatch {
    threads: Receiver<(usize, File)>,
    seen: Vec<(usize, File, BusiestSecond)>,
}

impl CoreWatch {
    fn look(&mut self, now: Instant) {
        let new = self.threads.try_iter().map(|(index, figures)| (index, figures, BusiestSecond::default()));
        self.seen.extend(new);
        for (_, figures, busiest) in &mut self.seen {
            // A thread that has ended says nothing any more.
            if let Some((on_core, waited)) = read(figures).as_deref().and_then(schedstat) {
                busiest.see(Reading { at: now, on_core, waited });
            }
        }
    }

    fn peak(&self, index: usize) -> Option<f64> {
        self.seen.iter().find(|(at, ..)| *at == index).and_then(|(_, _, busiest)| busiest.share)
    }
}

/// What a thread waited for a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// In all.
    pub time: Duration,
    /// How often it was given a core.
    pub turns: u64,
}

impl Waited {
    /// What the current thread has waited since it began. Linux keeps the figure: time on a core, time runnable without one, and
    /// turns (Documentation/scheduler/sched-stats.rst).
    pub(super) fn so_far() -> Option<Self> {
        Self::of(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    /// What such a file says.
    fn of(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
        Some(Self { time: Duration::from_nanos(numbers.next()?.ok()?), turns: numbers.next()?.ok()? })
    }

    /// What came after `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self { time: self.time.saturating_sub(before.time), turns: self.turns.saturating_sub(before.turns) }
    }
}

/// Time on a core, and what was waited for one.
fn schedstat(text: &str) -> Option<(Duration, Waited)> {
    let on_core = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some((Duration::from_nanos(on_core), Waited::of(text)?))
}

/// What the system said of a thread at one look.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    on_core: Duration,
    waited: Waited,
}

/// The second in which a thread had the least time to spare.
#[derive(Debug, Default)]
struct BusiestSecond {
    readings: VecDeque<Reading>,
    share: Option<f64>,
}

impl BusiestSecond {
    /// A queue that has no rest for so long grows to what people feel; a burst of a hundred calls, some 20 ms of work, does not fill it.
    const LENGTH: Duration = Duration::from_secs(1);
    /// Shorter waits are what a machine that does something else, too, is like.
    // derived: the lateness that is noted in a run's verdict
    const LONG_WAIT: Duration = Duration::from_millis(1);

    fn see(&mut self, now: Reading) {
        self.readings.push_back(now);
        let age = |reading: &Reading| now.at.saturating_duration_since(reading.at);
        while self.readings.get(1).is_some_and(|second| age(second) >= Self::LENGTH) {
            self.readings.pop_front();
        }
        let Some(then) = self.readings.front().filter(|first| age(first) >= Self::LENGTH) else { return };
        let waited = now.waited.since(then.waited);
        let turns = u32::try_from(waited.turns).unwrap_or(u32::MAX);
        let long = waited.time.checked_div(turns).is_some_and(|mean| mean > Self::LONG_WAIT);
        let kept = if long { waited.time } else { Duration::ZERO };
        let share = (now.on_core.saturating_sub(then.on_core) + kept).as_secs_f64() / age(then).as_secs_f64();
        // The system's figures are those of its last tick, some milliseconds ago: a second can seem to have more than one.
        self.share = Some(self.share.unwrap_or(0.0).max(share.min(1.0)));
    }
}

/// Looks at how much memory this process has, and how much it could have besides: of the machine, and of each control group that it is in.
#[derive(Debug)]
struct MemoryWatch {
    own: Option<File>,
    machine: Option<File>,
    groups: Vec<GroupMemory>,
    peak: Option<u64>,
    left: Option<u64>,
}

/// A control group that may have so much.
#[derive(Debug)]
struct GroupMemory {
    limit: u64,
    used: File,
    stat: File,
}

impl MemoryWatch {
    fn new() -> Self {
        let open = |path: &str| File::open(path).ok();
        let mut watch = Self {
            own: open("/proc/self/status"),
            machine: open("/proc/meminfo"),
            groups: std::fs::read_to_string("/proc/self/cgroup").map_or_else(|_| Vec::new(), |text| groups(&text)),
            peak: None,
            left: None,
        };
        watch.look();
        watch
    }

    /// Looks, and keeps the most and the least.
    fn look(&mut self) {
        let has = self.own.as_ref().and_then(read).and_then(|text| kib_of(&text, "VmRSS:"));
        self.peak = self.peak.max(has);
        let machine = self.machine.as_ref().and_then(read).and_then(|text| kib_of(&text, "MemAvailable:"));
        let left = self.groups.iter().filter_map(GroupMemory::left).chain(machine).min();
        self.left = self.left.into_iter().chain(left).min();
    }
}

impl GroupMemory {
    /// What the group could have besides. Pages of files are given up for whoever needs the room.
    fn left(&self) -> Option<u64> {
        let used: u64 = read(&self.used)?.trim().parse().ok()?;
        Some(self.limit.saturating_sub(used.saturating_sub(file_pages(&read(&self.stat)?))))
    }

    /// The group in this directory, if it has a limit. Names differ between the two versions of control groups.
    fn at(dir: &Path) -> Option<Self> {
        let names = [("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")];
        names.into_iter().find_map(|(limit, used)| {
            let limit = std::fs::read_to_string(dir.join(limit)).ok().and_then(|text| group_limit(&text))?;
            Some(Self { limit, used: File::open(dir.join(used)).ok()?, stat: File::open(dir.join("memory.stat")).ok()? })
        })
    }
}

/// The groups with a limit that a process is in, by what `/proc/self/cgroup` says.
fn groups(text: &str) -> Vec<GroupMemory> {
    let mut found: Vec<GroupMemory> = Vec::new();
    for (mount, path) in text.lines().filter_map(group_path) {
        // In a container the path is that of the host, and the container's own group is what is mounted: the top.
        let inside = Path::new(path.trim_start_matches('/'));
        found.extend(inside.ancestors().filter_map(|part| GroupMemory::at(&Path::new(mount).join(part))));
    }
    found
}

/// Where the memory of the group in this line of `/proc/self/cgroup` is told: the mount, and the path below it.
fn group_path(line: &str) -> Option<(&'static str, &str)> {
    // source: cgroups(7): hierarchy-ID:controller-list:cgroup-path; version 2 is number 0 without controllers
    let mut parts = line.splitn(3, ':');
    let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    if number == "0" && controllers.is_empty() {
        return Some(("/sys/fs/cgroup", path));
    }
    controllers.split(',').any(|name| name == "memory").then_some(("/sys/fs/cgroup/memory", path))
}

/// The limit that a group's file names; `None` if there is none.
fn group_limit(text: &str) -> Option<u64> {
    // source: version 2 writes `max`; version 1 the largest number of pages, 2^63 less a page: no machine has 2^60 bytes
    text.trim().parse().ok().filter(|limit| *limit < 1 << 60)
}

/// The bytes of a group that are pages of files.
fn file_pages(stat: &str) -> u64 {
    // source: memory.stat: version 1 has the group's own figures under these names and those with what is below it with `total_`, as its
    // usage counts them; version 2 has only those, without
    let sum = |prefix: &str| {
        let lines = stat.lines().filter_map(|line| line.split_once(' '));
        let wanted = lines
            .filter(|(name, _)| name.strip_prefix(prefix).is_some_and(|name| name == "active_file" || name == "inactive_file"));
        wanted.filter_map(|(_, bytes)| bytes.trim().parse::<u64>().ok()).reduce(u64::saturating_add)
    };
    sum("total_").or_else(|| sum("")).unwrap_or(0)
}

/// The bytes that a line `NAME  123 kB` tells.
fn kib_of(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024) // source: proc(5): the kB of these files are 1,024 bytes
}

/// A small file of the system from its beginning, through a descriptor that is there already.
fn read(file: &File) -> Option<String> {
    // measured: /proc/meminfo has 1.5 kB, memory.stat 1.6 kB, /proc/self/status 1.4 kB
    let mut buffer = [0; 8192];
    let length = file.read_at(&mut buffer, 0).ok()?;
    std::str::from_utf8(buffer.get(..length)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(readings: &[(u64, u64, u64, u64)]) -> Option<f64> {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut busiest = BusiestSecond::default();
        for &(at, on_core, waited, turns) in readings {
            busiest.see(Reading { at: start + ms(at), on_core: ms(on_core), waited: Waited { time: ms(waited), turns } });
        }
        busiest.share
    }

    /// The busiest second counts, not the mean; less than a second says nothing, and waits count where they are long.
    #[test]
    fn the_busiest_second_counts() {
        assert_eq!(seen(&[(0, 0, 0, 0), (900, 900, 0, 0)]), None);
        let calm: Vec<_> = (0..=100).map(|look| (look * 100, look * 5, 0, look)).collect();
        assert_eq!(seen(&calm), Some(0.05));
        let peak: Vec<_> =
            (0..=100).map(|look| (look * 100, look * 5 + u64::saturating_sub(look, 50).min(10) * 92, 0, look)).collect();
        assert_eq!(seen(&peak), Some(0.97));
        // 600 ms on a core and 400 ms without one: 10 ms each are long, 400 us each are not.
        assert_eq!(seen(&[(0, 0, 0, 0), (1_000, 600, 400, 40)]), Some(1.0));
        assert_eq!(seen(&[(0, 0, 0, 0), (1_000, 600, 400, 1_000)]), Some(0.6));
        assert_eq!(seen(&[(0, 0, 0, 0), (1_000, 1_004, 0, 1)]), Some(1.0), "the figures of a tick ago");
    }

    /// What the system writes is read: both versions of control groups, with and without a limit.
    #[test]
    fn the_systems_words() {
        assert_eq!(
            schedstat("120 30 4\n").map(|(on, waited)| (on.as_nanos(), waited.time.as_nanos(), waited.turns)),
            Some((120, 30, 4))
        );
        assert_eq!(schedstat("120"), None);
        assert_eq!(kib_of("MemTotal: 100 kB\nMemAvailable:    12 kB\n", "MemAvailable:"), Some(12 * 1024));
        assert_eq!(kib_of("MemTotal: 100 kB\n", "MemAvailable:"), None);
        assert_eq!(group_path("0::/kubepods/pod1"), Some(("/sys/fs/cgroup", "/kubepods/pod1")));
        assert_eq!(group_path("4:cpu,memory:/docker/a:b"), Some(("/sys/fs/cgroup/memory", "/docker/a:b")));
        assert_eq!(group_path("5:devices:/"), None);
        assert_eq!(
            (group_limit("268435456\n"), group_limit("max\n"), group_limit("9223372036854771712\n")),
            (Some(268_435_456), None, None)
        );
        assert_eq!(file_pages("anon 7\nfile 9\ninactive_file 20\nactive_file 3\n"), 23);
        assert_eq!(file_pages("inactive_file 2\nactive_file 3\ntotal_inactive_file 20\ntotal_active_file 5\n"), 25);
    }

    /// A group that has used its limit up to pages of files has those left; and one without a limit is none.
    #[test]
    fn a_group_and_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("memory.current", "1000\n");
        write("memory.stat", "inactive_file 100\nactive_file 50\n");
        write("memory.max", "max\n");
        assert!(GroupMemory::at(dir.path()).is_none());
        write("memory.max", "1000\n");
        let group = GroupMemory::at(dir.path()).unwrap();
        assert_eq!(group.left(), Some(150));
        write("memory.current", "800\n");
        assert_eq!(group.left(), Some(350));
    }

    /// On Linux every watch sees something, also of a thread that works, and goes on where the files are all taken.
    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_says() {
        let (mut watches, desk) = Watches::new();
        desk.sign_in(0);
        watches.look();
        let peaks = watches.peaks(2);
        assert!(peaks.files.is_some_and(|n| n > 3) && peaks.memory.is_some_and(|n| n > 1 << 20), "{peaks:?}");
        assert!(peaks.memory_left.is_some(), "{peaks:?}");
        assert_eq!((peaks.cores, watches.cores.seen.len()), (vec![None, None], 1), "no second has passed");
        let (_, figures, _) = &watches.cores.seen[0];
        assert!(read(figures).as_deref().and_then(schedstat).is_some());
    }
}
