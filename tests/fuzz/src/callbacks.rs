//! What providers answer and report: read within limits, and records hold one short line of it.

use crate::parts::{NOW, lines, one_short_line, text};
use crate::signatures::{OURS, SMS, TOKEN};
use channel::{Adapter, Call, Outcome, Said};
use egress::{Answer, AnswerBody, one_line};
use sms::{form_pairs, keyword, segments, sign};
use std::time::Duration;
use words::PhoneNumber;

const TO: &str = "+819012345678";

/// A query, and the body of a call or of an answer.
pub(crate) fn run(bytes: &[u8]) {
    let [query, body] = lines(bytes);
    called(&text(query), body);
    answered(body);
    wrote(&text(body));
    line(&text(body), &text(query));
}

fn called(query: &str, body: &[u8]) {
    let url = if query.is_empty() { OURS.to_owned() } else { format!("{OURS}?{query}") };
    let headers = [("x-twilio-signature".to_owned(), sign(TOKEN, &url, &form_pairs(body)))];
    let Ok(said) = SMS.callback(&Call { query, headers: &headers, body, at: NOW }) else { return };
    for said in said {
        match said {
            Said::Receipt(receipt) => {
                one_short_line(&receipt.detail);
                assert_eq!(receipt.at, NOW);
            }
            Said::Reply(reply) => {
                let from = PhoneNumber::parse(&reply.from);
                assert_eq!(
                    from.as_ref().map(PhoneNumber::as_str),
                    Ok(reply.from.as_str()),
                    "not in its normal form"
                );
                assert!(!reply.provider_id.is_empty() && !reply.to.is_empty());
            }
        }
    }
}

/// Whatever a provider answers: an outcome, and a line for the record.
fn answered(body: &[u8]) {
    const STATUSES: [u16; 12] = [200, 201, 204, 301, 400, 401, 404, 409, 429, 500, 503, 599];
    for (nth, status) in STATUSES.into_iter().enumerate() {
        let retry_after = nth.is_multiple_of(2).then(|| Duration::from_secs(9));
        let answer = Answer { status, retry_after, body: AnswerBody::Whole(body.to_vec()) };
        for outcome in [push::fuzz::outcome(&answer, TO), sms::fuzz::outcome(&SMS, &answer, TO)] {
            one_short_line(outcome.answer());
            assert!(!outcome.answer().contains("9012345678"), "a number in a record: {outcome:?}");
            if let Outcome::Accepted { provider_id, .. } = &outcome {
                assert!((200..300).contains(&status), "{outcome:?}");
                assert!(provider_id.as_ref().is_none_or(|id| id.len() <= 256), "{outcome:?}");
            }
            if matches!(outcome, Outcome::AddressDead { .. }) {
                assert!((400..500).contains(&status), "{outcome:?}");
            }
        }
    }
}

/// A message of a person: a keyword or not, and so many parts.
fn wrote(said: &str) {
    for locale in ["", "ja", "de-CH", said] {
        let meant = keyword(said, locale);
        assert_eq!(keyword(&said.to_ascii_uppercase(), locale), meant, "{said:?}");
    }
    let parts = segments(said);
    assert!(parts.parts >= 1 && parts.units <= 2 * said.chars().count());
    assert!(parts.units <= parts.encoding.single().max(parts.parts * parts.encoding.multiple()));
}

fn line(said: &str, secret: &str) {
    let line = one_line(said, &[secret]);
    assert!(line.chars().count() <= 200 && !line.chars().any(char::is_control), "{line:?}");
    let digits = line.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    assert!(digits.unwrap_or_default() < 7, "a number in a record: {line:?}");
    let mails = |word: &str| word.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'));
    assert!(!line.split(' ').any(mails), "an address in a record: {line:?}");
}
