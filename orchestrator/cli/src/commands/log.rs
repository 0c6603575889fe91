//! `tabi log`: the sent-message log, for whoever has to answer for it.

mod acts;
mod export;
mod filter;
mod reads;
mod verdict;

use super::{Context, Reading};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};
use filter::FilterArgs;
use serde_json::{Value, json};
use store::{LogEntry, LogRow};
use words::MessageId;

/// Search, show and export every message sent, and every message not sent
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    what: Log,
}

#[derive(Debug, Subcommand)]
enum Log {
    /// Find messages, the newest first; that you looked for somebody's is recorded
    ///
    /// With --address, tests that were sent there (`tabi send-test`) are listed too.
    ///
    /// Example: tabi log search --customer hana@example.jp --from 2026-11-01
    ///
    /// Example: tabi log search --not-sent --journey win_back --format json
    Search {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        reading: Reading,
    },
    /// Show everything about one message: cause, verdict, consent, attempts, receipts; that you read it is recorded
    ///
    /// Example: tabi log show msg_…
    ///
    /// Example: tabi log show msg_… --content --reason "complaint 4711" > message.eml
    Show {
        /// The message
        message: MessageId,
        /// Write the exact content of its last delivery to standard output; needs a --reason
        #[arg(long)]
        content: bool,
        #[command(flatten)]
        reading: Reading,
    },
    /// Write everything that is found to a file; recorded, with the reason that you give
    ///
    /// CSV is safe to open in a spreadsheet: no cell is taken for a formula. EML writes one file per message as the
    /// customer got it.
    ///
    /// Example: tabi log export --from 2026-01-01 --as csv --into log.csv --reason "audit of 2026"
    ///
    /// Example: tabi log export --customer hana@example.jp --as eml --into mails/ --reason "request of 12 May"
    Export(export::ExportArgs),
    Reads(reads::ReadsArgs),
    Acts(acts::ActsArgs),
}

pub(crate) async fn run(context: &Context, args: LogArgs) -> anyhow::Result<Exit> {
    match args.what {
        Log::Search { filter, limit, reading } => search(context, &filter, limit, &reading).await,
        Log::Show { message, content: false, reading } => {
            let instance = Instance::read(context).await?;
            show_message(context, &instance, message, &reading).await
        }
        Log::Show { message, reading, .. } => {
            let reason = reading.because()?.to_owned();
            content(context, message, &reading.named.name()?, &reason).await
        }
        Log::Export(args) => export::run(context, &args).await,
        Log::Reads(args) => reads::run(context, &args).await,
        Log::Acts(args) => acts::run(context, &args).await,
    }
}

async fn search(
    context: &Context,
    args: &FilterArgs,
    limit: usize,
    reading: &Reading,
) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let filter = args.read(&instance).await?;
    if filter.customer.is_some() || filter.address.is_some() {
        let about = filter.customer.map(|id| id.to_string());
        reading.record(context, store::ReadKind::Search, about, json!({"fields": args.fields()})).await?;
    }
    let tests = match &filter.address {
        Some((channel, address)) => instance.store.tests_to(channel, address).await?,
        None => Vec::new(),
    };
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = instance.store.log_search(&filter, after, limit - rows.len()).await?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() || rows.len() >= limit {
            break;
        }
    }
    for row in &rows {
        out.json(&row_json(row));
    }
    for test in &tests {
        out.json(&acts::json(test));
    }
    let voice = Voice::of(out, &instance).await;
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let why = row.why.as_deref().map(|why| super::why::reasons(&voice, why)).unwrap_or_default();
            vec![
                voice.at(row.planned_at),
                voice.outcome(row.outcome.as_str(), row.in_inbox()),
                row.name.clone(),
                row.channels
                    .iter()
                    .map(|c| voice.label("channel", c.as_str()))
                    .collect::<Vec<_>>()
                    .join(", "),
                voice.titles.journey(&row.journey),
                row.customer.to_string(),
                row.message.to_string(),
                why,
            ]
        })
        .collect();
    if lines.is_empty() && tests.is_empty() {
        if let Some(unknown) = args.unknown_name(&instance).await? {
            return Err(Fault::problem(unknown).into());
        }
        out.hint(out.either("Nothing is found.", "該当するメッセージはありません。"));
    } else if !lines.is_empty() {
        let head =
            ["planned", "outcome", "message", "channel", "journey", "customer", "message-id", "reason"];
        voice.table(head, &lines);
    }
    if !tests.is_empty() {
        out.line(out.bold(out.either("Tests sent there", "この宛先へのテスト送信")));
        acts::table(&voice, &tests);
    }
    goes_on(out, after.is_some());
    Ok(Exit::Fine)
}

