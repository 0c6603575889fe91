//! Who may do what: API keys and operators.

use super::Desk;
use crate::exit::Fault;
use serde_json::{Value, json};
use store::{ApiKey, Operator};
use vault::ApiKeyKind;
use words::Timestamp;

/// The roles of the console.
pub(crate) const ROLES: [&str; 4] = ["admin", "marketer", "operator", "reviewer"];

impl Desk {
    pub(super) async fn key_create(
        &self,
        name: String,
        browser: bool,
        scopes: Vec<String>,
        by: String,
        expires_at: Option<Timestamp>,
    ) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        if store.api_keys().await?.iter().any(|key| key.name == name && key.revoked_at.is_none()) {
            return Err(Fault::problem(format!(
                "there is a key named `{name}` already: choose another name, or `tabi key revoke {name}` first"
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
                created_at: self.instance.now(),
                created_by: by,
                expires_at,
                revoked_at: None,
                last_used_at: None,
            })
            .await?;
        Ok(json!({"name": name, "key": issued.secret.expose(), "scopes": scopes}))
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
            return Err(Fault::problem(format!("there is an operator `{name}` already")).into());
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

    pub(super) async fn operator_disable(
        &self,
        name: &str,
        disabled: bool,
        by: &str,
    ) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        let Some(mut operator) = store.operator(name).await? else {
            return Err(Fault::problem(format!(
                "there is no operator `{name}`: `tabi operator list` shows them"
            ))
            .into());
        };
        let now = self.instance.now();
        operator.disabled_at = disabled.then_some(now);
        store.put_operator(operator, by, now).await?;
        let closed = if disabled { store.close_sessions(name).await? } else { 0 };
        Ok(json!({"name": name, "disabled": disabled, "sessions_closed": closed}))
    }
}
