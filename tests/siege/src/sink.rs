//! The far side: servers that take messages, write down what they took before they say so, and misbehave by a script.

pub mod http;
pub mod receipts;
pub mod script;
pub mod smtp;

pub use receipts::Receipts;
pub use script::{Conduct, Rates, Script};

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A listener whose every connection has a thread of its own. It ends when it is dropped; conversations that are under way
/// end with their clients.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Listening {
    /// Listens on a free port of this machine. A conversation that fails concerns nobody else.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn serve(
        talk: impl Fn(TcpStream, usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (over, talk) = (Arc::clone(&ended), Arc::new(talk));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let talk = Arc::clone(&talk);
                // Clients that are killed leave in the middle of a word: that is what all this is for.
                std::thread::spawn(move || talk(stream, number).ok());
            }
        });
        Ok(Self { address, ended })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The listener looks up once more.
        TcpStream::connect(self.address).ok();
    }
}

/// What stands in the first square brackets.
pub fn mark(text: &str) -> &str {
    let inside = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    inside.map_or("", |(mark, _)| mark)
}

/// SHA-256 in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_in_the_first_brackets() {
        assert_eq!(mark("Re: [order s-1] and [more]"), "order s-1");
        assert_eq!(mark("nothing"), "");
        assert_eq!(hash(b"abc").get(..8), Some("ba7816bf"));
    }
}