/// Says that what was shown is not all.
fn goes_on(out: crate::output::Output, more: bool) {
    if more {
        out.hint(out.either(
            "There is more: raise --limit, or narrow the search.",
            "続きがあります。--limit を増やすか、条件を絞ってください。",
        ));
    }
}

/// Everything about one message. That somebody reads to whom it went is written down first.
pub(super) async fn show_message(
    context: &Context,
    instance: &Instance,
    message: MessageId,
    reading: &Reading,
) -> anyhow::Result<Exit> {
    let out = context.out;
    reading.record(context, store::ReadKind::Message, Some(message.to_string()), json!({})).await?;
    let entry = instance
        .store
        .log_entry(message)
        .await?
        .ok_or_else(|| Fault::problem(format!("there is no message {message} in the log")))?;
    out.json(&entry_json(&entry));
    let voice = Voice::of(out, instance).await;
    let row = &entry.row;
    out.line(format!("{} {}", out.bold(&row.name), out.dim(&message.to_string())));
    voice.say("outcome", &voice.outcome(row.outcome.as_str(), row.in_inbox()));
    voice.say("reason", &row.why.as_deref().map(|why| super::why::reasons(&voice, why)).unwrap_or_default());
    voice.say("customer", &row.customer.to_string());
    voice.say("journey", &origin(&voice, row));
    voice.say(
        "purpose",
        &format!("{} ({})", voice.titles.purpose(&row.purpose), voice.label("class", row.class.as_str())),
    );
    if let Some((seq, name, at)) = &entry.cause {
        voice.say("kind-event", &format!("{name} ({}, #{seq})", voice.at(*at)));
    }
    voice.say("planned", &voice.at(row.planned_at));
    voice.say("release", &entry.release.map(|id| id.to_string()).unwrap_or_default());
    verdict::show(&voice, row.why.as_deref(), entry.consent.as_ref());
    for delivery in &entry.deliveries {
        show_delivery(&voice, delivery);
        if !out.is_json() {
            held_by_channel(instance, &voice, delivery).await?;
        }
    }
    for read in &entry.reads {
        voice.say("reads-of-message", &reads::line(&voice, read));
    }
    Ok(Exit::Fine)
}

/// The journey by its title and name, and the step; what came from elsewhere stands on none.
fn origin(voice: &Voice, row: &LogRow) -> String {
    let journey = voice.titles.journey_named(&row.journey);
    if row.origin == store::Origin::Journey { format!("{journey} / {}", row.step) } else { journey }
}

fn show_delivery(voice: &Voice, delivery: &store::LogDelivery) {
    let out = voice.out;
    let erased = voice.word("erased-address");
    out.line(format!(
        "  {} {} {} -> {}",
        voice.label("channel", delivery.channel.as_str()),
        voice.outcome(delivery.state.as_str(), delivery.in_inbox()),
        out.dim(&delivery.id.to_string()),
        delivery.address.as_ref().unwrap_or(&erased)
    ));
    let colon = voice.colon();
    let why = delivery.why.as_deref().map(|why| super::why::reasons(voice, why)).unwrap_or_default();
    if !why.is_empty() {
        out.line(format!("    {}{colon}{why}", voice.word("reason")));
    }
    if let Some(provider) = &delivery.provider {
        out.line(format!("    {}{colon}{}", voice.word("provider"), voice.label("provider", provider)));
    }
    if let Some(next) = next_look(voice, delivery) {
        out.line(format!("    {next}"));
    }
    for attempt in &delivery.attempts {
        let outcome = match &attempt.outcome {
            Some(outcome) => voice.label("attempt", outcome),
            None => voice.word("no-answer"),
        };
        let line = format!(
            "    {} {} {}{colon}{outcome} {}",
            voice.word("attempt"),
            attempt.n,
            voice.at(attempt.started_at),
            attempt.answer.as_deref().unwrap_or("")
        );
        out.line(line.trim_end());
    }
    for receipt in &delivery.receipts {
        let line = format!(
            "    {} {} {}",
            voice.label("receipt", &receipt.kind),
            voice.at(receipt.at),
            receipt.detail
        );
        out.line(line.trim_end());
    }
}

