//! From what the relay said, or failed to say, to an outcome.
//!
//! Codes are RFC 5321 section 4.2 and RFC 3463, with the additions of RFC 4954, 7372 and 7505. Invariant: a readable
//! refusal proves that nothing was accepted; anything else after the first byte of content proves nothing.

use crate::{
    reply::Reply,
    step::{Broken, Step},
};
use channel::{Outcome, Stage};
use std::time::Duration;

/// Asked to slow down, and not told how much.
const SLOW_DOWN: Duration = Duration::from_secs(60);

/// What to do next after a conversation that broke off.
pub(crate) fn outcome(broken: Broken) -> Outcome {
    match broken {
        Broken::Said { step, reply } => said(step, &reply),
        Broken::Lost { step, what } => {
            let answer = crate::line::clean(&format!("{}: {what}", step.name()));
            match step.stage() {
                stage @ (Stage::Content | Stage::Answer) => Outcome::Unknown { stage, answer },
                Stage::Connect | Stage::Request => Outcome::Unavailable { answer },
            }
        }
        Broken::Wrong { what } => Outcome::Misconfigured { answer: crate::line::clean(&what) },
        Broken::Unfit { what } => Outcome::MessageRefused { answer: crate::line::clean(&what) },
    }
}

/// What to do after a readable refusal at `step`.
fn said(step: Step, reply: &Reply) -> Outcome {
    let answer = crate::line::clean(&format!("{} ({})", reply.answer(), step.name()));
    match reply.class() {
        4 => later(step, reply, answer),
        5 => never(step, reply, answer),
        // A 2yz or 3yz where it has no meaning: the relay and we are out of step.
        _ => outcome(Broken::Lost { step, what: format!("the relay answered {} out of turn", reply.code) }),
    }
}

fn later(step: Step, reply: &Reply, answer: String) -> Outcome {
    let text = reply.lines.join(" ").to_ascii_lowercase();
    // Greylisting (RFC 6647) is about this pair of sender and recipient: a slower pace does not help, time does.
    let greylisted = text.contains("greylist") || text.contains("graylist");
    let pace = reply.code == 421 || matches!(reply.enhanced(), Some((4, 7, _)));
    if pace && !greylisted && step != Step::Auth {
        let after = wait_asked_for(&text).unwrap_or(SLOW_DOWN);
        return Outcome::Throttled {
            after: after.clamp(Duration::from_secs(1), Duration::from_secs(3600)),
            answer,
        };
    }
    // Once it has a recipient, "later" is about that one, unless it speaks of the mail system (RFC 3463: X.3.X).
    let system = matches!(reply.enhanced(), Some((4, 3, _)));
    if step >= Step::Rcpt && !system {
        Outcome::Deferred { after: None, answer }
    } else {
        Outcome::Unavailable { answer }
    }
}

fn never(step: Step, reply: &Reply, answer: String) -> Outcome {
    match verdict(step, reply) {
        Verdict::Dead => Outcome::AddressDead { answer },
        Verdict::Refused => Outcome::MessageRefused { answer },
        Verdict::Wrong => Outcome::Misconfigured { answer },
    }
}

enum Verdict {
    Dead,
    Refused,
    Wrong,
}

fn verdict(step: Step, reply: &Reply) -> Verdict {
    if step < Step::Mail {
        // Before MAIL nobody has heard of this message: the refusal is of us.
        return Verdict::Wrong;
    }
    if matches!(reply.code, 530 | 534 | 535 | 538) {
        return Verdict::Wrong;
    }
    let relaying = || {
        let text = reply.lines.join(" ").to_ascii_lowercase();
        text.contains("relay") || text.contains("authenticat")
    };
    match (reply.enhanced(), step) {
        // Bad mailbox, bad domain, bad syntax, moved, null MX; mailbox disabled. At MAIL they speak of the sender.
        (Some((5, 1, 1 | 2 | 3 | 6 | 10) | (5, 2, 1)), Step::Rcpt | Step::Data | Step::Answer) => {
            Verdict::Dead
        }
        (Some((5, 1, 7 | 8)), _) => Verdict::Wrong,
        (Some((5, 1, _)), Step::Mail) => Verdict::Wrong,
        // Authentication and encryption of the client (RFC 4954, 5248), of the sending domain (RFC 7372, large providers).
        (Some((5, 7, 3 | 8 | 9 | 10 | 11 | 13 | 14 | 20..=30 | 509 | 515)), _) => Verdict::Wrong,
        (Some((5, 7, 0 | 1)), Step::Mail | Step::Rcpt) if relaying() => Verdict::Wrong,
        (Some((5, 7, _)), Step::Mail) => Verdict::Wrong,
        (Some(_), _) => Verdict::Refused,
        (None, Step::Rcpt) if relaying() => Verdict::Wrong,
        (None, Step::Rcpt) if matches!(reply.code, 550 | 551 | 553) => Verdict::Dead,
        (None, Step::Mail) if matches!(reply.code, 550 | 553) => Verdict::Wrong,
        (None, _) => Verdict::Refused,
    }
}

