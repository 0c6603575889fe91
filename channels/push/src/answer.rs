//! What the platform's answers mean.
//!
//! Source: Firebase documentation, «FCM error codes» and «ErrorCode»; `google.rpc.Status`.

use channel::{Outcome, Stage};
use egress::{Answer, PAUSE_DEFAULT, one_line};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Accepted {
    name: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Value>,
}

impl Status {
    /// The code of FCM itself where there is one, else that of `google.rpc`.
    fn code(&self) -> &str {
        let fcm = self.details.iter().find_map(|detail| detail.get("errorCode").and_then(Value::as_str));
        fcm.unwrap_or(&self.status)
    }

    /// Whether an invalid argument is the token and nothing else.
    fn names_only_the_token(&self) -> bool {
        let fields: Vec<&str> = self
            .details
            .iter()
            .filter_map(|detail| detail.get("fieldViolations").and_then(Value::as_array))
            .flatten()
            .filter_map(|violation| violation.get("field").and_then(Value::as_str))
            .collect();
        if fields.is_empty() {
            return self.message.contains("not a valid FCM registration token");
        }
        fields.iter().all(|field| *field == "message.token")
    }
}

/// What an answer means, a 401 apart.
///
/// | FCM's code | HTTP | outcome |
/// |---|---|---|
/// | – | 200 with a name | accepted |
/// | `UNREGISTERED` | 404 | address dead |
/// | `INVALID_ARGUMENT` that names the token alone | 400 | address dead |
/// | `INVALID_ARGUMENT` otherwise | 400 | message refused |
/// | `SENDER_ID_MISMATCH`, `PERMISSION_DENIED`, `THIRD_PARTY_AUTH_ERROR`, `UNAUTHENTICATED`, `NOT_FOUND` | 401, 403, 404 | misconfigured |
/// | `QUOTA_EXCEEDED`, `RESOURCE_EXHAUSTED` | 429 | throttled |
/// | `UNAVAILABLE` | 503 | throttled with `Retry-After`, else unavailable |
/// | `INTERNAL` | 500 | unknown |
/// | none that can be read | any | by the status, see [`Answer::outcome_by_status`] |
pub(crate) fn judge(answer: &Answer, to: &str) -> Outcome {
    let body = answer.body.whole().unwrap_or_default();
    if (200..300).contains(&answer.status) {
        return match serde_json::from_slice::<Accepted>(body) {
            Ok(Accepted { name }) if name.starts_with("projects/") && egress::is_id(&name) => {
                Outcome::Accepted {
                    answer: format!("HTTP {}: taken by the platform", answer.status),
                    provider_id: Some(name),
                }
            }
            _ => Outcome::Unknown {
                stage: Stage::Answer,
                answer: format!(
                    "HTTP {}: {}",
                    answer.status,
                    one_line(answer.body.trouble().unwrap_or("the answer is not FCM's"), &[])
                ),
            },
        };
    }
    let Ok(Refused { error }) = serde_json::from_slice::<Refused>(body) else {
        return answer.outcome_by_status(&one_line(answer.body.trouble().unwrap_or_default(), &[]));
    };
    let code = error.code();
    let said = one_line(&format!("{code} {}", error.message), &[to]);
    let line = format!("HTTP {}: {said}", answer.status);
    match (answer.status, code) {
        (404, "UNREGISTERED") => Outcome::AddressDead { answer: line },
        (400, "INVALID_ARGUMENT") if error.names_only_the_token() => Outcome::AddressDead { answer: line },
        (400, "INVALID_ARGUMENT") => Outcome::MessageRefused { answer: line },
        (
            400..=499,
            "SENDER_ID_MISMATCH"
            | "PERMISSION_DENIED"
            | "THIRD_PARTY_AUTH_ERROR"
            | "UNAUTHENTICATED"
            | "NOT_FOUND",
        ) => Outcome::Misconfigured { answer: line },
        (400..=499, "QUOTA_EXCEEDED" | "RESOURCE_EXHAUSTED") => {
            Outcome::Throttled { after: answer.retry_after.unwrap_or(PAUSE_DEFAULT), answer: line }
        }
        (503, "UNAVAILABLE") => match answer.retry_after {
            Some(after) => Outcome::Throttled { after, answer: line },
            None => Outcome::Unavailable { answer: line },
        },
        _ => answer.outcome_by_status(&said),
    }
}
