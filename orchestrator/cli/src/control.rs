//! Commands that change something: done by the instance that runs, or by this process where none does.
//!
//! A running instance listens on a loopback port of its own and writes its address with a token into the data folder, in a
//! file that only its owner may read: whoever can read the data can command it, nobody else. One line of JSON asks, one
//! line answers.

mod access;
pub(crate) mod ask;
mod desk;
mod import;
mod listen;
mod people;
mod ready;
mod releases;
mod scope;
mod sending;

pub(crate) use ask::{Ask, Stopped, Who};
pub(crate) use desk::{Desk, Running, find, find_also_erased};
pub(crate) use listen::{Opened, listen};
pub(crate) use ready::placeholders;
pub(crate) use scope::{unknown, unknown_name};
pub(crate) use sending::refusal;

use crate::{
    commands::Context,
    exit::{Exit, Fault},
    instance::{self, Instance},
    place::Place,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// The most bytes of a question or an answer: a project of 64 MiB, in base 64.
const LINE_BYTES_MAX: u64 = 96 << 20;

/// How long a command waits for an installation that another process has, and that opens no door.
pub(crate) const BUSY_MAX: Duration = Duration::from_secs(5);

/// Where a running instance listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Door {
    /// Its loopback port.
    pub(crate) address: SocketAddr,
    /// What it asks for.
    pub(crate) token: String,
    /// Its process.
    pub(crate) pid: u32,
    /// The data folder that it lies in: a copy of the folder is not the running instance's.
    #[serde(default)]
    pub(crate) folder: Option<store::FileMark>,
}

/// A question on its way.
#[derive(Serialize, Deserialize)]
struct Envelope<A> {
    token: String,
    ask: A,
}

/// Takes news while a long command runs.
pub(crate) type Tell<'t> = &'t (dyn Fn(Value) + Send + Sync);

/// An answer on its way.
#[derive(Serialize, Deserialize)]
enum Answer {
    /// News on the way.
    News(Value),
    /// Done.
    Done(Value),
    /// Not done.
    Fault {
        /// Exit code.
        exit: u8,
        /// What is wrong, and what to do.
        text: String,
    },
}

/// Has it done: by the running instance, else here.
pub(crate) async fn ask(context: &Context, ask: Ask) -> anyhow::Result<Value> {
    ask_telling(context, ask, &|_| {}).await
}

/// The same, with news on the way.
pub(crate) async fn ask_telling(context: &Context, ask: Ask, tell: Tell<'_>) -> anyhow::Result<Value> {
    let place = Place::of(&context.common);
    if let Some(answer) = ask_running(&place, &ask, tell).await? {
        return Ok(answer);
    }
    if !ask.makes_data() {
        place.must_be_there().await?;
    }
    let end = tokio::time::Instant::now() + BUSY_MAX;
    let instance = loop {
        match Instance::write(context).await {
            Ok(instance) => break instance,
            Err(error) if instance::in_use(&error) => {
                // It is starting, and its door opens in a moment; or another command is at work, and ends in a moment.
                if let Some(answer) = ask_running(&place, &ask, tell).await? {
                    return Ok(answer);
                }
                if tokio::time::Instant::now() > end {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error),
        }
    };
    let done = Desk::alone(instance.clone()).perform(ask, tell).await;
    instance.close().await;
    done
}

/// The running instance's door, where one runs.
pub(crate) fn door(place: &Place) -> Option<Door> {
    let text = std::fs::read_to_string(place.control()).ok()?;
    let door: Door = serde_json::from_str(&text).ok()?;
    let here = store::FileMark::of(place.folder());
    let elsewhere = door.folder.zip(here).is_some_and(|(its, here)| !its.may_be(here));
    (!elsewhere).then_some(door)
}

/// Whether a running instance takes commands here.
pub(crate) async fn answers(place: &Place) -> bool {
    let Some(door) = door(place) else { return false };
    let knock = tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(door.address));
    matches!(knock.await, Ok(Ok(_)))
}

/// `None`: none runs.
pub(crate) async fn ask_running(place: &Place, ask: &Ask, tell: Tell<'_>) -> anyhow::Result<Option<Value>> {
    let Some(door) = door(place) else { return Ok(None) };
    let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_secs(2), TcpStream::connect(door.address)).await
    else {
        return Ok(None);
    };
    let mut line = serde_json::to_string(&Envelope { token: door.token, ask })?;
    line.push('\n');
    let (read, mut write) = stream.into_split();
    write.write_all(line.as_bytes()).await?;
    let mut read = BufReader::new(read);
    loop {
        let mut answer = String::new();
        (&mut read).take(LINE_BYTES_MAX).read_line(&mut answer).await?;
        if answer.is_empty() {
            // Another process has the port by now, or the token is of an earlier life.
            return Ok(None);
        }
        match serde_json::from_str(&answer)? {
            Answer::News(news) => tell(news),
            Answer::Done(value) => return Ok(Some(value)),
            Answer::Fault { exit, text } => return Err(Fault { exit: exit_of(exit), text }.into()),
        }
    }
}

fn exit_of(code: u8) -> Exit {
    match code {
        2 => Exit::Usage,
        3 => Exit::Unreachable,
        4 => Exit::Refused,
        _ => Exit::Problems,
    }
}
