//! Live renders: batches of messages through child processes that are started on demand, watched, killed when a message
//! takes too much, and ended when nothing is to do.
//!
//! A template that never ends, fills the memory or brings the process down costs its own message and nothing else: the
//! child is replaced and the rest of the batch goes on.

use crate::frame::{Answer, Ask, encode, length};
use crate::limits::ended;
use crate::request::{RenderError, RenderRequest, Rendered};
use crate::templates::Templates;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

/// How children are run.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The program, our own binary.
    pub program: PathBuf,
    /// Its arguments: the hidden sub-command.
    pub arguments: Vec<String>,
    /// Children at once, at most.
    pub children_max: usize,
    /// CPU time of one message, at most.
    pub cpu_max: Duration,
    /// Time of one message by the wall clock, at most, on a machine too busy to give the child its CPU time.
    pub wall_max: Duration,
    /// After this time without work a child is ended.
    pub idle_max: Duration,
}

/// Renders in children.
#[derive(Debug)]
pub struct Pool {
    options: PoolOptions,
    slots: Vec<Arc<Mutex<Option<Running>>>>,
    next: AtomicUsize,
}

/// A child at work.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// Read and not yet understood.
    buffer: Vec<u8>,
    loaded: BTreeSet<[u8; 32]>,
    used: Instant,
}

/// Why a child gave no answer.
pub(crate) enum Silence {
    /// It used its CPU time up.
    Time,
    /// It ended by its own fault, as it does when it runs out of memory.
    Broken,
    /// It ended, and nothing says that the message was the cause.
    Gone,
    /// It could not be started or spoken to, or had no CPU time for long.
    Unavailable(String),
}

impl PoolOptions {
    /// This very program with the sub-command `render-child`, one child, 250 ms per message.
    ///
    /// # Errors
    /// Where the system does not say which program this is.
    pub fn this_program() -> io::Result<Self> {
        // By this name Linux finds the very program that runs, also after another version was put in its place: parent and
        // child must be of one kind.
        let running = PathBuf::from("/proc/self/exe");
        Ok(Self {
            program: if running.exists() { running } else { std::env::current_exe()? },
            arguments: vec!["render-child".to_owned()],
            children_max: 1,
            cpu_max: Duration::from_millis(250),
            wall_max: Duration::from_secs(3),
            idle_max: Duration::from_secs(60),
        })
    }

    /// How long to wait for one message by the wall clock: where nobody counts the child's CPU time, that is all there is.
    pub(crate) fn patience(&self) -> Duration {
        if cfg!(target_os = "linux") { self.wall_max } else { self.cpu_max }
    }
}

impl Pool {
    /// A pool without any child yet.
    pub fn new(options: PoolOptions) -> Self {
        let slots = (0..options.children_max.max(1)).map(|_| Arc::new(Mutex::new(None))).collect();
        Self { options, slots, next: AtomicUsize::new(0) }
    }

    /// Renders a batch; the answers stand in the order of the requests. Batches of 50 to 500 keep the way to the child
    /// cheap.
    pub async fn render(
        &self,
        templates: &Templates,
        requests: &[RenderRequest],
    ) -> Vec<Result<Rendered, RenderError>> {
        let slot = self.slot();
        let mut running = slot.lock().await;
        let mut answers = Vec::with_capacity(requests.len());
        let mut fresh_failures = 0;
        while answers.len() < requests.len() {
            let rest = &requests[answers.len()..];
            let before = answers.len();
            let Err(silence) = self.batch(&mut running, templates, rest, &mut answers).await else { break };
            if let Some(child) = running.take() {
                child.end().await;
            }
            let Some(culprit) = requests.get(answers.len()) else { break };
            let bound = |reason: String| RenderError::Bound { message: culprit.message.clone(), reason };
            match silence {
                Silence::Time => {
                    answers.push(Err(bound(format!(
                        "it took more than {} ms",
                        self.options.cpu_max.as_millis()
                    ))));
                }
                Silence::Gone if fresh_failures == 0 && answers.len() == before => {
                    // A child may have been killed from outside between two batches: one new try tells.
                    fresh_failures += 1;
                    continue;
                }
                Silence::Broken | Silence::Gone => {
                    answers.push(Err(bound(
                        "it took more memory than a message may, or broke the renderer".to_owned(),
                    )));
                }
                Silence::Unavailable(reason) => {
                    while answers.len() < requests.len() {
                        answers.push(Err(RenderError::Unavailable { reason: reason.clone() }));
                    }
                }
            }
            fresh_failures = 0;
        }
        if let Some(child) = running.as_mut() {
            child.used = Instant::now();
        }
        answers
    }

    /// The process ids of the children that run now, for the operator's memory figures.
    pub async fn children(&self) -> Vec<u32> {
        let mut ids = Vec::new();
        for slot in &self.slots {
            ids.extend(slot.lock().await.as_ref().and_then(|running| running.child.id()));
        }
        ids
    }

    /// A slot that is free, else the next one.
    fn slot(&self) -> Arc<Mutex<Option<Running>>> {
        let free = self.slots.iter().find(|slot| slot.try_lock().is_ok_and(|running| running.is_some()));
        let free = free.or_else(|| self.slots.iter().find(|slot| slot.try_lock().is_ok()));
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        Arc::clone(free.unwrap_or(&self.slots[turn]))
    }

