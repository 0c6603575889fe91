//! `tabi event`: send one, see what nobody declared, write a declaration.

use super::{Context, show_answer};
use crate::{
    control::{self, Ask, Who},
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::fmt::Write as _;
use words::Timestamp;

/// Send an event, see those that nobody declared, write their schema
#[derive(Debug, Args)]
pub(crate) struct EventArgs {
    #[command(subcommand)]
    what: Event,
}

#[derive(Debug, Subcommand)]
enum Event {
    /// Report an event about a customer, as the shop would
    ///
    /// Example: tabi event send order_placed --customer hana '{"order_id": "A-1", "total": "5000 JPY"}'
    Send {
        /// The event's name
        name: String,
        /// Its properties, a JSON object
        #[arg(default_value = "{}")]
        properties: String,
        /// Whose: the shop's own id, an id of ours, an e-mail address or a phone number
        #[arg(long, value_name = "WHO")]
        customer: String,
        /// Its message id: the same one again has no effect
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// When it happened (RFC 3339); left out: now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// List events that were received and that no schema declares
    Unknown {
        /// No longer show this one
        #[arg(long, value_name = "NAME")]
        forget: Option<String>,
    },
    /// Write a declaration for an event, from what was received
    ///
    /// Example: tabi event schema cart_abandoned >> journeys/schema.yaml
    Schema {
        /// The event's name
        name: String,
    },
}

pub(crate) async fn run(context: &Context, args: EventArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    match args.what {
        Event::Send { name, properties, customer, id, at } => {
            let properties: Value = serde_json::from_str(&properties)
                .map_err(|error| Fault::usage(format!("the properties are not JSON: {error}")))?;
            let occurred_at = match at {
                Some(text) => Some(Timestamp::parse(&text).map_err(|error| Fault::usage(error.to_string()))?),
                None => None,
            };
            let ask = Ask::Event { who: Who::parse(&customer), name, properties, id, occurred_at };
            let done = control::ask(context, ask).await?;
            show_answer(out, &done, |done| match (done["stored"].as_bool(), done["listened"].as_bool()) {
                (Some(false), _) => {
                    out.either("Seen before; nothing changed.", "受信済みです。変更はありません。").to_owned()
                }
                (_, Some(false)) => out
                    .either(
                        "Stored; no journey listens to it.",
                        "保存しました。これを待つジャーニーはありません。",
                    )
                    .to_owned(),
                _ => out.either("Stored.", "保存しました。").to_owned(),
            });
            if done["created"].as_bool() == Some(true) {
                out.line(match out.language {
                    words::Language::En => {
                        format!("That is a new customer: nobody was known as `{customer}`.")
                    }
                    words::Language::Ja => {
                        format!("「{customer}」というお客様はいなかったため、新しく登録しました。")
                    }
                });
            }
            Ok(Exit::Fine)
        }
        Event::Unknown { forget: Some(name) } => {
            let done = control::ask(context, Ask::ForgetEvent { name }).await?;
            show_answer(out, &done, |_| out.either("Forgotten.", "一覧から消しました。").to_owned());
            Ok(Exit::Fine)
        }
        Event::Unknown { forget: None } => unknown(context).await,
        Event::Schema { name } => schema(context, &name).await,
    }
}

async fn unknown(context: &Context) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let events = instance.store.unknown_events().await?;
    out.json(&serde_json::json!({"unknown": events.iter().map(|event| serde_json::json!({
        "name": event.name, "first_at": event.first_at, "last_at": event.last_at, "count": event.count,
        "properties": serde_json::from_str::<Value>(&event.sample).unwrap_or(Value::Null),
    })).collect::<Vec<_>>()}));
    if events.is_empty() {
        out.hint(
            out.either("Every event that came in is declared.", "受信したイベントはすべて定義されています。"),
        );
        return Ok(Exit::Fine);
    }
    let voice = Voice::of(out, &instance).await;
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| vec![event.name.clone(), event.count.to_string(), voice.at(event.last_at)])
        .collect();
    voice.table(["kind-event", "received", "last-seen"], &rows);
    out.hint(out.either(
        "`tabi event schema NAME` writes a declaration.",
        "`tabi event schema 名前` で定義を作れます。",
    ));
    Ok(Exit::Fine)
}

async fn schema(context: &Context, name: &str) -> anyhow::Result<Exit> {
    let events = Instance::read(context).await?.store.unknown_events().await?;
    let Some(event) = events.iter().find(|event| event.name == name) else {
        return Err(Fault::problem(format!(
            "no event `{name}` was received that nobody declared: `tabi event unknown` lists those there are"
        ))
        .into());
    };
    let sample: Value = serde_json::from_str(&event.sample).unwrap_or(Value::Null);
    let text = declaration(name, &sample);
    context.out.json(&serde_json::json!({"name": name, "yaml": text}));
    context.out.line(text.trim_end());
    Ok(Exit::Fine)
}

/// The YAML of a declaration, from names and types of properties. Every property may be missing, until a person says more.
fn declaration(name: &str, sample: &Value) -> String {
    let own = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let canonical: String = if own {
        name.to_owned()
    } else {
        let low: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        low.trim_matches('_').to_owned()
    };
    let mut text = format!("events:\n  {canonical}:\n");
    if !own {
        let _ = writeln!(text, "    also: [{}]", Value::from(name));
    }
    if let Some(properties) = sample.as_object().filter(|properties| !properties.is_empty()) {
        text.push_str("    properties:\n");
        for (property, kind) in properties {
            let kind = match kind.as_str().unwrap_or_default() {
                "int" | "integer" => "int",
                "float" | "number" => "float",
                "bool" | "boolean" => "bool",
                "text" | "string" => "text",
                "time" => "time",
                "date" => "date",
                "money" => "money",
                _ => "any",
            };
            let _ = writeln!(text, "      {property}: {kind}?");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_written_from_what_was_received() {
        let sample = serde_json::json!({"cart_id": "text", "count": "int", "lines": "list"});
        assert_eq!(
            declaration("Cart Left", &sample),
            "events:\n  cart_left:\n    also: [\"Cart Left\"]\n    properties:\n      cart_id: text?\n      count: int?\n      \
             lines: any?\n"
        );
        assert_eq!(declaration("visited", &Value::Null), "events:\n  visited:\n");
    }
}
