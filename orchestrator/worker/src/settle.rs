//! What an outcome does to the ledger: which state, when again, what the cap, the address and the journeys learn.

use channel::{Outcome, Stage};
use std::collections::BTreeMap;
use store::planted::{Bug, planted};
use store::{
    AttemptRecord, AuditEvent, AuditKind, DeliveryState, NewEvent, SendWork, Settle, SuppressionRow,
};
use words::{DeliveryClass, Elapsed, Event, EventId, EventKind, Timestamp, Value};

/// Waits between tries while a provider is unavailable; the last one stays.
const BACK_OFF_S: [i64; 7] = [2, 10, 30, 120, 600, 1800, 3600];

/// The longest wait that a provider may ask for.
const THROTTLED_MAX_S: i64 = 3600;

/// How long a misconfigured channel rests before it is tried again.
const MISCONFIGURED_REST: Elapsed = Elapsed::from_minutes(5);

/// When an attempt began and ended, in business time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// A claim closed without a try: nothing was handed over. What may have arrived in an earlier try does not end as not sent.
pub(crate) fn untried(
    work: &SendWork,
    state: DeliveryState,
    due_at: Option<Timestamp>,
    why: String,
) -> Settle {
    let ends = matches!(state, DeliveryState::Suppressed | DeliveryState::Expired);
    let (state, why) = match work.resend && ends {
        true => (DeliveryState::Unknown, with_because(&why, not_again())),
        false => (state, why),
    };
    Settle {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        state,
        due_at,
        why,
        in_inbox: false,
        attempt: None,
        give_back_cap: false,
        suppress: None,
        next: None,
        // Its own strike is taken back, and no other: three deaths set a message aside, however long it waited between them.
        uncount: true,
        clear_strikes: false,
        events: Vec::new(),
        audit: Vec::new(),
    }
}

/// A hand-over that was opened and not begun, because the provider turned out to fail meanwhile: nobody got anything, and it
/// is due as it was.
pub(crate) fn not_begun(work: &SendWork, now: Timestamp) -> Settle {
    let why = serde_json::json!({"because": {
        "code": "provider_fails",
        "en": "it was not handed over, because the provider of the channel fails; it is tried once that answers again",
        "ja": "このチャネルの事業者に障害があるため、渡していません。応答が戻りしだい送ります",
    }});
    let mut settle = untried(work, DeliveryState::Planned, Some(now), why.to_string());
    settle.give_back_cap = !work.resend;
    settle.audit.push(AuditEvent {
        kind: AuditKind::MessageAttempted,
        at: now,
        customer: Some(work.customer.id),
        subject: Some(work.message.0),
        body: serde_json::json!({
            "delivery": work.delivery, "channel": work.channel, "attempt": work.attempts, "outcome": "not_begun",
        })
        .to_string(),
    });
    settle
}

