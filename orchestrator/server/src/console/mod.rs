//! The console: pages for the people who run Tabi. Rendered here, in English and Japanese; no page needs JavaScript.
//!
//! Every page is one line of `PAGES`, with what it needs of whoever asks. The guard reads that table, and so does the
//! test that crosses it with all roles.

mod acts;
mod assets;
mod content;
mod customers;
pub(crate) mod fuzz;
mod graph;
mod guard;
mod inbox;
mod japanese;
mod journeys;
mod language;
mod messages;
mod overview;
mod page;
mod reads;
mod role;
mod sending;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod titles;
mod tries;
mod troubles;
mod view;
mod visit;

pub use customers::zone_source;
pub use language::{label, outcome, particulars, word};
pub use role::{Right, Role};
pub use sending::TakenOver;
pub use session::setup_link;
pub use titles::Titles;
pub use view::{money, refused};

use crate::App;
use axum::Router;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures::future::BoxFuture;
use http::{Method, Request};
use language::Words;
use serde_json::json;
use std::sync::{Arc, LazyLock};
use store::{AuditEvent, AuditKind};
use tera::Tera;
use tokio::sync::Semaphore;
use visit::{Failure, Visit};
use words::{CustomerId, Language};

/// What all requests share.
pub(crate) struct Console {
    pub(crate) app: App,
    tries: tries::Tries,
    hashing: Semaphore,
    openings: content::Openings,
    looks: inbox::Looks,
    // Made when somebody first looks: three megabytes that an installation without visitors never needs.
    en: LazyLock<Speech>,
    ja: LazyLock<Speech>,
}

struct Speech {
    words: Arc<Words>,
    tera: Tera,
}

/// What a page needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: whoever comes may see it.
    Nobody,
    /// Somebody who has signed in and may do this.
    Right(Right),
}

type Go = fn(Visit) -> BoxFuture<'static, Result<Response, Failure>>;

/// One page.
pub(crate) struct Page {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    go: Go,
}

macro_rules! page {
    ($method:ident $path:literal, $needs:expr, $handler:path) => {
        Page { method: Method::$method, path: $path, needs: $needs, go: |visit| Box::pin($handler(visit)) }
    };
}

/// Every page of the console.
pub(crate) static PAGES: &[Page] = {
    use Needs::{Nobody, Right as May};
    use role::Right::{
        Access, Advance, Content, Export, Look, Notices, Own, People, Reads, Release, Send, Settle, Stop,
    };
    &[
        page!(GET "/", Nobody, overview::home),
        page!(GET "/console/assets/{name}", Nobody, assets::show),
        page!(GET "/console/sign-in", Nobody, session::form),
        page!(POST "/console/sign-in", Nobody, session::sign_in),
        page!(GET "/console/setup", Nobody, session::setup_form),
        page!(POST "/console/setup", Nobody, session::setup),
        page!(POST "/console/sign-out", May(Own), session::sign_out),
        page!(GET "/console", May(Look), overview::show),
        page!(GET "/console/journeys", May(Look), journeys::list),
        page!(GET "/console/journeys/{name}", May(Look), journeys::show),
        page!(GET "/console/customers", May(People), customers::search),
        page!(GET "/console/customers/{id}", May(People), customers::show),
        page!(GET "/console/messages", May(People), messages::list),
        page!(POST "/console/messages/export", May(Export), messages::export),
        page!(GET "/console/messages/{id}", May(People), messages::show),
        page!(POST "/console/messages/{id}/open", May(Content), content::open),
        page!(GET "/console/content/{key}/{part}", May(Content), content::part),
        page!(GET "/console/inbox", May(People), inbox::list),
        page!(GET "/console/inbox/{id}", May(People), inbox::show),
        page!(GET "/console/inbox/{id}/{part}", May(People), inbox::part),
        page!(GET "/console/troubles", May(Look), troubles::show),
        page!(POST "/console/troubles/settle", May(Settle), troubles::settle),
        page!(POST "/console/troubles/replay", May(Settle), troubles::replay),
        page!(POST "/console/troubles/seen", May(Notices), troubles::seen),
        page!(GET "/console/reads", May(Reads), reads::list),
        page!(GET "/console/acts", May(Reads), acts::list),
        page!(GET "/console/settings", May(Look), settings::show),
        page!(POST "/console/settings/keys", May(Access), settings::create_key),
        page!(POST "/console/settings/keys/revoke", May(Access), settings::revoke_key),
        page!(POST "/console/settings/operators", May(Access), settings::put_operator),
        page!(POST "/console/settings/operators/disable", May(Access), settings::disable_operator),
        page!(POST "/console/settings/releases", May(Release), settings::bring_back),
        page!(GET "/console/sending", May(Look), sending::show),
        page!(POST "/console/sending/stop", May(Stop), sending::stop),
        page!(POST "/console/sending/resume", May(Send), sending::resume),
        page!(POST "/console/sending/go-live", May(Send), sending::go_live),
        page!(POST "/console/sending/end-live", May(Send), sending::end_live),
        page!(POST "/console/sending/release", May(Send), sending::release_held),
        page!(POST "/console/advance", May(Advance), sending::advance),
        page!(GET "/console/{*rest}", May(Look), overview::nothing),
    ]
};

impl Console {
    fn new(app: App) -> Self {
        Self {
            app,
            tries: tries::Tries::default(),
            hashing: Semaphore::new(2),
            openings: content::Openings::default(),
            looks: inbox::Looks::default(),
            en: LazyLock::new(|| Speech::of(Language::En)),
            ja: LazyLock::new(|| Speech::of(Language::Ja)),
        }
    }

    fn speech(&self, language: Language) -> &Speech {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
        }
    }

    pub(crate) fn words(&self, language: Language) -> &Words {
        &self.speech(language).words
    }

    pub(crate) fn templates(&self, language: Language) -> &Tera {
        &self.speech(language).tera
    }

    /// Writes down what a person did or read.
    pub(crate) async fn write_down(
        &self,
        visit: &Visit,
        kind: AuditKind,
        customer: Option<CustomerId>,
        subject: Option<[u8; 16]>,
        mut body: serde_json::Value,
    ) -> Result<(), Failure> {
        if !visit.name().is_empty() {
            body["by"] = json!(visit.name());
        }
        let at = self.app.clock.now();
        let event = AuditEvent { kind, at, customer, subject, body: body.to_string() };
        Ok(self.app.store.write_down(vec![event]).await?)
    }
}

impl Speech {
    fn of(language: Language) -> Self {
        let words = Arc::new(Words::of(language));
        let mut tera = Tera::default();
        let of_filter = words.clone();
        tera.register_filter("t", move |key: &str, kwargs: tera::Kwargs, state: &tera::State<'_>| {
            language::filter(&of_filter, key, &kwargs, state)
        });
        if let Err(error) = tera.add_raw_templates(assets::templates()) {
            tracing::error!("The console's own templates have an error: {error}");
        }
        Self { words, tera }
    }
}

/// The console's pages.
pub fn router(app: App) -> Router {
    let console = Arc::new(Console::new(app));
    let mut router = Router::new();
    for page in PAGES {
        let filter = if page.method == Method::POST { MethodFilter::POST } else { MethodFilter::GET };
        let console = console.clone();
        let handler = move |path: RawPathParams, request: Request<Body>| {
            let console = console.clone();
            async move { guard::serve(console, page, path, request).await }
        };
        router = router.route(page.path, on(filter, handler));
    }
    router
}
