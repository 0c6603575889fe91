//! `tabi customer`: one person, as Tabi knows them.

use super::{Context, Named, Reading, show_answer};
use crate::{
    control::{self, Ask, Who},
    exit::{Exit, Fault},
    instance::Instance,
    voice::Voice,
};
use clap::{Args, Subcommand};
use serde_json::json;
use words::{AddressState, Value};

/// Show, find, erase and merge customers
#[derive(Debug, Args)]
pub(crate) struct CustomerArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show a customer: traits, addresses, consents, journeys under way; that you read it is recorded
    ///
    /// Example: tabi customer show hana@example.jp
    Show {
        /// Id, the shop's own id, e-mail address or phone number
        who: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Say which customer an id, e-mail address or phone number means
    Find {
        /// What to look for
        who: String,
    },
    /// Destroy a customer's keys: nothing personal about them can ever be read again, here or in copies of the database
    ///
    /// The record of what was sent stays and still proves itself; it no longer says to whom. This cannot be undone.
    ///
    /// Example: tabi customer erase hana@example.jp --reason "request of 12 May"
    Erase {
        /// Id, the shop's own id, e-mail address or phone number
        who: String,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do not ask whether it is meant
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        named: Named,
    },
    /// Say that two customers are one person; the first becomes a redirect to the second
    ///
    /// Example: tabi customer merge old@example.jp --into hana
    Merge {
        /// Who is given up
        who: String,
        /// Who stays
        #[arg(long, value_name = "WHO")]
        into: String,
        #[command(flatten)]
        named: Named,
    },
}

pub(crate) async fn run(context: &Context, args: CustomerArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    match args.what {
        What::Show { who, reading } => show(context, &who, &reading).await,
        What::Find { who } => {
            let instance = Instance::read(context).await?;
            let id = control::find(&instance, &Who::parse(&who)).await?;
            out.json(&json!({"customer": id}));
            out.line(id.to_string());
            Ok(Exit::Fine)
        }
        What::Erase { who, reason, yes, named } => {
            let instance = Instance::read(context).await?;
            let customer = control::find(&instance, &Who::parse(&who)).await?;
            instance.close().await;
            if !yes {
                let question = format!(
                    "{} {customer} {} ",
                    out.either("Everything personal about", "個人情報をすべて消去します："),
                    out.either(
                        "will be gone for good. Type `erase` to go on:",
                        "元に戻せません。続けるには `erase` と入力："
                    )
                );
                super::sending::confirm(out, &question, "erase")?;
            }
            let done = control::ask(context, Ask::Erase { customer, by: named.name()?, reason }).await?;
            show_answer(out, &done, |_| format!("{} {customer}", out.either("Erased:", "消去しました：")));
            Ok(Exit::Fine)
        }
        What::Merge { who, into, named } => {
            let instance = Instance::read(context).await?;
            let loser = control::find(&instance, &Who::parse(&who)).await?;
            let survivor = control::find(&instance, &Who::parse(&into)).await?;
            instance.close().await;
            if loser == survivor {
                return Err(Fault::problem("they are one customer already").into());
            }
            let done = control::ask(context, Ask::Merge { loser, survivor, by: named.name()? }).await?;
            show_answer(out, &done, |done| {
                format!(
                    "{} {}",
                    out.either("One customer now:", "統合しました："),
                    done["survivor"].as_str().unwrap_or_default()
                )
            });
            Ok(Exit::Fine)
        }
    }
}