    async fn batch(
        &self,
        running: &mut Option<Running>,
        templates: &Templates,
        requests: &[RenderRequest],
        answers: &mut Vec<Result<Rendered, RenderError>>,
    ) -> Result<(), Silence> {
        if running.is_none() {
            *running = Some(Running::start(&self.options)?);
            self.watch_idle();
        }
        let Some(child) = running.as_mut() else { return Err(Silence::Gone) };
        let id = child.load(templates, &self.options).await?;
        let cpu_max = self.options.cpu_max;
        child.send(&Ask::Render { id, cpu_max, requests: requests.to_vec() }).await?;
        for _ in requests {
            match child.answer(self.options.patience()).await? {
                Answer::Rendered(result) => answers.push(*result),
                _ => return Err(Silence::out_of_turn()),
            }
        }
        Ok(())
    }

    /// Ends children that have nothing to do.
    fn watch_idle(&self) {
        let idle = self.options.idle_max;
        let slots: Vec<_> = self.slots.iter().map(Arc::downgrade).collect();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(idle).await;
                let mut left = false;
                for slot in &slots {
                    let Some(slot) = slot.upgrade() else { return };
                    let Ok(mut running) = slot.try_lock() else {
                        left = true;
                        continue;
                    };
                    if running.as_ref().is_some_and(|child| child.used.elapsed() >= idle) {
                        *running = None;
                    }
                    left |= running.is_some();
                }
                if !left {
                    return;
                }
            }
        });
    }
}

impl Silence {
    pub(crate) fn out_of_turn() -> Self {
        Self::Unavailable("the child answered out of turn".to_owned())
    }
}

impl Running {
    /// A child that has nothing loaded yet.
    pub(crate) fn start(options: &PoolOptions) -> Result<Self, Silence> {
        let unavailable =
            |why: &dyn std::fmt::Display| Silence::Unavailable(format!("the child did not start: {why}"));
        let mut child = Command::new(&options.program)
            .args(&options.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| unavailable(&error))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unavailable(&"a pipe is missing"));
        };
        let loaded = BTreeSet::new();
        Ok(Self { child, input, output, buffer: Vec::new(), loaded, used: Instant::now() })
    }

    /// Ends it, whatever it does.
    pub(crate) async fn end(mut self) {
        // It may be dead already.
        let _ = self.child.kill().await;
    }

    /// Gives it the templates, unless it has them; returns the name that they go by.
    pub(crate) async fn load(
        &mut self,
        templates: &Templates,
        options: &PoolOptions,
    ) -> Result<[u8; 32], Silence> {
        let (id, bytes) = templates.stored();
        if !self.loaded.contains(&id) {
            self.send(&Ask::Load { id, bytes: bytes.to_vec() }).await?;
            match self.answer(options.wall_max).await? {
                Answer::Loaded(Ok(())) => self.loaded.insert(id),
                Answer::Loaded(Err(reason)) => return Err(Silence::Unavailable(reason)),
                _ => return Err(Silence::out_of_turn()),
            };
        }
        Ok(id)
    }

    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<(), Silence> {
        let bytes = encode(ask).map_err(|e| Silence::Unavailable(e.to_string()))?;
        // While a large batch is written the child may already answer; both pipes must flow.
        let mut written = 0;
        while written < bytes.len() {
            tokio::select! {
                result = self.input.write(&bytes[written..]) => match result {
                    Ok(0) | Err(_) => return Err(Silence::Gone),
                    Ok(count) => written += count,
                },
                result = self.output.read_buf(&mut self.buffer) => match result {
                    Ok(0) | Err(_) => return Err(Silence::Gone),
                    Ok(_) => {}
                },
            }
        }
        self.input.flush().await.map_err(|_| Silence::Gone)
    }

    /// The next answer, or why there is none after so long by the wall clock.
    pub(crate) async fn answer(&mut self, wall_max: Duration) -> Result<Answer, Silence> {
        let until = tokio::time::Instant::now() + wall_max;
        loop {
            if let Some(answer) = self.understood()? {
                return Ok(answer);
            }
            match tokio::time::timeout_at(until, self.output.read_buf(&mut self.buffer)).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0) | Err(_)) => {
                    return Err(self.child.wait().await.map_or(Silence::Gone, ended));
                }
                // Who does not keep its CPU time there is late by the wall clock.
                Err(_) if !cfg!(target_os = "linux") => return Err(Silence::Time),
                Err(_) => {
                    return Err(Silence::Unavailable("the machine is too busy to render".to_owned()));
                }
            }
        }
    }

    /// A whole answer, where one has been read.
    fn understood(&mut self) -> Result<Option<Answer>, Silence> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = length(*head).ok_or_else(|| Silence::Unavailable("a frame is too large".to_owned()))?;
        let Some(frame) = self.buffer.get(4..4 + length) else { return Ok(None) };
        let answer = postcard::from_bytes(frame).map_err(|e| Silence::Unavailable(e.to_string()))?;
        self.buffer.drain(..4 + length);
        Ok(Some(answer))
    }
}
