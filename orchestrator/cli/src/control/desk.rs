//! Who does it.

use super::{Ask, Who};
use crate::{
    adapters::{self, InboxPorts},
    calls::HttpCalls,
    exit::Fault,
    instance::Instance,
};
use anyhow::Context as _;
use release::Release;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::{net::SocketAddr, sync::Arc};
use store::{Identity, NodeRole, NotOne};
use words::CustomerId;
use worker::Machine;

/// The instance, and what runs on it.
pub(crate) struct Desk {
    /// Tables, keys, clocks.
    pub(crate) instance: Instance,
    /// The machine, where this process runs it.
    pub(crate) running: Option<Running>,
}

/// What runs in this process.
pub(crate) struct Running {
    /// Moves customers.
    pub(crate) machine: Arc<Machine>,
    /// Tells the API what is live.
    pub(crate) released: Box<dyn Fn(Arc<Release>) + Send + Sync>,
    /// Where the development inbox listens.
    pub(crate) inbox: InboxPorts,
    /// Makes the calls of journeys.
    pub(crate) calls: Arc<HttpCalls>,
    /// What the outside reaches us by.
    pub(crate) base_url: String,
    /// What this process does.
    pub(crate) role: NodeRole,
    /// Where API and console listen; of a worker, its health, if anything.
    pub(crate) listens: Option<SocketAddr>,
    /// The console as a browser on this machine opens it: `http://127.0.0.1:8080`. `None`: there is none here.
    pub(crate) console: Option<String>,
    /// Imports under way, for API and console to show.
    pub(crate) imports: server::import::Imports,
}

impl Running {
    /// Tells the API what the machine runs.
    pub(super) fn tell_released(&self) {
        if let Some(live) = self.machine.live() {
            (self.released)(Arc::clone(&live.release));
        }
    }
}

impl Desk {
    /// Nothing runs but this command.
    pub(crate) fn alone(instance: Instance) -> Self {
        Self { instance, running: None }
    }

    /// Does it; tells on the way, where it takes long.
    pub(crate) async fn perform(&self, ask: Ask, tell: super::Tell<'_>) -> anyhow::Result<Value> {
        match ask {
            Ask::Status => self.status().await,
            Ask::Deploy { files, by, note } => self.deploy_archive(&files, &by, &note).await,
            Ask::Rollback { to, by } => self.rollback(to, &by).await,
            Ask::GoLive { by } => self.go_live(&by).await,
            Ask::EndLive { by } => self.end_live(&by).await,
            Ask::Stop { scope, by, reason } => self.stop(scope.into(), &by, &reason).await,
            Ask::Resume { scope, by } => {
                let scope = scope.into();
                let done = self.resume(&scope, &by).await?;
                if done["resumed"] == false {
                    return Err(self.no_such_stop(&scope).await?.into());
                }
                Ok(done)
            }
            Ask::ReleaseHeld { by, reason } => self.release_held(&by, &reason).await,
            Ask::AnnounceMove { by } => self.announce_move(&by).await,
            Ask::SendTest { message, channel, to, locale, sample, by } => {
                self.send_test(super::sending::TestMessage { message, channel, to, locale, sample, by }).await
            }
            Ask::Event { who, name, properties, id, occurred_at } => {
                self.event(&who, &name, &properties, id, occurred_at).await
            }
            Ask::ForgetEvent { name } => {
                self.instance.store.forget_unknown_event(&name).await?;
                Ok(json!({"forgotten": name}))
            }
            Ask::Erase { customer, by, reason } => self.erase(customer, &by, &reason).await,
            Ask::Merge { loser, survivor, by } => self.merge(loser, survivor, &by).await,
            Ask::KeyCreate { name, browser, scopes, by, expires_at, replace } => {
                self.key_create(super::access::NewKey { name, browser, scopes, by, expires_at, replace })
                    .await
            }
            Ask::KeyRevoke { name, by } => self.key_revoke(&name, &by).await,
            Ask::OperatorAdd { name, role, password, by } => {
                self.operator_add(name, role, password, &by).await
            }
            Ask::OperatorPassword { name, password, by } => {
                self.operator_password(&name, password, &by).await
            }
            Ask::OperatorDisable { name, disabled, by } => self.operator_disable(&name, disabled, &by).await,
            Ask::Import { path, events, jsonl, columns, dry_run, done_to_line, name } => {
                let file =
                    super::import::ImportFile { path, events, jsonl, columns, dry_run, done_to_line, name };
                self.import(file, tell).await
            }
            Ask::Content { delivery, reader, reason } => self.content(delivery, &reader, &reason).await,
            Ask::Reads { what, about, reader, reason, detail } => {
                let (store, now) = (&self.instance.store, self.instance.now());
                let kind = store::ReadKind::parse(&what)
                    .ok_or_else(|| Fault::usage(format!("`{what}` is nothing that is read")))?;
                let about = about.and_then(|id| match words::MessageId::parse(&id) {
                    Ok(message) => Some(message.0),
                    Err(_) => CustomerId::parse(&id).ok().map(|customer| customer.0),
                });
                store.note_read(kind, &reader, &reason, about, detail, now).await?;
                Ok(json!({"recorded": true}))
            }
        }
    }