async fn show(context: &Context, who: &str, reading: &Reading) -> anyhow::Result<Exit> {
    let out = context.out;
    let instance = Instance::read(context).await?;
    let id = control::find_also_erased(&instance, &Who::parse(who)).await?;
    reading.record(context, store::ReadKind::Customer, Some(id.to_string()), json!({})).await?;
    let page = instance
        .store
        .customer_page(id, 20)
        .await?
        .ok_or_else(|| Fault::problem(format!("there is no customer {id}")))?;
    out.json(&json!({
        "id": page.id, "customer": page.customer, "segments": page.segments,
        "enrollments": page.enrollments.iter().map(|e| json!({
            "id": e.id, "journey": e.journey, "status": super::journey::status(e.status), "started_at": e.started_at,
            "ended_at": e.ended_at, "due_at": e.due_at, "goal_at": e.goal_at, "reason": e.reason,
        })).collect::<Vec<_>>(),
        "suppressions": page.suppressions.iter().map(|s| json!({
            "channel": s.channel, "reason": s.reason, "at": s.at, "expires_at": s.expires_at,
        })).collect::<Vec<_>>(),
        "consents_earlier": earlier(&page),
        "erased": page.erasure.as_ref().map(|act| json!({"at": act.at, "by": act.by, "reason": act.reason})),
    }));
    let voice = Voice::of(out, &instance).await;
    out.line(out.bold(&page.id.to_string()));
    let Some(customer) = &page.customer else {
        out.line(
            out.either("  erased: what was known can no longer be read", "  消去済み：内容は読めません"),
        );
        if let Some(act) = &page.erasure {
            voice.say("erased-by", &act.by);
            voice.say("when", &voice.at(act.at));
            voice.say("reason", &act.reason);
        }
        return Ok(Exit::Fine);
    };
    voice.say("user-id", customer.user_id.as_deref().unwrap_or_default());
    for address in &customer.addresses {
        let dead = address.state == AddressState::Dead;
        let dead = if dead { format!(" ({})", voice.word("address-dead")) } else { String::new() };
        let channel = voice.label("channel", address.channel.as_str());
        out.line(format!("  {channel}{}{}{dead}", voice.colon(), address.value));
    }
    for against in &page.suppressions {
        let reason = voice.label("suppression", &against.reason);
        let channel = voice.label("channel", against.channel.as_str());
        out.line(format!("  {channel}{}{reason} {}", voice.colon(), voice.at(against.at)));
    }
    voice.say("language", customer.locale.as_ref().map(|l| l.as_str()).unwrap_or_default());
    voice.say("country", customer.country.as_ref().map(|c| c.as_str()).unwrap_or_default());
    if let Some((zone, source)) = &customer.zone {
        voice.say(
            "zone",
            &format!("{} ({})", zone.name(), voice.label("zone", server::console::zone_source(*source))),
        );
    }
    // What the profile says already is not said twice.
    let said: Vec<String> =
        [customer.country.map(|c| c.to_string()), customer.locale.as_ref().map(ToString::to_string)]
            .into_iter()
            .flatten()
            .chain(customer.addresses.iter().map(|address| address.value.clone()))
            .chain(customer.zone.as_ref().map(|(zone, _)| zone.name().to_owned()))
            .collect();
    for (name, value) in &customer.traits {
        let known =
            matches!(name.as_str(), "country" | "country_code" | "locale" | "timezone" | "email" | "phone");
        if known && said.contains(&trait_text(&voice, value)) {
            continue;
        }
        out.line(format!("  {name}{}{}", voice.colon(), trait_text(&voice, value)));
    }
    for consent in &customer.consents {
        voice.consent("kind-consent", consent);
    }
    for consent in earlier(&page) {
        voice.consent("consent-earlier", consent);
    }
    voice.say("segments", &page.segments.join(", "));
    let rows: Vec<Vec<String>> = page
        .enrollments
        .iter()
        .map(|e| {
            vec![
                voice.titles.journey(&e.journey),
                voice.label("enrollment", super::journey::status(e.status)),
                voice.at(e.started_at),
                e.reason.as_deref().map(|reason| voice.label("reason", reason)).unwrap_or_default(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.line("");
        voice.table(["journey", "state", "started", "reason"], &rows);
    }
    out.hint(out.either("`tabi why` tells every decision.", "`tabi why` ですべての判断を確認できます。"));
    Ok(Exit::Fine)
}

/// Words on consent that a later one took the place of.
fn earlier(page: &store::CustomerPage) -> Vec<&words::Consent> {
    let now = page.customer.as_ref().map(|customer| customer.consents.as_slice()).unwrap_or_default();
    page.words.iter().filter(|word| !now.contains(word)).collect()
}

/// A trait's value: text as it is, instants in the project's zone.
fn trait_text(voice: &Voice, value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Time(at) => voice.at(*at),
        other => other.to_plain_json().to_string(),
    }
}
