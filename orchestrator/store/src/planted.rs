//! Mistakes planted on purpose, and ends of the process at chosen moments: for the simulator (`tests/sim`), which has to
//! find each of them. Without the feature `planted` every question here is answered `false` while it is compiled.
//!
//! Invariant: nobody but the simulator turns the feature on; a test of the simulator holds that.

/// A mistake that systems of this kind are known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the words say what is done wrong")]
pub enum Bug {
    RecordAfterSend = 1,
    CheckpointAtFetch,
    LeaseByBusinessClock,
    NoFence,
    ConsentAtPlanningOnly,
    AmbiguousNeverTwiceRetried,
    AttemptsCountedAfter,
    AnswerOverwritesSuccessor,
    DedupeInMemoryOnly,
    CapNotGivenBack,
    CapNotTaken,
    UnsubscribeLeavesGuard,
    MergeLosesPlanned,
    LateEventStarts,
    EventAppliedTwice,
    StopEpochIgnored,
    ExpiryIgnoredAtHandOver,
    BytesMadeAnew,
    MessageIdByChance,
    NeverLostGivenUp,
    QuietHoursOfWrongZone,
    TimerDroppedByRelease,
    WakeUpNotCommitted,
    ErasureOfOneHalf,
    RestoredNotHeld,
    FallbackAfterUnknown,
    MergeRevivesConsent,
    StaleStepCommits,
    AnswerBeforeCommit,
    ThrottleIgnored,
    DeadAddressForgotten,
    GuardIgnoredAtHandOver,
    LimitNotTaken,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::RecordAfterSend,
        Self::CheckpointAtFetch,
        Self::LeaseByBusinessClock,
        Self::NoFence,
        Self::ConsentAtPlanningOnly,
        Self::AmbiguousNeverTwiceRetried,
        Self::AttemptsCountedAfter,
        Self::AnswerOverwritesSuccessor,
        Self::DedupeInMemoryOnly,
        Self::CapNotGivenBack,
        Self::CapNotTaken,
        Self::UnsubscribeLeavesGuard,
        Self::MergeLosesPlanned,
        Self::LateEventStarts,
        Self::EventAppliedTwice,
        Self::StopEpochIgnored,
        Self::ExpiryIgnoredAtHandOver,
        Self::BytesMadeAnew,
        Self::MessageIdByChance,
        Self::NeverLostGivenUp,
        Self::QuietHoursOfWrongZone,
        Self::TimerDroppedByRelease,
        Self::WakeUpNotCommitted,
        Self::ErasureOfOneHalf,
        Self::RestoredNotHeld,
        Self::FallbackAfterUnknown,
        Self::MergeRevivesConsent,
        Self::StaleStepCommits,
        Self::AnswerBeforeCommit,
        Self::ThrottleIgnored,
        Self::DeadAddressForgotten,
        Self::GuardIgnoredAtHandOver,
        Self::LimitNotTaken,
    ];
}

/// Mistakes that show at a start: what a planted one kept in memory alone is gone. A statement that makes it so.
pub(crate) fn forgotten() -> Option<&'static str> {
    [
        (Bug::DedupeInMemoryOnly, "delete from event_seen"),
        (
            Bug::EventAppliedTwice,
            "update customer set applied_seq = applied_seq - 1, due_at = 0 where applied_seq > 0 and flags = 0",
        ),
        (Bug::WakeUpNotCommitted, "update customer set due_at = null where next_seq > applied_seq + 1"),
    ]
    .into_iter()
    .find_map(|(bug, statement)| planted(bug).then_some(statement))
}

/// When a process may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// All is written, nothing is durable.
    BeforeCommit,
    /// All is durable, and nobody has heard of it.
    AfterCommit,
}

