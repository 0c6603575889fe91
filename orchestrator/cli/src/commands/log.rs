//! `tabi log`: the sent-message log, for whoever has to answer for it.

mod export;
mod filter;

use super::{Context, Named};
use crate::{
    control::{self, Ask},
    exit::{Exit, Fault},
    instance::Instance,
    output::table,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};
use filter::FilterArgs;
use serde_json::{Value, json};
use store::{DeliveryState, LogEntry, LogRow, MessageOutcome};
use words::MessageId;

/// Search, show and export every message sent, and every message not sent
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    what: Log,
}

#[derive(Debug, Subcommand)]
enum Log {
    /// Find messages, the newest first
    ///
    /// Example: tabi log search --customer hana@example.jp --from 2026-11-01
    /// Example: tabi log search --not-sent --journey win_back --format json
    #[command(verbatim_doc_comment)]
    Search {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show everything about one message: cause, verdict, consent, attempts, receipts
    ///
    /// Example: tabi log show msg_…
    /// Example: tabi log show msg_… --content --reason "complaint 4711" > message.eml
    #[command(verbatim_doc_comment)]
    Show {
        /// The message
        message: MessageId,
        /// Write the exact content of its last delivery to standard output; that you read it is recorded
        #[arg(long)]
        content: bool,
        /// Why you read it, for the record (with --content)
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        named: Named,
    },
    /// Write everything that is found to a file
    ///
    /// CSV is safe to open in a spreadsheet: no cell is taken for a formula. EML writes one file per message as the
    /// customer got it; that they are read is recorded, with the reason that you give.
    ///
    /// Example: tabi log export --from 2026-01-01 --as csv --into log.csv
    /// Example: tabi log export --customer hana@example.jp --as eml --into mails/ --reason "request of 12 May"
    #[command(verbatim_doc_comment)]
    Export(export::ExportArgs),
}

pub(crate) async fn run(context: &Context, args: LogArgs) -> anyhow::Result<Exit> {
    match args.what {
        Log::Search { filter, limit } => search(context, &filter, limit).await,
        Log::Show { message, content: false, .. } => {
            let instance = Instance::read(context).await?;
            show_message(context, &instance, message).await
        }
        Log::Show { message, reason, named, .. } => content(context, message, &named.name(), &reason).await,
        Log::Export(args) => export::run(context, &args).await,
    }
}

async fn search(context: &Context, filter: &FilterArgs, limit: usize) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let filter = filter.read(&instance).await?;
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
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let why = row.why.as_deref().map(|why| super::why::reasons(out, why)).unwrap_or_default();
            vec![
                row.planned_at.to_string(),
                outcome(row.outcome).to_owned(),
                row.name.clone(),
                channels(row),
                row.journey.clone(),
                row.customer.to_string(),
                row.message.to_string(),
                why,
            ]
        })
        .collect();
    if lines.is_empty() {
        out.hint(out.either("Nothing is found.", "該当するメッセージはありません。"));
    } else {
        for line in
            table(&["planned", "outcome", "message", "channel", "journey", "customer", "id", "why"], &lines)
        {
            out.line(line);
        }
    }
    if after.is_some() {
        out.hint(out.either(
            "There is more: raise --limit, or narrow the search.",
            "続きがあります。--limit を増やすか、条件を絞ってください。",
        ));
    }
    Ok(Exit::Fine)
}

