//! `tabi why`: every decision about a customer or a message, in words.

use super::Context;
use crate::{
    control::Who,
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use clap::Args;
use serde_json::Value;
use store::TimelineItem;
use words::{MessageId, calendar::retold};

/// Say why a customer got something, or did not
///
/// Takes a customer (id, the shop's own id, e-mail address, phone number) or a message (msg_…), and tells every event,
/// decision and message in order, each with its reason. That you read it is recorded.
///
/// Example: tabi why hana@example.jp
///
/// Example: tabi why msg_…
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// A customer or a message
    what: String,
    /// At most so many things, the newest
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    #[command(flatten)]
    reading: super::Reading,
}

pub(crate) async fn run(context: &Context, args: &WhyArgs) -> anyhow::Result<Exit> {
    let instance = Instance::read(context).await?;
    match MessageId::parse(&args.what) {
        Ok(message) => super::log::show_message(context, &instance, message, &args.reading).await,
        Err(_) => customer(context, &instance, args).await,
    }
}

async fn customer(context: &Context, instance: &Instance, args: &WhyArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let id = crate::control::find_also_erased(instance, &Who::parse(&args.what)).await?;
    let about = Some(id.to_string());
    args.reading.record(context, store::ReadKind::Customer, about, serde_json::json!({})).await?;
    let mut items = instance.store.customer_timeline(id, None, args.limit).await?;
    if items.is_empty() {
        return Err(Fault::problem(format!("nothing is known to have happened to {id}")).into());
    }
    items.reverse();
    out.json(&serde_json::json!({"customer": id.to_string(), "timeline": items.iter().map(json).collect::<Vec<_>>()}));
    out.line(out.bold(&id.to_string()));
    let voice = Voice::of(out, instance).await;
    for item in &items {
        out.line(format!("{}  {}", out.dim(&voice.at(item.at())), words(&voice, item)));
        if let TimelineItem::Message(row) = item
            && row.settled_at.is_none()
            && !out.is_json()
        {
            waiting(instance, &voice, row.message).await?;
        }
    }
    Ok(Exit::Fine)
}

/// Why a message has not gone out yet, and when it is looked at next.
async fn waiting(instance: &Instance, voice: &Voice, message: MessageId) -> anyhow::Result<()> {
    let Some(entry) = instance.store.log_entry(message).await? else { return Ok(()) };
    for delivery in &entry.deliveries {
        let Some(next) = super::log::next_look(voice, delivery) else { continue };
        let why = delivery.why.as_deref().map(|why| reasons(voice, why)).unwrap_or_default();
        let colon = if why.is_empty() { "" } else { voice.colon() };
        voice.out.line(format!("    {next}{colon}{why}"));
        super::log::held_by_channel(instance, voice, delivery).await?;
    }
    Ok(())
}

/// One thing, in a line.
fn words(voice: &Voice, item: &TimelineItem) -> String {
    let out = voice.out;
    match item {
        TimelineItem::Event { event, source, .. } => {
            format!("{} {} ({source})", out.either("event", "イベント"), event.name)
        }
        TimelineItem::Message(row) => {
            let why = row.why.as_deref().map(|why| reasons(voice, why)).unwrap_or_default();
            let channels: Vec<String> =
                row.channels.iter().map(|channel| voice.label("channel", channel.as_str())).collect();
            format!(
                "{} {}{} {}{}{} {}",
                out.either("message", "メッセージ"),
                out.bold(&row.name),
                if channels.is_empty() { String::new() } else { format!(" [{}]", channels.join(", ")) },
                voice.outcome(row.outcome.as_str(), row.in_inbox()),
                if why.is_empty() { "" } else { voice.colon() },
                why,
                out.dim(&row.message.to_string()),
            )
        }
        TimelineItem::Decision { journey, step, body, .. } => {
            let journey = journey.as_deref().map(|name| voice.titles.journey(name));
            let place: Vec<String> = journey.into_iter().chain(step.clone()).collect();
            format!("{}  {}", said(voice, body), out.dim(&place.join(" / ")))
        }
        TimelineItem::Consent { consent, .. } => format!(
            "{} {} {}/{} ({})",
            out.either("consent", "同意"),
            match consent.state {
                words::ConsentState::Granted => out.either("granted", "付与"),
                words::ConsentState::Revoked => out.either("revoked", "撤回"),
            },
            consent.purpose.as_deref().map_or_else(|| "*".to_owned(), |name| voice.titles.purpose(name)),
            consent.channel.as_ref().map_or("*", |channel| channel.as_str()),
            consent.evidence.method
        ),
    }
}

/// A decision's sentence in the reader's language and the project's zone.
fn said(voice: &Voice, body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let key = voice.out.either("en", "ja");
    let found = value.get(key).or_else(|| value.get("text")?.get(key)).and_then(Value::as_str);
    retold(found.unwrap_or(body), &voice.zone).into_owned()
}

/// The reasons of a verdict, or the provider's answer, in words.
pub(super) fn reasons(voice: &Voice, why: &str) -> String {
    let out = voice.out;
    let value: Value = serde_json::from_str(why).unwrap_or(Value::Null);
    let key = out.either("en", "ja");
    if let Some(because) = value["because"][key].as_str() {
        return because.to_owned();
    }
    let list = value.get("reasons").and_then(Value::as_array).into_iter().flatten();
    // What spoke for it is in the record; what decided is said.
    let decided = list.filter(|reason| matches!(reason["outcome"].as_str(), Some("block" | "delay")));
    let texts: Vec<&str> = decided.filter_map(|reason| reason.get("text")?.get(key)?.as_str()).collect();
    if texts.is_empty() {
        let outcome = value.get("outcome").unwrap_or(&Value::Null);
        let answer = value.get("answer").or_else(|| outcome.get("answer")).and_then(Value::as_str);
        let code = outcome.as_str().or_else(|| outcome.get("outcome")?.as_str());
        // That it was accepted is said by its outcome.
        let code = code.filter(|code| *code != "accepted" || answer.is_none());
        let code = code.map(|code| server::console::label(out.language, "outcome", code));
        return [code.as_deref(), answer].into_iter().flatten().collect::<Vec<_>>().join(", ");
    }
    retold(&texts.join("; "), &voice.zone).into_owned()
}

fn json(item: &TimelineItem) -> Value {
    match item {
        TimelineItem::Event { seq, source, event } => serde_json::json!({
            "kind": "event", "at": event.received_at, "seq": seq, "source": source, "event": event,
        }),
        TimelineItem::Message(row) => {
            let mut value = super::log::row_json(row);
            value["kind"] = "message".into();
            value["at"] = serde_json::json!(row.planned_at);
            value
        }
        TimelineItem::Decision { at, enrollment, journey, step, kind, body } => serde_json::json!({
            "kind": "decision", "at": at, "enrollment": enrollment, "journey": journey, "step": step, "decision": kind,
            "body": serde_json::from_str::<Value>(body).unwrap_or(Value::Null),
        }),
        TimelineItem::Consent { recorded_at, consent } => serde_json::json!({
            "kind": "consent", "at": recorded_at, "consent": consent,
        }),
    }
}
