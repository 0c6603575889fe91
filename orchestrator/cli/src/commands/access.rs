//! `tabi key` and `tabi operator`: who may do what.

use super::{Context, Named, show_answer};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use clap::{Args, Subcommand};
use std::io::{BufRead as _, IsTerminal as _};
use words::Timestamp;

/// Make, list and withdraw API keys
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    what: Key,
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Make a key and show it, this once
    ///
    /// Example: tabi key create shop
    ///
    /// Example: tabi key create storefront --browser
    ///
    /// Example: tabi key create shop --replace
    Create {
        /// What it is for
        name: String,
        /// For a browser: may only send declared events, never consent
        #[arg(long)]
        browser: bool,
        /// What it may do, by comma; left out: what its kind may do
        #[arg(long, value_delimiter = ',', value_name = "SCOPES")]
        scopes: Vec<String>,
        /// Until when (RFC 3339); left out: until it is withdrawn
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Where there is a key of this name, withdraw it once the new one is made
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        named: Named,
    },
    /// List the keys; never their secrets
    List,
    /// Withdraw a key; it is refused from the next request on
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        named: Named,
    },
}

/// Add, list and lock out people at the console
#[derive(Debug, Args)]
pub(crate) struct OperatorArgs {
    #[command(subcommand)]
    what: Person,
}

#[derive(Debug, Subcommand)]
enum Person {
    /// Add a person; the password is read from standard input
    ///
    /// Roles: admin may do everything; marketer deploys and previews; operator stops and settles; reviewer reads and
    /// exports, and changes nothing.
    ///
    /// Example: pass show tabi/hanako | tabi operator add hanako --role reviewer
    Add {
        /// The name to log in with
        name: String,
        /// admin, marketer, operator or reviewer
        #[arg(long, default_value = "operator", value_parser = ["admin", "marketer", "operator", "reviewer"])]
        role: String,
        #[command(flatten)]
        named: Named,
    },
    /// List them
    List,
    /// Give a person a new password, read from standard input; whoever was locked out may log in again
    ///
    /// Their role stays. Every session that was opened with the old password ends.
    ///
    /// Example: pass show tabi/hanako | tabi operator password hanako
    Password {
        /// The name
        name: String,
        #[command(flatten)]
        named: Named,
    },
    /// Lock a person out, now
    Disable {
        /// The name
        name: String,
        /// Let them in again
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        named: Named,
    },
}

pub(crate) async fn key(context: &Context, args: KeyArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    match args.what {
        Key::List => return key_list(context).await,
        Key::Create { name, browser, scopes, expires, replace, named } => {
            let expires_at = match expires {
                Some(text) => Some(Timestamp::parse(&text).map_err(|error| Fault::usage(error.to_string()))?),
                None => None,
            };
            let ask = Ask::KeyCreate { name, browser, scopes, by: named.name()?, expires_at, replace };
            let done = control::ask(context, ask).await?;
            show_answer(out, &done, |done| done["key"].as_str().unwrap_or_default().to_owned());
            if done["replaced"].as_bool() == Some(true) {
                out.hint(out.either("The one before is withdrawn.", "以前のキーは無効にしました。"));
            }
            out.hint(out.either(
                "Keep it now: it is stored as a hash and cannot be shown again.",
                "今すぐ控えてください。ハッシュだけを保存するため、二度と表示できません。",
            ));
        }
        Key::Revoke { name, named } => {
            let done = control::ask(context, Ask::KeyRevoke { name, by: named.name()? }).await?;
            show_answer(out, &done, |_| out.either("Withdrawn.", "無効にしました。").to_owned());
        }
    }
    Ok(Exit::Fine)
}

async fn key_list(context: &Context) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let keys = instance.store.api_keys().await?;
    out.json(&serde_json::json!({"keys": keys.iter().map(|key| serde_json::json!({
        "name": key.name, "kind": key.kind, "scopes": key.scopes, "created_at": key.created_at, "created_by": key.created_by,
        "expires_at": key.expires_at, "expired": key.expired(instance.clock.machine_now()), "revoked_at": key.revoked_at, "last_used_at": key.last_used_at,
    })).collect::<Vec<_>>()}));
    let voice = Voice::of(out, &instance).await;
    let now = instance.clock.machine_now();
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|key| {
            vec![
                key.name.clone(),
                voice.label("key", &key.kind),
                voice.word(match key.revoked_at {
                    Some(_) => "key-revoked",
                    None if key.expired(now) => "key-expired",
                    None => "key-holds",
                }),
                key.expires_at.map(|at| voice.at(at)).unwrap_or_default(),
                voice.at(key.created_at),
                key.last_used_at.map(|at| voice.at(at)).unwrap_or_default(),
            ]
        })
        .collect();
    voice.table(["field-name", "key-kind", "state", "key-expires", "key-created", "key-used"], &rows);
    Ok(Exit::Fine)
}

pub(crate) async fn operator(context: &Context, args: OperatorArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    match args.what {
        Person::List => return operator_list(context).await,
        Person::Add { name, role, named } => {
            let password = password(context)?;
            let ask = Ask::OperatorAdd { name, role, password, by: named.name()? };
            let done = control::ask(context, ask).await?;
            show_answer(out, &done, |done| {
                format!(
                    "{} ({})",
                    done["name"].as_str().unwrap_or_default(),
                    done["role"].as_str().unwrap_or_default()
                )
            });
        }
        Person::Password { name, named } => {
            let password = password(context)?;
            let done =
                control::ask(context, Ask::OperatorPassword { name, password, by: named.name()? }).await?;
            show_answer(out, &done, |_| {
                out.either("The new password holds.", "新しいパスワードを設定しました。").to_owned()
            });
        }
        Person::Disable { name, undo, named } => {
            let done =
                control::ask(context, Ask::OperatorDisable { name, disabled: !undo, by: named.name()? })
                    .await?;
            show_answer(out, &done, |_| {
                if undo {
                    out.either("May log in again.", "再びログインできます。").to_owned()
                } else {
                    out.either("Locked out.", "ログインできないようにしました。").to_owned()
                }
            });
        }
    }
    Ok(Exit::Fine)
}

/// One line of standard input. Nothing is echoed by us; a terminal would, so it is asked to come through a pipe.
fn password(context: &Context) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return Err(Fault::usage(
            "the password comes through standard input, so that no screen shows it: \
             `pass show tabi/hanako | tabi operator add hanako`, or `read -rs p && printf %s \"$p\" | tabi operator add …`",
        )
        .into());
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    let _ = context;
    if password.chars().count() < 12 {
        return Err(Fault::usage("a password has at least 12 characters").into());
    }
    Ok(password)
}

async fn operator_list(context: &Context) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let people = instance.store.operators().await?;
    out.json(&serde_json::json!({"operators": people.iter().map(|person| serde_json::json!({
        "name": person.name, "role": person.role, "created_at": person.created_at, "disabled_at": person.disabled_at,
    })).collect::<Vec<_>>()}));
    let voice = Voice::of(out, &instance).await;
    let rows: Vec<Vec<String>> = people
        .iter()
        .map(|person| {
            let locked_out = |at| format!("{} {}", voice.word("operator-disabled"), voice.at(at));
            let state = person.disabled_at.map_or_else(String::new, locked_out);
            vec![person.name.clone(), voice.label("role", &person.role), voice.at(person.created_at), state]
        })
        .collect();
    voice.table(["field-name", "role", "since", "state"], &rows);
    Ok(Exit::Fine)
}
