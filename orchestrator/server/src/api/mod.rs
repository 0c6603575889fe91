//! The API: what comes in.

mod catalogs;
mod consents;
mod customers;
mod events;
pub(crate) mod fuzz;
mod health;
mod idempotency;
mod import;
mod journeys;
mod messages;
mod openapi;
mod sources;
#[cfg(test)]
mod tests;
mod tracking;

use crate::App;
use crate::intake::World;
use crate::problem::{Code, Problem};
use crate::routes::Route;
use store::{Identity, NotOne};
use words::{CustomerId, EmailAddress};

pub(crate) use events::{replay_one, schema_draft};
pub(crate) use messages::CALL;
#[cfg(test)]
pub(crate) use openapi::document;

/// The largest body of an own route, in bytes.
pub(crate) const BODY_MAX: usize = 512_000;

/// What tells how a node is.
pub(crate) fn health_routes() -> Vec<Route> {
    health::routes()
}

/// Its routes.
pub(crate) fn routes() -> Vec<Route> {
    [
        tracking::routes(),
        consents::routes(),
        customers::routes(),
        messages::routes(),
        journeys::routes(),
        catalogs::routes(),
        events::routes(),
        import::routes(),
        sources::routes(),
        openapi::routes(),
        health::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A message of the tracking API whose times are taken as they are.
pub(crate) fn read_message(
    json: &serde_json::Value,
    now: words::Timestamp,
) -> Result<crate::intake::Call, crate::intake::Refusal> {
    tracking::read_exact(json, now)
}

/// The same word with the hash of the wording in its evidence.
pub(crate) fn hashed(mut consent: words::Consent) -> words::Consent {
    consent.evidence = consents::hashed(consent.evidence);
    consent
}

/// What is declared now.
pub(crate) fn world(app: &App) -> World {
    World(app.current.live())
}

/// The customer that a text means: our id (`cus_…`), an e-mail address after `email:`, else the shop's own id.
pub(crate) async fn find_customer(app: &App, text: &str) -> Result<CustomerId, Problem> {
    if text.starts_with("cus_")
        && let Ok(id) = CustomerId::parse(text)
    {
        return Ok(id);
    }
    let identity = match text.strip_prefix("email:") {
        Some(email) => {
            let email = EmailAddress::parse(email)
                .map_err(|error| Problem::new(Code::InvalidRequest, error.to_string()))?;
            Identity::address(&words::Channel::EMAIL, email.as_str())
        }
        None => Identity::user_id(text),
    };
    app.store.the_one(&identity).await.map_err(|not_one| match not_one {
        NotOne::Nobody => Problem::new(Code::NotFound, "there is no such customer"),
        NotOne::Several(all) => {
            let ids: Vec<String> = all.iter().map(ToString::to_string).collect();
            let detail =
                format!("{} customers have this address: name one by its id: {}", ids.len(), ids.join(", "));
            Problem::new(Code::Conflict, detail)
        }
        NotOne::Store(error) => error.into(),
    })
}

/// Nobody is named.
pub(crate) fn nobody() -> Problem {
    Problem::new(Code::InvalidRequest, "give `userId` or `customer`")
}

/// The shop's own id, as tracking takes it: 1 to 256 characters, none of them a control character.
pub(crate) fn user_id(text: &str) -> Result<&str, Problem> {
    let id = text.trim();
    if id.is_empty() {
        return Err(nobody());
    }
    if id.chars().count() > 256 || id.chars().any(char::is_control) {
        let why = "`userId` has more than 256 characters, or a control character in it";
        return Err(Problem::new(Code::InvalidRequest, why));
    }
    Ok(id)
}
