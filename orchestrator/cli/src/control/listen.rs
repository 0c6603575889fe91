//! The door of a running instance.

use super::{Answer, Ask, Desk, Door, Envelope, LINE_BYTES_MAX};
use crate::{
    exit,
    instance::random_token,
    place::{self, Place},
};
use std::sync::Arc;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::watch,
};

/// A door that stands open; whoever comes waits inside until there is a desk.
pub(crate) struct Opened(watch::Sender<Option<Arc<Desk>>>);

impl Opened {
    /// From here on those who wait, and those who come, are served.
    pub(crate) fn serve(&self, desk: &Arc<Desk>) {
        self.0.send_replace(Some(Arc::clone(desk)));
    }
}

/// Takes commands from now on and says where in the data folder: before anything else listens, so that no command finds an
/// instance without its door. They wait until it is ready, and are turned away if it does not come to that. Ends with the
/// runtime.
pub(crate) async fn listen(place: &Place) -> anyhow::Result<Opened> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let door = Door {
        address: listener.local_addr()?,
        token: random_token()?,
        pid: std::process::id(),
        folder: store::FileMark::of(place.folder()),
    };
    place::write_private(&place.control(), serde_json::to_string(&door)?.as_bytes())?;
    let (opened, ready) = watch::channel(None::<Arc<Desk>>);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (mut ready, token) = (ready.clone(), door.token.clone());
                    tokio::spawn(async move {
                        let Ok(desk) = ready.wait_for(Option::is_some).await.map(|desk| desk.clone()) else {
                            return;
                        };
                        let Some(desk) = desk else { return };
                        if let Err(error) = serve(stream, &desk, &token).await {
                            tracing::debug!("A command was not answered: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("A command could not be taken: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(Opened(opened))
}

async fn serve(stream: TcpStream, desk: &Desk, token: &str) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    let envelope: Envelope<serde_json::Value> = serde_json::from_str(&line)?;
    // Compared by hash: how long it takes says nothing about the token.
    let hash = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    if hash(&envelope.token).as_ref() != hash(token).as_ref() {
        return Ok(());
    }
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let performed = async {
        let tell = tell;
        match serde_json::from_value::<Ask>(envelope.ask) {
            Ok(ask) => desk.perform(ask, &move |news| drop(tell.send(news))).await,
            Err(error) => Err(exit::Fault::usage(format!(
                "the running instance does not understand this command ({error}): it is of another version, restart it"
            ))
            .into()),
        }
    };
    let telling = async {
        // Somebody who has gone away does not stop what was begun.
        while let Some(news) = told.recv().await {
            let _ = send(&mut write, &Answer::News(news)).await;
        }
    };
    let (done, ()) = tokio::join!(performed, telling);
    let answer = match done {
        Ok(value) => Answer::Done(value),
        Err(error) => {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            Answer::Fault { exit: exit::code(&error) as u8, text: causes.join(": ") }
        }
    };
    send(&mut write, &answer).await?;
    write.shutdown().await?;
    Ok(())
}

async fn send(write: &mut OwnedWriteHalf, answer: &Answer) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(answer)?;
    text.push('\n');
    write.write_all(text.as_bytes()).await?;
    Ok(())
}
