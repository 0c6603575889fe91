//! A mail server that keeps what it accepted, outside the process that is killed: the siege's, in its kindest mood.

use siege::sink::{
    Conduct, Listening,
    smtp::{self, Postmaster},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

pub(super) use smtp::Mail;

/// The server. It ends with its last clone.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    kept: Arc<Kept>,
    _listening: Arc<Listening>,
}

struct Kept {
    mails: Mutex<Vec<Mail>>,
    slow: Duration,
}

impl Postmaster for Kept {
    fn conduct(&self, _: &str) -> Conduct {
        Conduct::Slow(self.slow)
    }

    fn keep(&self, mail: &Mail, _: Conduct) -> std::io::Result<()> {
        self.mails.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl Sink {
    /// Listens; waits `slow` before it says yes to a message, so that a crash can fall in between.
    pub(super) fn listen(slow: Duration) -> Self {
        let kept = Arc::new(Kept { mails: Mutex::default(), slow });
        let listening = smtp::serve(Arc::clone(&kept)).unwrap();
        Self { address: listening.address(), kept, _listening: Arc::new(listening) }
    }

    /// Everything accepted so far.
    pub(super) fn mails(&self) -> Vec<Mail> {
        self.kept.mails.lock().unwrap().clone()
    }
}
