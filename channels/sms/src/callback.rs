//! What the provider calls us back with: states of messages, and replies of people.
//!
//! Source: Twilio documentation, «Track the message status of outbound messages» and «Twilio's request to your incoming
//! message webhook URL».

use crate::{Meaning, Provider};
use channel::{ADDRESS_DEAD, CallRefused, Keyword, OPTED_OUT, Receipt, ReceiptKind, Reply};
use std::collections::BTreeMap;
use words::{DeliveryId, PhoneNumber, Timestamp};

/// Why a callback says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A field is missing.
    #[error("the callback has no `{0}`")]
    Missing(&'static str),
    /// A field cannot be read.
    #[error("the callback's `{0}` cannot be read")]
    Unreadable(&'static str),
}

impl From<CallbackError> for CallRefused {
    fn from(error: CallbackError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Name and value pairs of a form body or a query.
pub fn form_pairs(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn field<'a>(params: &'a [(String, String)], name: &'static str) -> Result<&'a str, CallbackError> {
    let found = params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    found.filter(|value| !value.is_empty()).ok_or(CallbackError::Missing(name))
}

/// The receipt in a status callback: `query` is that of the URL (it names the delivery), `params` the form. `Ok(None)`:
/// a state on the way (`queued`, `sent`), nothing to record. `received_at` stands for the time, which callbacks lack.
///
/// The detail of a bounce begins with `address_dead:` or `opted_out:` where the code says so.
/// Verify the signature first.
pub fn receipt(
    provider: &Provider,
    query: &[(String, String)],
    params: &[(String, String)],
    received_at: Timestamp,
) -> Result<Option<Receipt>, CallbackError> {
    let delivery =
        DeliveryId::parse(field(query, "delivery")?).map_err(|_| CallbackError::Unreadable("delivery"))?;
    let state = field(params, "MessageStatus").or_else(|_| field(params, "SmsStatus"))?;
    let Some(kind) = provider.receipts.states.get(state) else { return Ok(None) };
    let detail = match (kind, field(params, "ErrorCode")) {
        (ReceiptKind::Bounced, Ok(code)) => bounce(&provider.receipts.codes, code),
        _ => state.to_owned(),
    };
    Ok(Some(Receipt { delivery, kind: *kind, at: received_at, detail }))
}

fn bounce(codes: &BTreeMap<String, (Meaning, String)>, code: &str) -> String {
    match codes.get(code) {
        Some((Meaning::AddressDead, words)) => format!("{ADDRESS_DEAD}: {code} {words}"),
        Some((Meaning::OptedOut, words)) => format!("{OPTED_OUT}: {code} {words}"),
        Some((_, words)) => format!("{code} {words}"),
        None => egress::one_line(code, &[]),
    }
}

/// A message of a person to us. Verify the signature first.
pub fn inbound(params: &[(String, String)]) -> Result<Reply, CallbackError> {
    let from = field(params, "From")?;
    let from = PhoneNumber::parse(from).map_err(|_| CallbackError::Unreadable("From"))?;
    // Where the provider has already acted on a keyword of its own list, its word counts.
    let keyword = match field(params, "OptOutType") {
        Ok("STOP") => Some(Keyword::Stop),
        Ok("START") => Some(Keyword::Start),
        Ok("HELP") => Some(Keyword::Help),
        _ => None,
    };
    Ok(Reply {
        from: from.as_str().to_owned(),
        to: field(params, "To")?.to_owned(),
        keyword,
        text: field(params, "Body").unwrap_or_default().to_owned(),
        provider_id: field(params, "MessageSid")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        form_pairs(text.as_bytes())
    }

    #[track_caller]
    fn check(form: &str, expected: Result<Option<(ReceiptKind, &str)>, CallbackError>) {
        let delivery = DeliveryId([7; 16]);
        let query = pairs(&format!("delivery={delivery}"));
        let got = receipt(&Provider::twilio(), &query, &pairs(form), Timestamp::from_secs(5));
        let got = got.map(|receipt| {
            receipt.map(|receipt| {
                assert_eq!((receipt.delivery, receipt.at), (delivery, Timestamp::from_secs(5)));
                (receipt.kind, receipt.detail)
            })
        });
        assert_eq!(got, expected.map(|r| r.map(|(kind, detail)| (kind, detail.to_owned()))), "{form}");
    }

    #[test]
    fn states_at_the_end_are_receipts_and_states_on_the_way_are_not() {
        check("MessageStatus=delivered", Ok(Some((ReceiptKind::Delivered, "delivered"))));
        check("SmsStatus=delivered", Ok(Some((ReceiptKind::Delivered, "delivered"))));
        for state in ["queued", "sending", "sent", "accepted", "scheduled", "news"] {
            check(&format!("MessageStatus={state}"), Ok(None));
        }
        check(
            "MessageStatus=undelivered&ErrorCode=30005",
            Ok(Some((ReceiptKind::Bounced, "address_dead: 30005 unknown or no longer in use"))),
        );
        check(
            "MessageStatus=undelivered&ErrorCode=30003",
            Ok(Some((ReceiptKind::Bounced, "30003 the handset is off or out of reach"))),
        );
        check(
            "MessageStatus=failed&ErrorCode=21610",
            Ok(Some((ReceiptKind::Bounced, "opted_out: 21610 the customer has replied STOP to this sender"))),
        );
        check("MessageStatus=failed", Ok(Some((ReceiptKind::Bounced, "failed"))));
        check("MessageSid=SM1", Err(CallbackError::Missing("SmsStatus")));
    }

    #[test]
    fn a_callback_about_no_delivery_of_ours_is_an_error() {
        let at = Timestamp::from_secs(5);
        let form = pairs("MessageStatus=delivered");
        let read = |query| receipt(&Provider::twilio(), &pairs(query), &form, at);
        assert_eq!(read(""), Err(CallbackError::Missing("delivery")));
        assert_eq!(read("delivery=dlv_x"), Err(CallbackError::Unreadable("delivery")));
    }

    #[test]
    fn a_reply_is_read_with_what_the_provider_understood() {
        let form = pairs("From=%2B819012345678&To=%2B15005550006&Body=%E5%81%9C%E6%AD%A2&MessageSid=SM1");
        let reply = inbound(&form).unwrap();
        assert_eq!((reply.from.as_str(), reply.text.as_str()), ("+819012345678", "停止"));
        assert_eq!((reply.provider_id.as_str(), reply.keyword), ("SM1", None));
        let form = pairs("From=%2B819012345678&To=%2B1&Body=genug&MessageSid=SM1&OptOutType=STOP");
        assert_eq!(inbound(&form).unwrap().keyword, Some(Keyword::Stop));
        let form = pairs("From=nobody&To=%2B1&MessageSid=SM1");
        assert_eq!(inbound(&form), Err(CallbackError::Unreadable("From")));
    }
}