/// The claim closed by what the provider said, or the development inbox in its place. `jitter` in `0..1000` spreads tries.
pub(crate) fn tried(
    work: &SendWork,
    outcome: &Outcome,
    span: Span,
    jitter: u64,
    event: EventId,
    in_inbox: bool,
) -> Settle {
    let (state, due_at) = match outcome {
        Outcome::Accepted { .. } => (DeliveryState::Accepted, None),
        // An earlier try may have arrived: that this one is refused proves nothing about it, and no other channel is tried.
        Outcome::MessageRefused { .. } if work.resend => (DeliveryState::Unknown, None),
        Outcome::AddressDead { .. } | Outcome::MessageRefused { .. } => (DeliveryState::Rejected, None),
        Outcome::Misconfigured { .. } => (DeliveryState::Planned, Some(span.to.plus(MISCONFIGURED_REST))),
        Outcome::Throttled { after, .. } | Outcome::Deferred { after: Some(after), .. } => {
            let secs = i64::try_from(after.as_secs()).unwrap_or(THROTTLED_MAX_S).clamp(1, THROTTLED_MAX_S);
            let secs = if planted(Bug::ThrottleIgnored) { 1 } else { secs };
            (DeliveryState::Planned, Some(later(span.to, secs, jitter)))
        }
        Outcome::Unavailable { .. } | Outcome::Deferred { after: None, .. } => {
            (DeliveryState::Planned, Some(again(work, span.to, jitter)))
        }
        Outcome::Unknown { .. } => match work.delivery_class {
            // Never resent blindly: evidence or a person settles it.
            DeliveryClass::NeverTwice if !planted(Bug::AmbiguousNeverTwiceRetried) => {
                (DeliveryState::Unknown, None)
            }
            DeliveryClass::NeverLost if planted(Bug::NeverLostGivenUp) => (DeliveryState::Unknown, None),
            DeliveryClass::NeverTwice | DeliveryClass::NeverLost | DeliveryClass::Keyed => {
                (DeliveryState::Planned, Some(again(work, span.to, jitter)))
            }
        },
    };
    // A cap is used by what may have been accepted, now or in an earlier attempt, and given back by what provably was not.
    let accepted_perhaps =
        work.resend || matches!(outcome, Outcome::Accepted { .. } | Outcome::Unknown { .. });
    let suppress = matches!(outcome, Outcome::AddressDead { .. }).then(|| SuppressionRow {
        channel: work.channel.clone(),
        reason: "bounce".to_owned(),
        at: span.to,
        expires_at: None,
        source: outcome.answer().to_owned(),
    });
    let stage = match outcome {
        Outcome::Unknown { stage, .. } => {
            serde_json::to_value(stage).ok().and_then(|v| v.as_str().map(str::to_owned))
        }
        _ => None,
    };
    let provider_id = match outcome {
        Outcome::Accepted { provider_id, .. } => provider_id.clone(),
        _ => None,
    };
    let told = match outcome {
        Outcome::Accepted { .. } => Some("message_sent"),
        Outcome::AddressDead { .. } => Some("message_bounced"),
        _ => None,
    };
    Settle {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        state,
        due_at,
        // Written into the verdict: what an earlier try left there and is true no more is taken out.
        why: serde_json::json!({
            "outcome": outcome, "inbox": in_inbox.then_some(true), "because": because(work, outcome),
        })
        .to_string(),
        in_inbox,
        attempt: Some(AttemptRecord {
            started_at: span.from,
            ended_at: span.to,
            outcome: outcome.as_str().to_owned(),
            stage,
            answer: outcome.answer().to_owned(),
            provider_id,
        }),
        give_back_cap: !accepted_perhaps,
        suppress,
        next: None,
        uncount: false,
        clear_strikes: !matches!(outcome, Outcome::Unknown { .. }),
        events: told.map(|name| receipt_event(work, name, span.to, event)).into_iter().collect(),
        audit: vec![AuditEvent {
            kind: AuditKind::MessageAttempted,
            at: span.to,
            customer: Some(work.customer.id),
            subject: Some(work.message.0),
            body: serde_json::json!({
                "delivery": work.delivery, "channel": work.channel, "attempt": work.attempts,
                "outcome": outcome.as_str(), "inbox": in_inbox, "release": work.release,
            })
            .to_string(),
        }],
    }
}

