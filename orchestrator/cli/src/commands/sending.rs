//! `tabi go-live`, `stop`, `resume`, `send-test`: whether messages leave.

mod testing;

use super::{Context, Named, show_answer};
use crate::{
    control::{self, Ask, Stopped},
    exit::{Exit, Fault},
};
use clap::Args;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use words::{Channel, Locale};

/// Let messages leave this machine from now on; a named person decides, and it is recorded
///
/// Until then everything goes to the development inbox. Providers are named in tabi.yaml; what cannot work is said before
/// anything changes. Customers, journeys under way and planned messages from testing go on: how many there are is said before
/// it asks. A running instance takes it up at once.
///
/// Example: tabi go-live --by "Hanako Yamada"
///
/// Example: tabi go-live --by "Hanako Yamada" --end
#[derive(Debug, Args)]
pub(crate) struct GoLiveArgs {
    /// Who decides; it is recorded
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Do not ask whether it is meant
    #[arg(long, short)]
    yes: bool,
    /// The other way: messages go to the development inbox again
    #[arg(long)]
    end: bool,
}

/// Stop sending: everything, or a journey, a channel, a purpose
///
/// Holds within two seconds; what is stopped waits, and ends only by its own expiry. `tabi resume` takes it back.
///
/// Example: tabi stop --reason "wrong price in the mail"
///
/// Example: tabi stop --journey win_back --reason "wrong coupon"
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    scope: Scope,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    named: Named,
}

/// Take a stop back, or release an installation that is held
///
/// Example: tabi resume --journey win_back
///
/// Example: tabi resume --held --reason "restored on purpose, the old machine is off"
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    scope: Scope,
    /// Release an installation that is held because it looks like a copy or a restored backup
    #[arg(long, conflicts_with_all = ["journey", "channel", "purpose"])]
    held: bool,
    /// Why, for the record (with --held)
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    named: Named,
}

/// What a stop concerns; left out: everything.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Scope {
    /// This journey alone
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// This channel alone
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// This purpose alone
    #[arg(long, value_name = "NAME")]
    purpose: Option<String>,
}

/// Send one message with a sample's values to an address of yours
///
/// Goes where messages go now: to the development inbox, or after go-live to the provider. Needs a running instance.
///
/// Example: tabi send-test welcome --to me@example.jp --locale ja
#[derive(Debug, Args)]
pub(crate) struct SendTestArgs {
    /// The message
    message: String,
    /// The address
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// On which channel [default: e-mail for an address with @, SMS for a number, else the message's first]
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// In which language
    #[arg(long, value_name = "CODE")]
    locale: Option<String>,
    /// With which sample of its sample.yaml
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    #[command(flatten)]
    named: Named,
}

impl Scope {
    fn stopped(&self) -> Stopped {
        match (&self.journey, &self.channel, &self.purpose) {
            (Some(name), ..) => Stopped::Journey(name.clone()),
            (_, Some(name), _) => Stopped::Channel(name.clone()),
            (.., Some(name)) => Stopped::Purpose(name.clone()),
            _ => Stopped::All,
        }
    }

    fn words(&self) -> String {
        match self.stopped() {
            Stopped::All => "everything".to_owned(),
            Stopped::Journey(name) => format!("journey {name}"),
            Stopped::Channel(name) => format!("channel {name}"),
            Stopped::Purpose(name) => format!("purpose {name}"),
        }
    }
}

