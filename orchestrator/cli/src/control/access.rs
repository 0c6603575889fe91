//! Who may do what: API keys and operators.

use super::Desk;
use crate::exit::Fault;
use serde_json::{Value, json};
use server::Scope;
use store::{ApiKey, Operator};
use vault::ApiKeyKind;
use words::Timestamp;

/// The roles of the console.
pub(crate) const ROLES: [&str; 4] = ["admin", "marketer", "operator", "reviewer"];

/// A key to be made.
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) browser: bool,
    pub(super) scopes: Vec<String>,
    pub(super) by: String,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) replace: bool,
}

impl Desk {
    pub(super) async fn key_create(&self, new: NewKey) -> anyhow::Result<Value> {
        let NewKey { name, browser, scopes, by, expires_at, replace } = new;
        let scopes = scopes_of(scopes, browser)?;
        let (store, now) = (&self.instance.store, self.instance.now());
        let machine_now = self.instance.clock.machine_now();
        if let Some(end) = expires_at
            && end <= machine_now
        {
            return Err(Fault::usage(format!(
                "a key that expires at {end} would never hold: it is {machine_now} now"
            ))
            .into());
        }
        let of_this_name: Vec<ApiKey> = store
            .api_keys()
            .await?
            .into_iter()
            .filter(|key| key.name == name && key.revoked_at.is_none() && !key.expired(machine_now))
            .collect();
        if let Some(there) = of_this_name.first()
            && !replace
        {
            return Err(Fault::problem(format!(
                "there is a key named `{name}` already, made {} by {}; it is kept as a hash and cannot be shown again. \
                 `tabi key create {name} --replace` makes a new one and withdraws that one; with another name both hold",
                there.created_at, there.created_by
            ))
            .into());
        }
        let kind = if browser { ApiKeyKind::Browser } else { ApiKeyKind::Server };
        let issued = store.vault().issue_api_key(kind)?;
        store
            .put_api_key(ApiKey {
                hash: issued.hash,
                name: name.clone(),
                kind: if browser { "browser" } else { "server" }.to_owned(),
                scopes: scopes.clone(),
                created_at: now,
                created_by: by.clone(),
                expires_at,
                revoked_at: None,
                last_used_at: None,
            })
            .await?;
        // The new one first: nobody is without a key in between.
        for old in &of_this_name {
            store.revoke_api_key(old.hash, &by, now).await?;
        }
        Ok(json!({
            "name": name, "key": issued.secret.expose(), "scopes": scopes, "replaced": !of_this_name.is_empty(),
        }))
    }

    pub(super) async fn key_revoke(&self, name: &str, by: &str) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let keys = store.api_keys().await?;
        let Some(key) = keys.iter().find(|key| key.name == name && key.revoked_at.is_none()) else {
            return Err(Fault::problem(format!(
                "there is no key named `{name}`: `tabi key list` shows them"
            ))
            .into());
        };
        store.revoke_api_key(key.hash, by, self.instance.now()).await?;
        Ok(json!({"revoked": name}))
    }

    pub(super) async fn operator_add(
        &self,
        name: String,
        role: String,
        password: String,
        by: &str,
    ) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        if store.operator(&name).await?.is_some() {
            return Err(Fault::problem(format!(
                "there is an operator `{name}` already: `tabi operator password {name}` gives them a new password"
            )).into());
        }
        if !ROLES.contains(&role.as_str()) {
            return Err(Fault::usage(format!("`{role}` is no role: {}", ROLES.join(", "))).into());
        }
        let password = vault::hash_password(&vault::Secret::new(password))?;
        let now = self.instance.now();
        let operator =
            Operator { name: name.clone(), role: role.clone(), password, created_at: now, disabled_at: None };
        store.put_operator(operator, by, now).await?;
        Ok(json!({"name": name, "role": role}))
    }

    /// An error where there is nobody of this name.
    async fn operator(&self, name: &str) -> anyhow::Result<Operator> {
        let found = self.instance.store.operator(name).await?;
        found.ok_or_else(|| {
            Fault::problem(format!("there is no operator `{name}`: `tabi operator list` shows them")).into()
        })
    }

    /// The role stays, and so does everybody's else; whoever was locked out is let in again.
    pub(super) async fn operator_password(
        &self,
        name: &str,
        password: String,
        by: &str,
    ) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let mut operator = self.operator(name).await?;
        operator.password = vault::hash_password(&vault::Secret::new(password))?;
        let was_out = operator.disabled_at.take().is_some();
        store.put_operator(operator, by, self.instance.now()).await?;
        let closed = store.close_sessions(name).await?;
        Ok(json!({"name": name, "let_in_again": was_out, "sessions_closed": closed}))
    }

    pub(super) async fn operator_disable(
        &self,
        name: &str,
        disabled: bool,
        by: &str,
    ) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let mut operator = self.operator(name).await?;
        let now = self.instance.now();
        operator.disabled_at = disabled.then_some(now);
        store.put_operator(operator, by, now).await?;
        let closed = if disabled { store.close_sessions(name).await? } else { 0 };
        Ok(json!({"name": name, "disabled": disabled, "sessions_closed": closed}))
    }
}

/// The scopes asked for; none named: what the kind of key may do.
fn scopes_of(asked: Vec<String>, browser: bool) -> anyhow::Result<Vec<String>> {
    if asked.is_empty() {
        let whole = if browser { Scope::Track.as_str() } else { "*" };
        return Ok(vec![whole.to_owned()]);
    }
    if let Some(unknown) = asked.iter().find(|name| *name != "*" && Scope::parse(name).is_none()) {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        return Err(Fault::usage(format!("there is no scope `{unknown}`; there are: {known}, or *")).into());
    }
    if browser && asked.iter().any(|name| name != Scope::Track.as_str()) {
        return Err(Fault::usage("a browser key has the scope `track` alone: anybody can read it").into());
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_named_scopes_may_do_what_its_kind_may() {
        assert_eq!(scopes_of(Vec::new(), false).ok(), Some(vec!["*".to_owned()]));
        assert_eq!(scopes_of(Vec::new(), true).ok(), Some(vec!["track".to_owned()]));
    }

    #[test]
    fn a_scope_that_is_not_there_or_not_for_browsers_is_refused() {
        assert!(scopes_of(vec!["tracks".to_owned()], false).is_err());
        assert!(scopes_of(vec!["consents".to_owned()], true).is_err());
        assert!(scopes_of(vec!["consents".to_owned()], false).is_ok());
    }
}
