#![doc = include_str!("../README.md")]

mod item;
mod push;
mod read;
mod receipts;
mod sms;
mod smtp;
mod store;
mod webhook;

pub use item::{Arrived, Filter, Item, Listing, Page, Summary};

use axum::Router;
use item::Arrival;
use std::{net::SocketAddr, path::Path, sync::Arc};
use store::Store;
use tokio::{net::TcpListener, sync::broadcast};

/// Why the inbox cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The database fails.
    #[error("the inbox's database fails: {0}; it holds test messages alone, so it can be deleted")]
    Database(#[from] sqlx::Error),
    /// A listener cannot be opened.
    #[error("the inbox cannot listen on {address}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Only this machine may deliver here.
    #[error(
        "{0} is not a loopback address: the inbox takes what this machine sends, unencrypted; use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// The writer is gone, since the runtime is shutting down.
    #[error("the inbox is closed")]
    Closed,
}

/// The development inbox. Cheap to clone; every clone is the same inbox.
#[derive(Clone)]
pub struct Inbox {
    store: Store,
    push: Arc<push::Tokens>,
}

impl Inbox {
    /// Opens the inbox at `path`, creating it where it is missing. Needs a tokio runtime.
    pub async fn open(path: &Path) -> Result<Self, InboxError> {
        Self::open_at(path, store::now).await
    }

    /// The same, where another clock than the machine's says when something arrives: in the demo that of the business, so
    /// that a mail of its November is not from today.
    pub async fn open_at(
        path: &Path,
        clock: impl Fn() -> words::Timestamp + Send + Sync + 'static,
    ) -> Result<Self, InboxError> {
        let store = Store::open(path, Arc::new(clock)).await?;
        Ok(Self { store, push: Arc::new(push::Tokens::default()) })
    }

    /// Takes mail at `address` (port 0: a free one) until the runtime ends. Returns where it listens.
    pub async fn serve_smtp(&self, address: SocketAddr) -> Result<SocketAddr, InboxError> {
        let (listener, bound) = listen(address).await?;
        tokio::spawn(smtp::serve(listener, self.store.clone()));
        Ok(bound)
    }

    /// Answers the provider endpoints at `address` (port 0: a free one) until the runtime ends. Returns where it listens.
    pub async fn serve_http(&self, address: SocketAddr) -> Result<SocketAddr, InboxError> {
        let (listener, bound) = listen(address).await?;
        let router = self.router();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!("The inbox's provider endpoints stopped: {error}");
            }
        });
        Ok(bound)
    }

    /// The provider endpoints: Twilio's messages, FCM with its token endpoint, and `/webhook/…` for anything else.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(sms::router(self.store.clone()))
            .merge(push::router(self.store.clone(), self.push.clone()))
            .merge(webhook::router(self.store.clone()))
    }

    /// What arrived, newest first.
    pub async fn list(&self, filter: &Filter, page: Page) -> Result<Listing, InboxError> {
        self.store.list(filter, page).await
    }

    /// How many of the kept messages `filter` finds.
    pub async fn count(&self, filter: &Filter) -> Result<u64, InboxError> {
        self.store.count(filter).await
    }

    /// One message, parsed.
    pub async fn get(&self, id: i64) -> Result<Option<Item>, InboxError> {
        Ok(self.store.get(id).await?.map(|(id, at, arrival)| read::item(id, at, arrival)))
    }

    /// Deletes everything that arrived.
    pub async fn clear(&self) -> Result<(), InboxError> {
        self.store.clear().await
    }

    /// Deletes what went to these addresses, and its bytes with it: a customer is erased. Returns how many there were.
    pub async fn forget(&self, recipients: &[String]) -> Result<u64, InboxError> {
        self.store.forget(recipients).await
    }

    /// Every message from now on, told after it is stored. A reader that falls 1,000 behind misses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arrived> {
        self.store.subscribe()
    }
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inbox")
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), InboxError> {
    if !address.ip().is_loopback() {
        return Err(InboxError::NotLoopback(address));
    }
    let failed = |source| InboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
