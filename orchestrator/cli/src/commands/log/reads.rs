//! Who read what: `tabi log reads`.

use super::filter::period;
use crate::{commands::Context, exit::Exit, instance::Instance, voice::Voice};
use clap::{Args, ValueEnum};
use store::{Read, ReadFilter, ReadKind};
use words::MessageId;

/// List who read what: content and pages of messages, pages of customers, the development inbox, searches, exports
///
/// Example: tabi log reads --reader rie --from 2026-11-01
///
/// Example: tabi log reads --message msg_… --format json
#[derive(Debug, Args)]
pub(crate) struct ReadsArgs {
    /// By this person
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Of this kind alone
    #[arg(long, value_enum, value_name = "WHAT")]
    kind: Option<What>,
    /// Of this message: its content, and all about it
    #[arg(long, value_name = "MESSAGE")]
    message: Option<MessageId>,
    /// At or after: a day (in the project's zone) or an instant
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until: a day, the whole of it (in the project's zone), or before an instant
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// What was read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Content of a message
    Content,
    /// A customer's page
    Customer,
    /// An export of the log
    Export,
    /// The development inbox
    Inbox,
    /// All about a message but its content
    Message,
    /// A search for somebody's messages
    Search,
}

pub(crate) async fn run(context: &Context, args: &ReadsArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let (from, to) = period(args.from.as_deref(), args.to.as_deref(), &instance).await?;
    let kind = args.kind.map(|what| match what {
        What::Content => ReadKind::Content,
        What::Customer => ReadKind::Customer,
        What::Export => ReadKind::Export,
        What::Inbox => ReadKind::Inbox,
        What::Message => ReadKind::Message,
        What::Search => ReadKind::Search,
    });
    let filter = ReadFilter { reader: args.reader.clone(), kind, message: args.message, from, to };
    let (mut rows, mut after) = (Vec::new(), None);
    while rows.len() < args.limit {
        let page = instance.store.reads(&filter, after, args.limit - rows.len()).await?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for read in &rows {
        out.json(&server::export::read_json(read));
    }
    let voice = Voice::of(out, &instance).await;
    if rows.is_empty() {
        out.hint(voice.word("reads-none"));
        return Ok(Exit::Fine);
    }
    let lines: Vec<Vec<String>> = rows.iter().map(|read| cells(&voice, read)).collect();
    voice.table(["when", "reader", "read-what", "what", "reason"], &lines);
    super::goes_on(out, after.is_some());
    Ok(Exit::Fine)
}

fn cells(voice: &Voice, read: &Read) -> Vec<String> {
    let of = read.message.map(|id| id.to_string()).or_else(|| read.customer.map(|id| id.to_string()));
    vec![
        voice.at(read.at),
        read.reader.clone(),
        voice.label("read", read.kind.as_str()),
        of.unwrap_or_else(|| "–".to_owned()),
        read.reason.clone(),
    ]
}

/// One look, in a line.
pub(super) fn line(voice: &Voice, read: &Read) -> String {
    format!("{} {} {}", read.reader, voice.at(read.at), read.reason).trim_end().to_owned()
}
