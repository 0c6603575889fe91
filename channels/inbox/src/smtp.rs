//! The SMTP listener: RFC 5321 to the letter, on loopback.

mod command;
mod lines;
mod session;

use crate::store::Store;
use session::Session;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};

/// Conversations at once; more are told to come back.
const CONVERSATIONS_MAX: usize = 200;

/// Takes connections until the listener fails for good or the runtime ends.
pub(crate) async fn serve(listener: TcpListener, store: Store) {
    let places = Arc::new(Semaphore::new(CONVERSATIONS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: a pause lets conversations end.
                tracing::warn!("The inbox cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let store = store.clone();
        let place = places.clone().try_acquire_owned();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut session = Session::new(stream, store);
            // A peer that goes away mid-conversation is its own business.
            let _ = match place {
                Ok(_place) => session.converse().await,
                Err(_) => session.turn_away().await,
            };
        });
    }
}