/// When a delivery that has not gone out is looked at next.
pub(super) fn next_look(voice: &Voice, delivery: &store::LogDelivery) -> Option<String> {
    let due = delivery.due_at.filter(|_| delivery.state == store::DeliveryState::Planned)?;
    let at = voice.at(due);
    Some(match voice.out.language {
        words::Language::En => format!("waits; looked at again at {at}"),
        words::Language::Ja => format!("待機中。次の確認は {at}"),
    })
}

/// Says why the channel lets a delivery wait that is due.
pub(super) async fn held_by_channel(
    instance: &Instance,
    voice: &Voice,
    delivery: &store::LogDelivery,
) -> anyhow::Result<()> {
    if delivery.state != store::DeliveryState::Planned {
        return Ok(());
    }
    let why = instance.store.why_due_waits(&delivery.channel, delivery.due_at, instance.now()).await?;
    if let Some(why) = why {
        let why = why.get(voice.out.language);
        voice.out.line(format!("    {}", words::calendar::retold(why, &voice.zone)));
    }
    Ok(())
}

async fn content(context: &Context, message: MessageId, reader: &str, reason: &str) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let entry = instance
        .store
        .log_entry(message)
        .await?
        .ok_or_else(|| Fault::problem(format!("there is no message {message} in the log")))?;
    let kept = entry.deliveries.iter().rev().find(|delivery| delivery.has_content);
    let delivery = kept.ok_or_else(|| {
        Fault::problem(format!("{message} was never made: no content is kept ({})", entry.row.outcome))
    })?;
    instance.close().await;
    let ask = Ask::Content { delivery: delivery.id, reader: reader.to_owned(), reason: reason.to_owned() };
    let done = control::ask(context, ask).await?;
    out.json(&done);
    if !out.is_json() {
        out.bytes(&STANDARD.decode(done["bytes"].as_str().unwrap_or_default())?)?;
    }
    Ok(Exit::Fine)
}

/// A row as JSON.
pub(super) fn row_json(row: &LogRow) -> Value {
    json!({
        "message": row.message, "customer": row.customer, "journey": row.journey, "step": row.step, "visit": row.visit,
        "name": row.name, "purpose": row.purpose, "class": row.class.as_str(), "planned_at": row.planned_at,
        "outcome": row.outcome.as_str(), "inbox": row.in_inbox(), "settled_at": row.settled_at, "channels": row.channels,
        "enrollment": row.enrollment, "why": parsed(row.why.as_deref()),
    })
}

/// Everything about a message as JSON.
pub(super) fn entry_json(entry: &LogEntry) -> Value {
    let mut value = row_json(&entry.row);
    value["release"] = json!(entry.release);
    value["program"] = json!(entry.program_hash);
    value["priority"] = json!(entry.priority);
    value["expires_at"] = json!(entry.expires_at);
    value["cause"] = entry
        .cause
        .as_ref()
        .map_or(Value::Null, |(seq, name, at)| json!({"seq": seq, "event": name, "occurred_at": at}));
    value["consent"] = json!(entry.consent);
    value["deliveries"] = entry
        .deliveries
        .iter()
        .map(|delivery| {
            json!({
                "delivery": delivery.id, "ordinal": delivery.ordinal, "channel": delivery.channel,
                "address": delivery.address, "state": delivery.state.as_str(), "due_at": delivery.due_at,
                "handed_at": delivery.handed_at, "settled_at": delivery.settled_at, "provider": delivery.provider,
                "inbox": delivery.in_inbox(),
                "why": parsed(delivery.why.as_deref()), "has_content": delivery.has_content,
                "commitment": delivery.commitment, "locale": delivery.locale, "release": delivery.release,
                "attempts": delivery.attempts.iter().map(|attempt| json!({
                    "n": attempt.n, "started_at": attempt.started_at, "ended_at": attempt.ended_at, "node": attempt.node,
                    "outcome": attempt.outcome, "stage": attempt.stage, "answer": attempt.answer,
                    "provider_id": attempt.provider_id,
                })).collect::<Vec<_>>(),
                "receipts": delivery.receipts.iter().map(|receipt| json!({
                    "kind": receipt.kind, "at": receipt.at, "detail": receipt.detail,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    value["audit"] = entry
        .audit
        .iter()
        .map(|audit| json!({"kind": audit.kind, "at": audit.at, "body": parsed(Some(&audit.body))}))
        .collect();
    value["reads"] = entry.reads.iter().map(server::export::read_json).collect();
    value
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}
