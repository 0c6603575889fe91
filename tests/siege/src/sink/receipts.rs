//! What a sink got, written down before it answers.

use crate::{
    journal::Journal,
    record::{Answer, Channel, Received, now_us},
};
use anyhow::Result;
use std::{
    path::Path,
    sync::atomic::{AtomicI64, AtomicUsize, Ordering},
};

/// The record of both sinks.
#[derive(Debug)]
pub struct Receipts {
    journal: Journal,
    taken: AtomicUsize,
    lines: AtomicUsize,
    last_us: AtomicI64,
}

impl Receipts {
    /// Opens the record, or makes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            journal: Journal::open(path)?,
            taken: AtomicUsize::new(0),
            lines: AtomicUsize::new(0),
            last_us: AtomicI64::new(0),
        })
    }

    /// Writes down what was read; returns when it is on the disk.
    ///
    /// # Errors
    /// Those of the file system: then nothing must be answered.
    pub fn read(&self, channel: Channel, seen: Seen<'_>, answer: Answer) -> Result<()> {
        let at_us = now_us();
        let took = answer.took();
        let line = Received {
            at_us,
            channel,
            to: seen.to.to_owned(),
            id: seen.id.to_owned(),
            receipt: seen.receipt.to_owned(),
            mark: seen.mark.to_owned(),
            hash: seen.hash.to_owned(),
            answer,
        };
        self.journal.append(&[line])?;
        self.lines.fetch_add(1, Ordering::Relaxed);
        if took {
            self.taken.fetch_add(1, Ordering::Relaxed);
            self.last_us.store(at_us, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How many messages were taken so far, repeats counted.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// When the last message was taken, microseconds since 1970; 0 where none was.
    pub fn last_us(&self) -> i64 {
        self.last_us.load(Ordering::Relaxed)
    }
}

/// What a sink saw of a message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// The recipient of the envelope.
    pub to: &'a str,
    /// What it calls itself.
    pub id: &'a str,
    /// What the sink calls it.
    pub receipt: &'a str,
    /// What stands in square brackets.
    pub mark: &'a str,
    /// SHA-256 of its bytes.
    pub hash: &'a str,
}
