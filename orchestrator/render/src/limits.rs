//! What the rendering child may take. The kernel keeps watch, so that a busy machine is no way out.

use std::io;
use std::time::Duration;

/// Address space that the child may take on top of what it has at its start, in bytes.
const MEMORY_MAX: u64 = 128 * 1024 * 1024;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Limits, ended};

#[cfg(target_os = "linux")]
mod linux {
    use super::{Duration, MEMORY_MAX, io};
    use crate::pool::Silence;
    use nix::sys::resource::{Resource, setrlimit};
    use nix::sys::signal::{SigEvent, SigevNotify, Signal};
    use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
    use nix::time::ClockId;
    use nix::unistd::{SysconfVar, sysconf};
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    /// Its signal ends the process that nobody taught to handle it.
    const OVER_TIME: Signal = Signal::SIGXCPU;

    /// Limits of this process.
    #[derive(Debug)]
    pub(crate) struct Limits {
        /// Counts the CPU time of the process, of the system's calls too: timer_create(2), `CLOCK_PROCESS_CPUTIME_ID`.
        timer: Timer,
    }

    impl Limits {
        /// Address space: what is mapped now, and [`MEMORY_MAX`] more. No core dumps: they would hold customers' data.
        pub(crate) fn set() -> io::Result<Self> {
            let statm = std::fs::read_to_string("/proc/self/statm")?;
            let pages: u64 = statm.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
            let page =
                sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096);
            let memory = pages * page + MEMORY_MAX;
            setrlimit(Resource::RLIMIT_AS, memory, memory)?;
            setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
            let end = SigEvent::new(SigevNotify::SigevSignal { signal: OVER_TIME, si_value: 0 });
            Ok(Self { timer: Timer::new(ClockId::CLOCK_PROCESS_CPUTIME_ID, end)? })
        }

        /// Does `work`, or ends the process when it takes more CPU time than this.
        pub(crate) fn within<T>(&mut self, cpu_max: Duration, work: impl FnOnce() -> T) -> io::Result<T> {
            self.arm(cpu_max)?;
            let done = work();
            self.arm(Duration::ZERO)?;
            Ok(done)
        }

        /// Zero is never.
        fn arm(&mut self, after: Duration) -> io::Result<()> {
            Ok(self.timer.set(Expiration::OneShot(after.into()), TimerSetTimeFlags::empty())?)
        }
    }

    /// By whom a child was ended.
    pub(crate) fn ended(status: ExitStatus) -> Silence {
        match status.signal().and_then(|signal| Signal::try_from(signal).ok()) {
            Some(OVER_TIME) => Silence::Time,
            // Out of memory, out of stack.
            Some(Signal::SIGABRT | Signal::SIGSEGV | Signal::SIGBUS) => Silence::Broken,
            _ => Silence::Gone,
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Limits, ended};

/// Where the kernel offers no such watch, the parent's on the wall clock and the cap on output remain.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Duration, MEMORY_MAX, io};
    use crate::pool::Silence;
    use std::process::ExitStatus;

    /// None.
    #[derive(Debug)]
    pub(crate) struct Limits;

    impl Limits {
        pub(crate) fn set() -> io::Result<Self> {
            let _ = MEMORY_MAX;
            Ok(Self)
        }

        pub(crate) fn within<T>(&mut self, _: Duration, work: impl FnOnce() -> T) -> io::Result<T> {
            Ok(work())
        }
    }

    pub(crate) fn ended(_: ExitStatus) -> Silence {
        Silence::Gone
    }
}