/// «… in 300 seconds», «try again in 5 minutes»: the first number that a unit of time follows.
fn wait_asked_for(text: &str) -> Option<Duration> {
    let mut words =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        let Ok(number) = word.parse::<u32>() else { continue };
        let unit = match words.peek()?.trim_end_matches('s') {
            "sec" | "second" => 1,
            "min" | "minute" => 60,
            "h" | "hour" => 3600,
            _ => continue,
        };
        return Some(Duration::from_secs(u64::from(number) * unit));
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn check(step: Step, reply: &str, expected: &str) {
        let (reply, _) = Reply::read(format!("{reply}\r\n").as_bytes()).unwrap().unwrap();
        let outcome = said(step, &reply);
        assert_eq!(outcome.as_str(), expected, "{outcome:?}");
    }

    #[test]
    fn refusals_as_relays_write_them() {
        use Step::{Answer, Auth, Data, Greeting, Hello, Mail, Rcpt, StartTls};
        for (step, reply, expected) in [
            (Greeting, "554 5.7.1 blocked, your IP is listed", "misconfigured"),
            (Greeting, "421 4.3.2 too busy", "throttled"),
            (Greeting, "450 later", "unavailable"),
            (Hello, "550 bad name", "misconfigured"),
            (StartTls, "454 4.7.0 TLS not available due to temporary reason", "throttled"),
            (Auth, "535 5.7.8 authentication credentials invalid", "misconfigured"),
            (Auth, "454 4.7.0 temporary authentication failure", "unavailable"),
            (Mail, "530 5.7.0 authentication required", "misconfigured"),
            (Mail, "553 5.7.1 sender address rejected: not owned by user", "misconfigured"),
            (Mail, "550 5.1.8 bad sender's system address", "misconfigured"),
            (Mail, "552 5.3.4 message size exceeds fixed limit", "message_refused"),
            (Mail, "452 4.3.1 insufficient system storage", "unavailable"),
            (Rcpt, "550 5.1.1 <a@b.example>: user unknown", "address_dead"),
            (Rcpt, "550 5.1.10 recipient domain has a null MX", "address_dead"),
            (Rcpt, "550 no such user here", "address_dead"),
            (Rcpt, "553 mailbox name not allowed", "address_dead"),
            (Rcpt, "550 5.2.1 mailbox disabled", "address_dead"),
            (Rcpt, "552 5.2.2 mailbox full", "message_refused"),
            (Rcpt, "554 5.7.1 <a@b.example>: relay access denied", "misconfigured"),
            (Rcpt, "550 relay not permitted", "misconfigured"),
            (Rcpt, "550 5.7.1 recipient refuses mail", "message_refused"),
            (Rcpt, "450 4.2.0 greylisted, try again in 300 seconds", "deferred"),
            (Rcpt, "450 4.7.1 greylisted", "deferred"),
            (Rcpt, "452 4.2.2 mailbox full", "deferred"),
            (Rcpt, "452 4.3.1 insufficient system storage", "unavailable"),
            (Rcpt, "451 4.7.650 too many messages", "throttled"),
            (Data, "554 no valid recipients", "message_refused"),
            (Data, "451 4.3.0 later", "unavailable"),
            (Answer, "550 5.1.1 user unknown", "address_dead"),
            (Answer, "550 5.7.26 unauthenticated mail", "misconfigured"),
            (Answer, "554 5.7.1 looks like spam", "message_refused"),
            (Answer, "554 5.6.0 malformed", "message_refused"),
            (Answer, "550 no", "message_refused"),
            (Answer, "421 4.7.0 try again later, closing connection", "throttled"),
            (Answer, "451 4.3.0 queue file write error", "unavailable"),
            (Answer, "354 go on", "unknown"),
        ] {
            check(step, reply, expected);
        }
    }

    #[test]
    fn a_wait_that_is_asked_for_is_granted_within_bounds() {
        for (text, seconds) in [
            ("421 4.7.0 try again in 5 minutes", 300),
            ("421 slow down: 90 seconds", 90),
            ("421 come back in 12 hours", 3600),
            ("421 0 seconds", 1),
            ("421 4.7.0 slow down", 60),
            ("421 99999999999999 seconds", 60),
        ] {
            let (reply, _) = Reply::read(format!("{text}\r\n").as_bytes()).unwrap().unwrap();
            let outcome = said(Step::Rcpt, &reply);
            assert!(
                matches!(&outcome, Outcome::Throttled { after, .. } if after.as_secs() == seconds),
                "{text}: {outcome:?}"
            );
        }
    }
}