#[cfg(feature = "planted")]
mod on {
    use super::{Bug, Moment};
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, PoisonError};
    use tokio::sync::Notify;

    /// Whether mistakes can be planted in this build.
    pub const PLANTED: bool = true;

    static PLANTED_NOW: AtomicU8 = AtomicU8::new(0);

    /// Whether this mistake is to be made.
    pub fn planted(bug: Bug) -> bool {
        PLANTED_NOW.load(Ordering::Relaxed) == bug as u8
    }

    /// Plants one mistake in this whole process, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED_NOW.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
    }

    /// Where a process ends: at the n-th commit from when it was asked for.
    #[derive(Debug, Default)]
    pub struct Probe {
        left: AtomicI64,
        after: AtomicBool,
        ended: AtomicBool,
        commits: AtomicU64,
        under_way: AtomicUsize,
        told: Notify,
        last: Mutex<Option<Moment>>,
    }

    impl Probe {
        /// The process is to end at the `nth` commit from now (1 is the next).
        pub fn end_at(&self, nth: i64, moment: Moment) {
            self.after.store(moment == Moment::AfterCommit, Ordering::SeqCst);
            self.left.store(nth, Ordering::SeqCst);
        }

        /// It does not end after all.
        pub fn go_on(&self) {
            self.left.store(0, Ordering::SeqCst);
        }

        /// Whether it has ended.
        pub fn ended(&self) -> bool {
            self.ended.load(Ordering::SeqCst)
        }

        /// Waits until it ends.
        pub async fn end(&self) {
            while !self.ended() {
                self.told.notified().await;
            }
        }

        /// Commits so far.
        pub fn commits(&self) -> u64 {
            self.commits.load(Ordering::SeqCst)
        }

        /// Writes that were asked for and not answered yet.
        pub fn under_way(&self) -> usize {
            self.under_way.load(Ordering::SeqCst)
        }

        pub(crate) fn ends(&self, moment: Moment) -> bool {
            if self.ended() {
                return true;
            }
            if moment == Moment::BeforeCommit {
                self.commits.fetch_add(1, Ordering::SeqCst);
                if self.left.load(Ordering::SeqCst) > 0 {
                    self.left.fetch_sub(1, Ordering::SeqCst);
                    if self.left.load(Ordering::SeqCst) == 0 {
                        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
                            Some(if self.after.load(Ordering::SeqCst) {
                                Moment::AfterCommit
                            } else {
                                Moment::BeforeCommit
                            });
                    }
                }
            }
            let ends = *self.last.lock().unwrap_or_else(PoisonError::into_inner) == Some(moment);
            if ends {
                self.ended.store(true, Ordering::SeqCst);
                self.told.notify_one();
            }
            ends
        }
    }

    thread_local! {
        static PROBE: RefCell<Option<Arc<Probe>>> = const { RefCell::new(None) };
    }

    /// Stores that this thread opens from now on end as this probe says.
    pub fn probe_with(probe: Option<Arc<Probe>>) {
        PROBE.with(|slot| *slot.borrow_mut() = probe);
    }

    /// What a writer asks.
    #[derive(Clone, Default)]
    pub(crate) struct Ends(Option<Arc<Probe>>);

    impl Ends {
        pub(crate) fn here() -> Self {
            Self(PROBE.with(|slot| slot.borrow().clone()))
        }

        pub(crate) fn at(&self, moment: Moment) -> bool {
            self.0.as_ref().is_some_and(|probe| probe.ends(moment))
        }

        /// A write is under way for as long as this is held.
        pub(crate) fn asked(&self) -> Asked {
            if let Some(probe) = &self.0 {
                probe.under_way.fetch_add(1, Ordering::SeqCst);
            }
            Asked(self.0.clone())
        }
    }

    pub(crate) struct Asked(Option<Arc<Probe>>);

    impl Drop for Asked {
        fn drop(&mut self) {
            if let Some(probe) = &self.0 {
                probe.under_way.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

#[cfg(not(feature = "planted"))]
mod off {
    use super::{Bug, Moment};

    /// Whether mistakes can be planted in this build.
    pub const PLANTED: bool = false;

    /// Whether this mistake is to be made: never, in this build.
    #[inline(always)]
    pub const fn planted(_: Bug) -> bool {
        false
    }

    /// What a writer asks: nothing, in this build.
    #[derive(Clone, Copy, Default)]
    pub(crate) struct Ends;

    impl Ends {
        #[inline(always)]
        pub(crate) const fn here() -> Self {
            Self
        }

        #[inline(always)]
        pub(crate) const fn at(&self, _: Moment) -> bool {
            false
        }

        #[inline(always)]
        pub(crate) const fn asked(&self) -> Asked {
            Asked
        }
    }

    pub(crate) struct Asked;
}

#[cfg(not(feature = "planted"))]
pub(crate) use off::Ends;
#[cfg(not(feature = "planted"))]
pub use off::{PLANTED, planted};
#[cfg(feature = "planted")]
pub(crate) use on::Ends;
#[cfg(feature = "planted")]
pub use on::{PLANTED, Probe, plant, planted, probe_with};