/// Why nobody knows what became of it, and what follows from that.
fn because(work: &SendWork, outcome: &Outcome) -> Option<serde_json::Value> {
    let stage = match outcome {
        Outcome::Unknown { stage, .. } => stage,
        Outcome::MessageRefused { .. } if work.resend => return Some(refused_again()),
        _ => return None,
    };
    let (en, ja) = match stage {
        Stage::Connect | Stage::Request => {
            ("the connection broke off before any content went out", "内容を送る前に接続が切れました")
        }
        Stage::Content => (
            "the connection broke off while its content was going out",
            "内容を送っている途中で接続が切れました",
        ),
        Stage::Answer => (
            "all of its content went out, and the provider's answer was lost",
            "内容はすべて送りましたが、送信事業者の返事を受け取れませんでした",
        ),
    };
    let (then_en, then_ja) = match work.delivery_class {
        DeliveryClass::NeverTwice => (
            "it is not sent again, so that it cannot arrive twice, until evidence or a person settles it",
            "二重に届くのを避けるため、証拠か担当者の判断で決着するまで送り直しません",
        ),
        DeliveryClass::NeverLost => (
            "it is sent again as the same message, because one of its class must not be lost",
            "届かないことが許されない区分のため、同じメッセージとして送り直します",
        ),
        DeliveryClass::Keyed => (
            "it is sent again under the same key, by which the provider knows it",
            "送信事業者が同じキーで重複を見分けるため、同じメッセージとして送り直します",
        ),
    };
    Some(serde_json::json!({
        "code": "answer_lost",
        "en": format!("Whether it was accepted is not known: {en}; {then_en}."),
        "ja": format!("受け付けられたかどうか分かりません。{ja}。{then_ja}。"),
    }))
}

/// Why nobody knows, where it was not sent again.
fn not_again() -> serde_json::Value {
    serde_json::json!({
        "code": "not_sent_again",
        "en": "Whether it was accepted is not known: the provider's answer to an earlier try was lost, and by now it may not be \
               sent again; evidence or a person settles it.",
        "ja": "受け付けられたかどうか分かりません。前回の送信では送信事業者の返事を受け取れず、今は送り直せません。\
               証拠か担当者の判断で決着します。",
    })
}

/// A record with a reason beside what it holds.
fn with_because(why: &str, because: serde_json::Value) -> String {
    let mut record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(why).unwrap_or_default();
    record.insert("because".to_owned(), because);
    serde_json::Value::Object(record).to_string()
}

/// Why nobody knows, where it was sent again and refused.
fn refused_again() -> serde_json::Value {
    serde_json::json!({
        "code": "refused_when_sent_again",
        "en": "Whether it was accepted is not known: the provider's answer to an earlier try was lost, and it refused the message \
               when that was sent again; evidence or a person settles it.",
        "ja": "受け付けられたかどうか分かりません。前回の送信では送信事業者の返事を受け取れず、送り直したものは拒否されました。\
               証拠か担当者の判断で決着します。",
    })
}

/// When to try again what a provider could not take.
fn again(work: &SendWork, now: Timestamp, jitter: u64) -> Timestamp {
    let tries = (work.attempts.max(1) as usize - 1).min(BACK_OFF_S.len() - 1);
    later(now, BACK_OFF_S[tries], jitter)
}

/// After `secs`, and up to a fifth of that later, so that what failed together is not tried together.
fn later(now: Timestamp, secs: i64, jitter: u64) -> Timestamp {
    let spread_ms = secs * i64::try_from(jitter % 1000).unwrap_or(0) / 5;
    now.plus(Elapsed::from_secs(secs)).plus(Elapsed::from_millis(spread_ms))
}

/// An event about a message for the customer's journeys.
pub fn receipt_event(work: &SendWork, name: &str, at: Timestamp, id: EventId) -> NewEvent {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut properties = BTreeMap::from([
        ("message".to_owned(), text(&work.name)),
        ("message_id".to_owned(), Value::Text(work.message.to_string())),
        ("journey".to_owned(), text(&work.journey)),
        ("step".to_owned(), text(&work.step)),
        ("channel".to_owned(), text(work.channel.as_str())),
    ]);
    if let Some(enrollment) = work.enrollment {
        properties.insert("enrollment".to_owned(), Value::Text(enrollment.to_string()));
    }
    NewEvent {
        event: Event {
            id,
            name: name.to_owned(),
            occurred_at: at,
            received_at: at,
            properties,
            kind: EventKind::Live,
        },
        message_id: Some(format!("{}/{name}", work.delivery)),
    }
}

#[cfg(test)]
mod tests;
