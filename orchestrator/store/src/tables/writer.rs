//! The one writer: takes what is queued, commits it together, then answers.
//!
//! On SQLite one thread with a connection of its own. Where several commands meet in one commit each runs under a
//! savepoint, so that one that fails changes nothing of its neighbours. Nobody waits for company: whatever is queued when
//! the last commit ends makes the next group. Answers are sent after the commit alone.
//!
//! On PostgreSQL a few threads, each with a connection: a transaction is one command, since what several customers' commands
//! lock in one transaction could be locked the other way round elsewhere; the server commits together what ends together.
//! Events that wait meet in one transaction there too: their customers are locked in order.

use super::base::Base;
use super::bits;
use super::hints::{Hints, STEPS};
use super::ingest::{IngestReply, Prepared, write_events};
use super::open::in_turn;
use super::tally::Tally;
use crate::StoreError;
use crate::planted::{Bug, Ends, Moment, planted};
use db::Conn;
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// At most this many commands in one commit.
const GROUP_MAX: usize = 512;

/// What a command writes with.
pub(crate) struct Tx {
    pub(crate) conn: Conn,
    pub(crate) after: After,
    pub(crate) tally: Tally,
}

/// What happens once the commit is durable.
#[derive(Default)]
pub(crate) struct After {
    /// (lane, shard, due).
    hints: Vec<(i64, u16, i64)>,
}

impl After {
    /// A customer of this shard falls due.
    pub(crate) fn step_due(&mut self, shard: u16, due: i64) {
        self.hints.push((STEPS, shard, due));
    }

    /// What another list holds, too.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.hints.append(&mut other.hints);
    }

    /// A delivery of this shard falls due on the channel with this symbol.
    pub(crate) fn send_due(&mut self, channel: i64, shard: u16, due: i64) {
        self.hints.push((channel, shard, due));
    }
}

/// What waits to be answered after the commit.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Job = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Answer, (StoreError, Answer)>> + Send>;

pub(crate) enum Command {
    /// Events; those of one group are written together.
    Ingest(Vec<Prepared>, oneshot::Sender<IngestReply>),
    Job(Job),
    Close(oneshot::Sender<()>),
}

/// The shared side of the wake-ups.
pub(crate) struct Wakeups {
    pub(crate) hints: Hints,
    pub(crate) steps: watch::Sender<u64>,
    pub(crate) sends: watch::Sender<u64>,
    /// The place of the live release among all that ever were.
    pub(crate) releases: watch::Sender<u64>,
}

impl Wakeups {
    pub(crate) fn new() -> Self {
        Self {
            hints: Hints::default(),
            steps: watch::Sender::new(0),
            sends: watch::Sender::new(0),
            releases: watch::Sender::new(0),
        }
    }

    pub(crate) fn lower(&self, lane: i64, shard: u16, due: i64) -> bool {
        self.hints.lower(lane, shard, due)
    }

    pub(crate) fn apply(&self, after: After) {
        let (mut steps, mut sends) = (false, false);
        for (lane, shard, due) in after.hints {
            if self.hints.lower(lane, shard, due) {
                steps |= lane == STEPS;
                sends |= lane != STEPS;
            }
        }
        if steps {
            self.steps.send_modify(|n| *n += 1);
        }
        if sends {
            self.sends.send_modify(|n| *n += 1);
        }
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    sender: mpsc::Sender<Command>,
    writers: usize,
    ends: Ends,
}

impl Writer {
    /// Starts a writer on each connection. To be called within a runtime.
    pub(crate) fn start(
        conns: Vec<Conn>,
        base: &Arc<Base>,
        wakeups: &Arc<Wakeups>,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(4 * GROUP_MAX);
        let writers = conns.len();
        let queue = Arc::new(Mutex::new(receiver));
        for conn in conns {
            let one = One {
                tx: Tx { conn, after: After::default(), tally: Tally::default() },
                base: base.clone(),
                wakeups: wakeups.clone(),
                ends: Ends::here(),
            };
            let (queue, runtime) = (queue.clone(), tokio::runtime::Handle::current());
            std::thread::Builder::new()
                .name("writer".to_owned())
                .spawn(move || {
                    let _within = runtime.enter();
                    one.run(&queue);
                })
                .map_err(|error| StoreError::Unavailable(format!("no thread for the writer: {error}")))?;
        }
        Ok(Self { sender, writers, ends: Ends::here() })
    }