pub(crate) async fn go_live(context: &Context, args: &GoLiveArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let by = args.by.trim().to_owned();
    if by.is_empty() {
        return Err(Fault::usage("go-live needs a name: --by \"Hanako Yamada\"").into());
    }
    if args.end {
        let done = control::ask(context, Ask::EndLive { by }).await?;
        show_answer(out, &done, |_| {
            out.either(
                "Messages go to the development inbox again.",
                "メッセージは再び開発用の受信箱に届きます。",
            )
            .to_owned()
        });
        return Ok(Exit::Fine);
    }
    let taken_over = testing::taken_over(context).await?;
    if let Some(found) = taken_over {
        out.say(testing::told(found, out.language));
    }
    if !args.yes {
        confirm(
            out,
            out.either(
                "From now on messages reach real customers. Type `live` to go on: ",
                "これ以降、メッセージは実際のお客様に届きます。続けるには `live` と入力してください：",
            ),
            "live",
        )?;
    }
    let mut done = control::ask(context, Ask::GoLive { by }).await?;
    done["taken_over"] = serde_json::json!(taken_over);
    show_answer(out, &done, |done| {
        format!(
            "{} {}",
            out.either("Live. Channels with a provider:", "公開しました。送信できるチャネル："),
            names(&done["channels"])
        )
    });
    let without = names(&done["without"]);
    if !without.is_empty() {
        out.say(format!(
            "{} {without}",
            out.either(
                "No provider yet, their messages wait:",
                "送信手段が未設定のチャネル（メッセージは待機します）："
            )
        ));
    }
    let examples: Vec<&str> =
        done["examples"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    if !examples.is_empty() {
        out.say(out.either(
            "Mail ends on this machine, so these examples may stand; with a real provider go-live refuses them:",
            "メールはこのマシンの中で止まるため、次の記入例はそのままで進めました。実際の送信先では、書き換えるまで本番開始できません：",
        ));
        for example in examples {
            out.say(format!("  {example}"));
        }
    }
    Ok(Exit::Fine)
}

/// A word typed by a person at a terminal; scripts say --yes.
pub(super) fn confirm(out: crate::output::Output, question: &str, word: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() || out.is_json() {
        return Err(Fault::refused("this has to be confirmed: answer at a terminal, or say --yes").into());
    }
    let mut err = std::io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == word {
        return Ok(());
    }
    Err(Fault::refused("not confirmed; nothing was changed").into())
}

pub(crate) async fn stop(context: &Context, args: &StopArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let ask = Ask::Stop { scope: args.scope.stopped(), by: args.named.name()?, reason: args.reason.clone() };
    let done = control::ask(context, ask).await?;
    show_answer(out, &done, |_| {
        format!("{} {}", out.either("Stopped:", "停止しました："), args.scope.words())
    });
    Ok(Exit::Fine)
}

pub(crate) async fn resume(context: &Context, args: &ResumeArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    if args.held {
        let ask = Ask::ReleaseHeld { by: args.named.name()?, reason: args.reason.clone() };
        let done = control::ask(context, ask).await?;
        show_answer(out, &done, |done| {
            if done["released"].as_bool() == Some(true) {
                out.either("Released: sending may go on.", "保留を解除しました。").to_owned()
            } else {
                out.either("Nothing is held.", "保留中ではありません。").to_owned()
            }
        });
        return Ok(Exit::Fine);
    }
    let done =
        control::ask(context, Ask::Resume { scope: args.scope.stopped(), by: args.named.name()? }).await?;
    if done["resumed"].as_bool() == Some(false) {
        return Err(Fault::problem(format!(
            "there is no such stop ({}): `tabi doctor` shows the stops in force",
            args.scope.words()
        ))
        .into());
    }
    show_answer(out, &done, |_| {
        format!("{} {}", out.either("Goes on:", "再開しました："), args.scope.words())
    });
    Ok(Exit::Fine)
}

pub(crate) async fn send_test(context: &Context, args: &SendTestArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let locale = match &args.locale {
        Some(text) => Some(Locale::parse(text).map_err(|error| Fault::usage(error.to_string()))?),
        None => None,
    };
    let guess = if args.to.contains('@') {
        Some("email")
    } else if is_number(&args.to) {
        Some("sms")
    } else {
        None
    };
    let ask = Ask::SendTest {
        message: args.message.clone(),
        channel: args.channel.as_deref().or(guess).map(Channel::new),
        to: args.to.clone(),
        locale,
        sample: args.sample.clone(),
        by: args.named.name()?,
    };
    let done = control::ask(context, ask).await?;
    show_answer(out, &done, |done| {
        let answer = done["answer"].as_str().unwrap_or_default();
        if done["inbox"] == true {
            return format!(
                "{} ({answer})",
                out.either(
                    "Kept in the development inbox; nobody else got it",
                    "開発用の受信箱に保管しました。外部には送信していません"
                ),
            );
        }
        format!(
            "{} {} ({answer})",
            out.either("Accepted by", "送信先が受け付けました："),
            done["provider"].as_str().unwrap_or_default(),
        )
    });
    Ok(Exit::Fine)
}

/// Digits with what people put between them.
fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c))
}

fn names(list: &serde_json::Value) -> String {
    let names = list.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    names.collect::<Vec<_>>().join(", ")
}