    async fn status(&self) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let live = store.live_release().await?;
        let sending = store.sending_live().await?;
        let stops = store.stops().await?;
        Ok(json!({
            "running": self.running.as_ref().map(|running| json!({
                "pid": std::process::id(), "role": running.role.as_str(), "listens": running.listens,
                "console": running.console.as_ref().map(|console| format!("{console}/console")), "base_url": running.base_url,
                "inbox_smtp": running.inbox.smtp, "inbox_http": running.inbox.http,
            })),
            "release": live.as_ref().map(|live| live.release.to_string()),
            "release_at": live.as_ref().map(|live| live.at),
            "sending_live": sending.as_ref().map(|sending| json!({"at": sending.at, "by": sending.by})),
            "held": store.held().map(|held| held.reason),
            "stops": stops.iter().map(|stop| format!("{:?}", stop.scope)).collect::<Vec<_>>(),
            "version": env!("CARGO_PKG_VERSION"),
            "changed": self.instance.config.changed(),
        }))
    }

    /// The adapters as they shall be now.
    pub(crate) async fn choose_adapters(&self) -> anyhow::Result<()> {
        let Some(running) = &self.running else { return Ok(()) };
        let live = self.instance.store.sending_live().await?.is_some();
        let adapters = if live {
            adapters::providers(&self.instance.config, &running.base_url)?
        } else {
            // Reports reach whoever serves.
            let listens = running.console.as_ref().and(running.listens);
            adapters::development(running.inbox, listens)?
        };
        // What providers bear, before anything goes to them; the development inbox bears everything.
        let paces =
            if live { self.instance.config.paces().map_err(Fault::problem)? } else { BTreeMap::new() };
        self.instance.store.set_paces(paces).await?;
        running.machine.set_adapters(adapters);
        running.calls.set_live(live);
        Ok(())
    }

    /// Tells everything that runs what is live now.
    pub(crate) async fn reload(&self) -> anyhow::Result<()> {
        let Some(running) = &self.running else { return Ok(()) };
        running.machine.reload().await.context("the release that is live now cannot be loaded")?;
        running.tell_released();
        Ok(())
    }

    /// The customer meant, where there is one.
    pub(crate) async fn who(&self, who: &Who) -> anyhow::Result<CustomerId> {
        find(&self.instance, who).await
    }
}

/// The customer meant; an error where there is none.
pub(crate) async fn find(instance: &Instance, who: &Who) -> anyhow::Result<CustomerId> {
    let (identity, named) = match who {
        Who::Id(id) => {
            let found = instance.store.customer(*id).await?;
            return found.map(|customer| customer.id).ok_or_else(|| unknown(&id.to_string()));
        }
        Who::UserId(id) => (Identity::user_id(id), id),
        Who::Address(channel, value) => (Identity::address(channel, value), value),
    };
    instance.store.the_one(&identity).await.map_err(|not_one| match not_one {
        NotOne::Nobody => unknown(named),
        NotOne::Several(all) => {
            let ids: Vec<String> = all.iter().map(ToString::to_string).collect();
            let text = format!(
                "{} customers have `{named}`: name one of them by its id: {}",
                ids.len(),
                ids.join(", ")
            );
            Fault::problem(text).into()
        }
        NotOne::Store(error) => error.into(),
    })
}

/// The same, also somebody who was erased, by their id: what is left is the record.
pub(crate) async fn find_also_erased(instance: &Instance, who: &Who) -> anyhow::Result<CustomerId> {
    if let Who::Id(id) = who
        && instance.store.erasure(*id).await?.is_some()
    {
        return Ok(*id);
    }
    find(instance, who).await
}

fn unknown(named: &str) -> anyhow::Error {
    Fault::problem(format!(
        "there is no customer `{named}`: give an id (cus_…), the shop's own id, an e-mail address or a phone number like \
         +819012345678"
    ))
    .into()
}