/// Everything about one message.
pub(super) async fn show_message(
    context: &Context,
    instance: &Instance,
    message: MessageId,
) -> anyhow::Result<Exit> {
    let out = context.out;
    let entry = instance
        .store
        .log_entry(message)
        .await?
        .ok_or_else(|| Fault::problem(format!("there is no message {message} in the log")))?;
    out.json(&entry_json(&entry));
    let row = &entry.row;
    let say = |name: &str, value: String| {
        if !value.is_empty() {
            out.line(format!("  {name}: {value}"));
        }
    };
    out.line(format!("{} {}", out.bold(&row.name), out.dim(&message.to_string())));
    say("outcome", outcome(row.outcome).to_owned());
    say("why", row.why.as_deref().map(|why| super::why::reasons(out, why)).unwrap_or_default());
    say("customer", row.customer.to_string());
    say("journey", format!("{} / {}", row.journey, row.step));
    say("purpose", format!("{} ({})", row.purpose, row.class.as_str()));
    if let Some((seq, name, at)) = &entry.cause {
        say("cause", format!("{name} of {at} (event {seq})"));
    }
    say("planned", row.planned_at.to_string());
    say("release", entry.release.map(|id| id.to_string()).unwrap_or_default());
    for delivery in &entry.deliveries {
        let address = delivery.address.as_deref().unwrap_or("(erased)");
        out.line(format!(
            "  {} {} {} -> {address}",
            delivery.channel.as_str(),
            state(delivery.state),
            out.dim(&delivery.id.to_string())
        ));
        if let Some(why) = &delivery.why {
            say("  why", super::why::reasons(out, why));
        }
        for attempt in &delivery.attempts {
            out.line(format!(
                "    attempt {} at {}: {} {}",
                attempt.n,
                attempt.started_at,
                attempt.outcome.as_deref().unwrap_or("no answer"),
                attempt.answer.as_deref().unwrap_or("")
            ));
        }
        for receipt in &delivery.receipts {
            out.line(format!("    {} at {} {}", receipt.kind, receipt.at, receipt.detail));
        }
    }
    Ok(Exit::Fine)
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
        Fault::problem(format!(
            "{message} was never made: no content is kept ({})",
            outcome(entry.row.outcome)
        ))
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

fn channels(row: &LogRow) -> String {
    row.channels.iter().map(words::Channel::as_str).collect::<Vec<_>>().join(", ")
}

/// A row as JSON.
pub(super) fn row_json(row: &LogRow) -> Value {
    json!({
        "message": row.message, "customer": row.customer, "journey": row.journey, "step": row.step, "visit": row.visit,
        "name": row.name, "purpose": row.purpose, "class": row.class.as_str(), "planned_at": row.planned_at,
        "outcome": outcome(row.outcome), "settled_at": row.settled_at, "channels": row.channels,
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
    value["deliveries"] = entry
        .deliveries
        .iter()
        .map(|delivery| {
            json!({
                "delivery": delivery.id, "ordinal": delivery.ordinal, "channel": delivery.channel,
                "address": delivery.address, "state": state(delivery.state), "due_at": delivery.due_at,
                "handed_at": delivery.handed_at, "settled_at": delivery.settled_at, "provider": delivery.provider,
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
    value
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// An outcome by its name in the glossary.
pub(super) fn outcome(outcome: MessageOutcome) -> &'static str {
    match outcome {
        MessageOutcome::Planned => "planned",
        MessageOutcome::HandedOver => "handed_over",
        MessageOutcome::Accepted => "accepted",
        MessageOutcome::Delivered => "delivered",
        MessageOutcome::Unknown => "unknown",
        MessageOutcome::Bounced => "bounced",
        MessageOutcome::Complained => "complained",
        MessageOutcome::NotSent => "not_sent",
        MessageOutcome::Suppressed => "suppressed",
        MessageOutcome::Expired => "expired",
        MessageOutcome::Cancelled => "cancelled",
        MessageOutcome::Rejected => "rejected",
        MessageOutcome::Quarantined => "quarantined",
    }
}

fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Planned => "planned",
        DeliveryState::Claimed => "claimed",
        DeliveryState::HandingOver => "handing_over",
        DeliveryState::Accepted => "accepted",
        DeliveryState::Unknown => "unknown",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Bounced => "bounced",
        DeliveryState::Complained => "complained",
        DeliveryState::Rejected => "rejected",
        DeliveryState::Quarantined => "quarantined",
        DeliveryState::Suppressed => "suppressed",
        DeliveryState::Expired => "expired",
        DeliveryState::Cancelled => "cancelled",
    }
}