    /// Runs `command` in the writer, with others or alone; answers when it is durable.
    pub(crate) async fn write<T, F>(&self, command: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let _under_way = self.ends.asked();
        let (reply, answer) = oneshot::channel::<Result<T, StoreError>>();
        let job: Job = Box::new(move |tx| {
            Box::pin(async move {
                match command(tx).await {
                    Ok(value) => Ok(Box::new(move |committed: Result<(), StoreError>| {
                        let _ = reply.send(committed.map(|()| value));
                    }) as Answer),
                    Err(error) => {
                        let answer: Answer = Box::new(move |why: Result<(), StoreError>| {
                            if let Err(why) = why {
                                let _ = reply.send(Err(why));
                            }
                        });
                        Err((error, answer))
                    }
                }
            })
        });
        self.sender.send(Command::Job(job)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| unanswered())?
    }

    pub(crate) async fn ingest(&self, events: Vec<Prepared>) -> IngestReply {
        let _under_way = self.ends.asked();
        let (reply, answer) = oneshot::channel();
        self.sender.send(Command::Ingest(events, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| unanswered())?
    }

    pub(crate) async fn close(&self) {
        for _ in 0..self.writers {
            let (reply, answer) = oneshot::channel();
            if self.sender.send(Command::Close(reply)).await.is_ok() {
                let _ = answer.await;
            }
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

/// The command was dropped: no transaction could be begun.
fn unanswered() -> StoreError {
    StoreError::Unavailable("the database is out of reach".to_owned())
}

/// What waits to be written, for whichever writer comes first.
type Queue = Mutex<mpsc::Receiver<Command>>;

/// One thread that writes.
struct One {
    tx: Tx,
    base: Arc<Base>,
    wakeups: Arc<Wakeups>,
    ends: Ends,
}

impl One {
    fn run(mut self, queue: &Queue) {
        let together = !self.tx.conn.is_postgres();
        while let Some((commands, closing)) = next(queue, together) {
            if !commands.is_empty() {
                in_turn(self.commit_group(commands));
                if self.ends.at(Moment::AfterCommit) {
                    return;
                }
            }
            if let Some(reply) = closing {
                self.close();
                let _ = reply.send(());
                return;
            }
        }
        self.close();
    }

    fn close(self) {
        let conn = self.tx.conn;
        if !conn.is_postgres() {
            let _ = conn.run("pragma wal_checkpoint(truncate)");
        }
        conn.close();
    }

    /// Begins a transaction, on another connection where the last one was lost.
    fn begin(&mut self) -> Result<(), StoreError> {
        if self.tx.conn.lost() {
            self.tx.conn = self.base.writer()?;
        }
        self.tx.after = After::default();
        self.tx.tally = Tally::default();
        let begin = if self.tx.conn.is_postgres() { "begin" } else { "begin immediate" };
        Ok(self.tx.conn.run(begin)?)
    }

    async fn commit_group(&mut self, commands: Vec<Command>) {
        if let Err(error) = self.begin() {
            for command in commands {
                match command {
                    Command::Ingest(_, reply) => drop(reply.send(Err(error.again()))),
                    // Dropping it unanswered says that the store could not.
                    Command::Job(job) => drop(job),
                    Command::Close(reply) => drop(reply),
                }
            }
            return;
        }
        let tx = &mut self.tx;
        let mut answers: Vec<Answer> = Vec::new();
        let mut events: Vec<(Vec<Prepared>, oneshot::Sender<IngestReply>)> = Vec::new();
        let mut jobs: Vec<Job> = Vec::new();
        for command in commands {
            match command {
                Command::Ingest(items, reply) => events.push((items, reply)),
                Command::Job(job) => jobs.push(job),
                Command::Close(reply) => drop(reply),
            }
        }
        let alone = events.is_empty() && jobs.len() == 1;
        if !events.is_empty() {
            ingest_together(tx, events, &mut answers).await;
        }
        for job in jobs {
            if !one_job(tx, job, alone, &mut answers).await {
                return;
            }
        }
        if planted(Bug::AnswerBeforeCommit) {
            answers.drain(..).for_each(|answer| answer(Ok(())));
        }
        if self.ends.at(Moment::BeforeCommit) {
            let _ = tx.conn.run("rollback");
            return;
        }
        let committed = finish(tx);
        if self.ends.at(Moment::AfterCommit) {
            return;
        }
        if committed.is_ok() {
            self.wakeups.apply(std::mem::take(&mut tx.after));
        }
        for answer in answers {
            answer(committed.as_ref().copied().map_err(StoreError::again));
        }
    }
}

/// What is written next: all that waits, or, where commands do not meet in a transaction, one command or the events that
/// wait. And who asked for the end, if somebody did. `None`: nobody is left to ask.
fn next(queue: &Queue, together: bool) -> Option<(Vec<Command>, Option<oneshot::Sender<()>>)> {
    let mut receiver = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let mut commands = Vec::new();
    let mut next = receiver.blocking_recv()?;
    loop {
        match next {
            Command::Close(reply) => return Some((commands, Some(reply))),
            command => commands.push(command),
        }
        // Another command's turn is its own.
        let alone = !together && matches!(commands.last(), Some(Command::Job(_)));
        if alone || commands.len() == GROUP_MAX {
            return Some((commands, None));
        }
        match receiver.try_recv() {
            Ok(command) => next = command,
            Err(_) => return Some((commands, None)),
        }
    }
}

/// Flushes figures and bits and commits; on failure nothing of the group is there.
pub(crate) fn finish(tx: &mut Tx) -> Result<(), StoreError> {
    let mut tally = std::mem::take(&mut tx.tally);
    let done = bits::settle(&tx.conn, &mut tally)
        .and_then(|()| tally.flush(&tx.conn))
        .and_then(|()| Ok(tx.conn.run("commit")?));
    if done.is_err() {
        let _ = tx.conn.run("rollback");
    }
    done
}

/// What had been noted before a savepoint.
struct Mark {
    hints: usize,
    tally: Tally,
}

fn savepoint(tx: &mut Tx) -> Result<Mark, StoreError> {
    tx.conn.run("savepoint one")?;
    Ok(Mark { hints: tx.after.hints.len(), tally: std::mem::take(&mut tx.tally) })
}

fn keep(tx: &mut Tx, mark: Mark) -> Result<(), StoreError> {
    tx.conn.run("release one")?;
    let since = std::mem::replace(&mut tx.tally, mark.tally);
    tx.tally.append(since);
    Ok(())
}

fn take_back(tx: &mut Tx, mark: Mark) {
    let _ = tx.conn.run("rollback to one");
    let _ = tx.conn.run("release one");
    tx.after.hints.truncate(mark.hints);
    tx.tally = mark.tally;
}

/// Runs `work` so that it happens whole or not at all within the open transaction.
pub(crate) async fn apart<T>(
    tx: &mut Tx,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    // One name for all of them: the innermost is the one meant.
    let mark = savepoint(tx)?;
    match work(tx).await {
        Ok(value) => {
            keep(tx, mark)?;
            Ok(value)
        }
        Err(error) => {
            take_back(tx, mark);
            Err(error)
        }
    }
}

/// Runs one command; `alone` needs no savepoint, as nobody else's work is in the transaction. Whether there is still a
/// transaction to be committed.
async fn one_job(tx: &mut Tx, job: Job, alone: bool, answers: &mut Vec<Answer>) -> bool {
    if alone {
        return match job(tx).await {
            Ok(answer) => {
                answers.push(answer);
                true
            }
            Err((error, answer)) => {
                let _ = tx.conn.run("rollback");
                answer(Err(error));
                false
            }
        };
    }
    // If even the savepoint fails the job is dropped, and its caller learns that the store could not.
    let Ok(mark) = savepoint(tx) else { return true };
    match job(tx).await {
        Ok(answer) => {
            if keep(tx, mark).is_ok() {
                answers.push(answer);
            }
        }
        Err((error, answer)) => {
            take_back(tx, mark);
            answer(Err(error));
        }
    }
    true
}

async fn ingest_together(
    tx: &mut Tx,
    mut events: Vec<(Vec<Prepared>, oneshot::Sender<IngestReply>)>,
    answers: &mut Vec<Answer>,
) {
    let mut all = Vec::with_capacity(events.iter().map(|(items, _)| items.len()).sum());
    let mut sizes = Vec::with_capacity(events.len());
    for (items, _) in &mut events {
        sizes.push(items.len());
        all.append(items);
    }
    let Ok(mark) = savepoint(tx) else { return };
    match write_events(tx, &all).await {
        Ok(done) => {
            if keep(tx, mark).is_err() {
                return;
            }
            let mut done = done.into_iter();
            for ((_, reply), size) in events.into_iter().zip(sizes) {
                let mine: Vec<_> = done.by_ref().take(size).collect();
                answers.push(Box::new(move |committed| {
                    let _ = reply.send(committed.map(|()| mine));
                }));
            }
        }
        Err(error) if events.len() == 1 => {
            take_back(tx, mark);
            if let Some((_, reply)) = events.pop() {
                let _ = reply.send(Err(error));
            }
        }
        // One of them is bad: each by itself, so that its neighbours do not suffer.
        Err(_) => {
            take_back(tx, mark);
            let mut all = all.into_iter();
            for ((_, reply), size) in events.into_iter().zip(sizes) {
                let mine: Vec<_> = all.by_ref().take(size).collect();
                let Ok(mark) = savepoint(tx) else { return };
                match write_events(tx, &mine).await {
                    Ok(done) => {
                        if keep(tx, mark).is_err() {
                            return;
                        }
                        answers.push(Box::new(move |committed| {
                            let _ = reply.send(committed.map(|()| done));
                        }));
                    }
                    Err(error) => {
                        take_back(tx, mark);
                        let _ = reply.send(Err(error));
                    }
                }
            }
        }
    }
}
